#include "net/peer.h"

namespace postern::net {

namespace ip = boost::asio::ip;

Peer peer_of(const ip::tcp::endpoint& remote) {
  const ip::address address = remote.address();
  Peer peer;
  peer.address.octets =
      address.is_v6() ? address.to_v6().to_bytes() : ip::make_address_v6(ip::v4_mapped, address.to_v4()).to_bytes();
  peer.port = remote.port();
  peer.is_local = peer.address.is_loopback();
  return peer;
}

Peer peer_of(const ip::tcp::socket& socket) {
  boost::system::error_code ec;
  const ip::tcp::endpoint remote = socket.remote_endpoint(ec);
  return ec ? Peer{} : peer_of(remote);
}

}  // namespace postern::net
