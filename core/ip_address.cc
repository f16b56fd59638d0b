#include "core/ip_address.h"

#include "core/bytes.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace postern {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

}  // namespace

bool IpAddress::is_v4() const { return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), octets.begin()); }

bool IpAddress::is_loopback() const {
  if (is_v4()) return octets[12] == 127;
  return std::all_of(octets.begin(), octets.begin() + 15, [](std::uint8_t o) { return o == 0; }) && octets[15] == 1;
}

std::optional<IpAddress> parse_ip_address(std::string_view text) {
  const std::string terminated(text);
  if (terminated.find('\0') != std::string::npos) return std::nullopt;
  IpAddress address;
  if (inet_pton(AF_INET6, terminated.c_str(), address.octets.data()) == 1) return address;
  std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), address.octets.begin());
  if (inet_pton(AF_INET, terminated.c_str(), address.octets.data() + 12) == 1) return address;
  return std::nullopt;
}

std::string format_ip_address(const IpAddress& address) {
  if (address.is_v4()) {  // inet_ntop() prints it with sprintf()
    std::string text;
    for (std::size_t i = 12; i < 16; ++i) text.append(i == 12 ? "" : ".").append(std::to_string(address.octets[i]));
    return text;
  }
  char text[INET6_ADDRSTRLEN] = {};
  return inet_ntop(AF_INET6, address.octets.data(), text, sizeof text);
}

IpAddress limit_group(const IpAddress& address) {
  if (address.is_v4()) return address;
  IpAddress group = address;
  std::fill(group.octets.begin() + 8, group.octets.end(), std::uint8_t{0});
  return group;
}

bool IpNetwork::contains(const IpAddress& other) const {
  const std::size_t whole = prefix_length / 8;
  if (std::memcmp(address.octets.data(), other.octets.data(), whole) != 0) return false;
  const unsigned rest = prefix_length % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xFF << (8 - rest));
  return ((address.octets[whole] ^ other.octets[whole]) & mask) == 0;
}

std::optional<IpNetwork> parse_ip_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = parse_ip_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  IpNetwork network{*address, 128};
  if (slash == std::string_view::npos) return network;
  const auto length = parse_unsigned(text.substr(slash + 1));
  const std::uint64_t most = address->is_v4() ? 32 : 128;
  if (!length || *length > most) return std::nullopt;
  network.prefix_length = static_cast<std::uint8_t>(128 - most + *length);
  // Host bits below the prefix are a typing slip more often than a wish.
  IpNetwork masked = network;
  for (unsigned bit = network.prefix_length; bit < 128; ++bit) {
    masked.address.octets[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> (bit % 8)));
  }
  if (masked.address != network.address) return std::nullopt;
  return network;
}

std::string format_ip_network(const IpNetwork& network) {
  const int length = network.address.is_v4() ? network.prefix_length - 96 : network.prefix_length;
  return format_ip_address(network.address) + '/' + std::to_string(length);
}

}  // namespace postern
