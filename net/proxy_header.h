// The header of the PROXY protocol, versions 1 and 2: what a proxy says before the client's first octet, so that we learn the
// client's address (haproxy's doc/proxy-protocol.txt, cited below as "PROXY §n"). Pure: octets in, address out.
#pragma once

#include "core/ip_address.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace postern::net {

// PROXY §2.1: with CR LF.
inline constexpr std::size_t kMaxProxyLineOctets = 107;
// Version 2, behind its 16 fixed octets: addresses and TLVs. The field could say 64 KiB; what proxies send (server name, TLS
// details, an id) is some hundreds.
inline constexpr std::size_t kMaxProxyBlockOctets = 4096;
inline constexpr std::size_t kMaxProxyHeaderOctets = 16 + kMaxProxyBlockOctets;

struct ProxyHeader {
  struct Source {
    IpAddress address;
    std::uint16_t port = 0;
    friend bool operator==(const Source&, const Source&) = default;
  };

  // nullopt: the proxy speaks for itself (LOCAL) or names no client over TCP (UNKNOWN, UNSPEC, a UNIX socket).
  std::optional<Source> source;
  std::size_t octets = 0;  // its length
};

// So many octets more can be read without reading a single one behind the header. At least 1.
struct ProxyNeedsOctets {
  std::size_t count;
};

// It is none, or a broken one: the connection is to be closed.
struct ProxyFault {
  std::string_view reason;  // static
};

using ProxyParse = std::variant<ProxyHeader, ProxyNeedsOctets, ProxyFault>;

// `octets` is the beginning of what a connection sent. Strict: a header whose every part is not what the specification says is a
// fault. TLVs of version 2 must fit their block and are passed over.
ProxyParse parse_proxy_header(std::string_view octets);

}  // namespace postern::net
