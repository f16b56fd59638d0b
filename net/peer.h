// Peer: whom a connection serves. Without a proxy in front that is the socket's other end.
#pragma once

#include "core/ip_address.h"

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>

namespace postern::net {

struct Peer {
  IpAddress address;
  std::uint16_t port = 0;
  // The client itself is on this machine: what loopback may do, it may. A proxy on this machine makes its clients no such thing.
  bool is_local = false;
};

// Taken for the client's own.
Peer peer_of(const boost::asio::ip::tcp::endpoint& remote);
// Of an accepted socket. All zeros if the peer has gone already.
Peer peer_of(const boost::asio::ip::tcp::socket& socket);

}  // namespace postern::net
