// Whose a listening TCP port is, by what the kernel tells of processes under /proc: of this network and PID namespace, of the same
// user's unless root asks.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace postern::app {

// nullopt: nobody listens there, or it cannot be told.
std::optional<bool> is_listening(pid_t process, std::uint16_t port);

}  // namespace postern::app
