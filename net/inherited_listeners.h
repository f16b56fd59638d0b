// Listening sockets that this process was started with (sd_listen_fds(3)): from a socket unit, or those that the process before it
// left with the service manager (FDSTORE=1 of sd_notify(3)). What connects while no process is there waits in their queues, so a
// restart refuses nobody.
#pragma once

#include "core/descriptor.h"

#include <boost/asio/ip/tcp.hpp>

#include <string>
#include <utility>
#include <vector>

namespace postern::net {

// Used from the main thread, while starting.
class InheritedListeners {
 public:
  struct Entry {
    std::string name;  // that the manager knows it by
    Descriptor descriptor;
  };

  InheritedListeners() = default;
  explicit InheritedListeners(std::vector<Entry> entries) : entries_(std::move(entries)) {}
  // Those that LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES tell of; programs that this one executes do not get them. Once a process.
  static InheritedListeners from_environment();

  // Those that listen at exactly this address and port; they are the caller's then.
  std::vector<Descriptor> take(const boost::asio::ip::tcp::endpoint& endpoint);
  // The names of those that nobody took, which are closed now.
  std::vector<std::string> close_rest();

 private:
  std::vector<Entry> entries_;
};

}  // namespace postern::net
