// What the daemon asks of the operating system: limits, signals, and the word to systemd that it is ready.
#pragma once

#include <string_view>

namespace postern::app {

// No core dump (it could hold keys), no ptrace by others, as many descriptors as allowed, no death by SIGPIPE.
void harden_process();

// SIGTERM, SIGINT and SIGHUP wait for next_signal(). Before any thread starts.
void block_signals();
// Waits; returns the signal.
int next_signal();
// From now on SIGTERM and SIGINT kill at once.
void release_signals();

// True if a socket can be bound to ::1: containers are often without IPv6.
bool machine_has_ipv6();

// RELOADING=1, with the time that newer managers ask for.
void notify_reloading();
// "READY=1" and the like (sd_notify(3)): a datagram to $NOTIFY_SOCKET; nothing where there is none.
void notify_systemd(std::string_view state);

}  // namespace postern::app
