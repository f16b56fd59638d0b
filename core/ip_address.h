// IP addresses and networks without a socket library, for policy, limits and logs.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postern {

// IPv6 in 16 octets; IPv4 as ::ffff:a.b.c.d, so an IPv4-mapped peer equals the IPv4 address.
struct IpAddress {
  std::array<std::uint8_t, 16> octets{};

  bool is_v4() const;
  bool is_loopback() const;
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

std::optional<IpAddress> parse_ip_address(std::string_view text);  // "192.0.2.1", "2001:db8::1"
std::string format_ip_address(const IpAddress& address);

// The group that limits by address count: the address itself for IPv4, its /64 for IPv6.
IpAddress limit_group(const IpAddress& address);

struct IpNetwork {
  IpAddress address;
  std::uint8_t prefix_length = 128;  // in IPv6 bits: an IPv4 /24 is 120

  bool contains(const IpAddress& other) const;
  friend bool operator==(const IpNetwork&, const IpNetwork&) = default;
};

std::optional<IpNetwork> parse_ip_network(std::string_view text);  // "192.0.2.0/24", "2001:db8::/32", a single address
std::string format_ip_network(const IpNetwork& network);

}  // namespace postern
