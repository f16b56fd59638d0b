#include "app/interfaces.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <memory>

namespace postern::app {

std::vector<IpAddress> interface_addresses() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, &::freeifaddrs);
  std::vector<IpAddress> addresses;
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    const void* socket_address = one->ifa_addr;
    IpAddress address;
    if (one->ifa_addr->sa_family == AF_INET6) {
      const auto& octets = static_cast<const sockaddr_in6*>(socket_address)->sin6_addr.s6_addr;
      std::copy(std::begin(octets), std::end(octets), address.octets.begin());
    } else if (one->ifa_addr->sa_family == AF_INET) {
      const void* four = &static_cast<const sockaddr_in*>(socket_address)->sin_addr;
      const auto* octets = static_cast<const std::uint8_t*>(four);
      address.octets[10] = address.octets[11] = 0xFF;
      std::copy(octets, octets + 4, address.octets.begin() + 12);
    } else {
      continue;
    }
    addresses.push_back(address);
  }
  return addresses;
}

}  // namespace postern::app
