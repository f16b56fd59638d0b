// Listener: one address and port, an acceptor on each I/O thread (SO_REUSEPORT: the kernel spreads the connections, and one
// stays where it was accepted). Out of descriptors or memory it sheds load instead of spinning or leaving peers without an answer.
#pragma once

#include "core/descriptor.h"
#include "core/result.h"
#include "net/awaitable.h"
#include "net/task_group.h"

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace postern::net {

class Listener {
 public:
  // Called on the thread that accepted, which is the socket's executor. Must not block, nor throw anything but std::bad_alloc:
  // then the connection is closed.
  using OnAccept = std::function<void(asio::ip::tcp::socket socket)>;

  // `address` is an IP address; "::" takes IPv4 as well. Port 0 takes a free one. Fails if the address cannot be bound or is
  // taken, also by another process of ours that would otherwise share it unseen.
  static Result<std::unique_ptr<Listener>> open(const std::string& address, std::uint16_t port,
                                                const std::vector<Executor>& executors);
  // On sockets that listen already, at one address and port; at least one. Each is accepted from.
  static Result<std::unique_ptr<Listener>> adopt(std::vector<Descriptor> sockets, const std::vector<Executor>& executors);
  // Requires: never started, or stopped.
  ~Listener();

  // `farewell` is said, without waiting, to whoever is hung up on because there is no descriptor for a connection. Empty: nothing.
  void start(OnAccept on_accept, const std::string& farewell = {});
  // Closes the acceptors and waits until no OnAccept runs any more. Never on an I/O thread; the runtime must be running.
  void stop();

  const std::string& address() const { return address_; }
  std::uint16_t port() const { return port_; }
  // Of the sockets, before start().
  std::vector<int> descriptors();

 private:
  class AcceptLoop;

  Listener(std::string address, std::uint16_t port) : address_(std::move(address)), port_(port) {}

  std::string address_;
  std::uint16_t port_;
  std::vector<asio::ip::tcp::acceptor> acceptors_;  // until start()
  TaskGroup loops_;
};

}  // namespace postern::net
