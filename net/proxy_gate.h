// ProxyGate: stands before a listener whose connections come through proxies. It reads the PROXY header of each, in bounded time
// and memory and not one octet further, and passes the socket on with the peer that the header names.
#pragma once

#include "net/peer.h"
#include "net/task_group.h"

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <functional>
#include <vector>

namespace postern::net {

class ProxyGate {
 public:
  // A proxy sends the header with its first segment; this leaves room for one that is lost and sent again.
  static constexpr std::chrono::seconds kHeaderTimeout{5};

  // Called on the socket's executor. The peer is local only if proxy and client are; a header that names no client gives the
  // proxy's own address.
  using OnArrival = std::function<void(asio::ip::tcp::socket socket, const Peer& peer)>;

  // `networks`: where proxies may stand. Empty: the listener serves clients directly.
  explicit ProxyGate(std::vector<IpNetwork> networks) : networks_(std::move(networks)) {}

  bool is_in_use() const { return !networks_.empty(); }
  bool admits(const IpAddress& proxy) const;
  // Closes the socket, with a line in the log, where there is no header, a broken one, or none in time; also where too many wait
  // for theirs already. Any I/O thread, which is the socket's.
  void read_header(asio::ip::tcp::socket socket, const Peer& proxy, OnArrival on_arrival);
  // Shutdown: whose header has not come is closed. After the listener has stopped; blocks, never on an I/O thread.
  void drain() { arrivals_.drain(std::chrono::seconds{0}); }

 private:
  std::vector<IpNetwork> networks_;
  TaskGroup arrivals_;
};

}  // namespace postern::net
