#include "core/special_addresses.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace postern {
namespace {

// IPv4: everything that the registry does not call globally reachable.
constexpr std::array<std::string_view, 16> kForbiddenV4 = {
    "0.0.0.0/8",        // this network
    "10.0.0.0/8",       // private
    "100.64.0.0/10",    // shared by carriers' NAT
    "127.0.0.0/8",      // loopback
    "169.254.0.0/16",   // link-local; 169.254.169.254 is the metadata service of most clouds
    "172.16.0.0/12",    // private
    "192.0.0.0/24",     // protocol assignments
    "192.0.2.0/24",     // documentation
    "192.31.196.0/24",  // AS112
    "192.88.99.0/24",   // 6to4 relays
    "192.168.0.0/16",   // private
    "198.18.0.0/15",    // benchmarks
    "198.51.100.0/24",  // documentation
    "203.0.113.0/24",   // documentation
    "224.0.0.0/4",      // multicast
    "240.0.0.0/4",      // reserved, broadcast
};

// IPv6: only 2000::/3 is given out at all; these are the exceptions in it.
constexpr std::string_view kGlobalV6 = "2000::/3";
constexpr std::array<std::string_view, 5> kForbiddenV6 = {
    "2001::/23",          // protocol assignments, Teredo among them
    "2001:db8::/32",      // documentation
    "2002::/16",          // 6to4: an IPv4 address in disguise
    "2620:4f:8000::/48",  // AS112
    "3fff::/20",          // documentation
};
constexpr std::string_view kNat64 = "64:ff9b::/96";  // RFC 6052: the last 32 bits are an IPv4 address

template <std::size_t N>
std::vector<IpNetwork> parse_networks(const std::array<std::string_view, N>& texts) {
  std::vector<IpNetwork> networks;
  networks.reserve(texts.size());
  for (const std::string_view text : texts) networks.push_back(*parse_ip_network(text));
  return networks;
}

bool is_in_any(const std::vector<IpNetwork>& networks, const IpAddress& address) {
  return std::ranges::any_of(networks, [&](const IpNetwork& network) { return network.contains(address); });
}

// The IPv4 address in the last 32 bits.
IpAddress embedded_v4(const IpAddress& address) {
  IpAddress v4;
  v4.octets[10] = v4.octets[11] = 0xFF;
  std::copy(address.octets.begin() + 12, address.octets.end(), v4.octets.begin() + 12);
  return v4;
}

}  // namespace

bool is_public_unicast(const IpAddress& address) {
  static const std::vector<IpNetwork> forbidden_v4 = parse_networks(kForbiddenV4);
  static const std::vector<IpNetwork> forbidden_v6 = parse_networks(kForbiddenV6);
  static const IpNetwork global_v6 = *parse_ip_network(kGlobalV6);
  static const IpNetwork nat64 = *parse_ip_network(kNat64);
  if (address.is_v4()) return !is_in_any(forbidden_v4, address);
  if (nat64.contains(address)) return !is_in_any(forbidden_v4, embedded_v4(address));
  return global_v6.contains(address) && !is_in_any(forbidden_v6, address);
}

}  // namespace postern
