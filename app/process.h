// What the daemon asks of the operating system: limits, signals, and the word to systemd that it is ready.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace postern::app {

// No core dump (it could hold keys), no ptrace by others, as many descriptors as allowed, no death by SIGPIPE.
void harden_process();

// SIGTERM, SIGINT and SIGHUP wait for next_signal(). Before any thread starts.
void block_signals();
// Waits; nullopt: none came in time.
std::optional<int> next_signal(std::chrono::milliseconds longest);
// The end has begun: from now on SIGTERM and SIGINT kill at once, and SIGHUP is ignored.
void release_signals();
// Ends the process, with status 1 and a word on standard error, if it still runs after so long: a thread may hang in a system call
// (a commit behind a writer that was stopped, a disk that is gone). What was not acknowledged by then never was.
void end_at_the_latest_after(std::chrono::seconds longest);

// While the server starts, SIGTERM and SIGINT end the process, with status 0: nothing is acknowledged yet, and opening the store
// may wait for another one's transaction.
// After block_signals(). Throws std::system_error where there is no thread to spare.
class StartWatch {
 public:
  StartWatch();
  StartWatch(const StartWatch&) = delete;
  StartWatch& operator=(const StartWatch&) = delete;
  ~StartWatch();

 private:
  void watch() const;
  std::atomic<bool> is_over_{false};
  std::thread thread_;
};

// "RLIMIT_DATA 67108864, pids.max (TasksMax) 24": which limits a thread or memory may have met.
std::string describe_limits();
// How often the manager wants to hear WATCHDOG=1 at the least (sd_watchdog_enabled(3)); 0: not at all.
std::chrono::milliseconds watchdog_interval();

// True if a socket can be bound to ::1: containers are often without IPv6.
bool machine_has_ipv6();

// RELOADING=1, with the time that newer managers ask for.
void notify_reloading();
// "READY=1" and the like (sd_notify(3)): a datagram to $NOTIFY_SOCKET; nothing where there is none. A descriptor that is not
// negative goes with it (FDSTORE=1).
void notify_systemd(std::string_view state, int descriptor = -1);

}  // namespace postern::app
