#include "app/interfaces.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
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

bool can_leave_from(const IpAddress& address) {
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  std::memcpy(&six.sin6_addr, address.octets.data(), address.octets.size());
  sockaddr_in four{};
  four.sin_family = AF_INET;
  std::memcpy(&four.sin_addr, address.octets.data() + 12, sizeof four.sin_addr);
  const bool is_v4 = address.is_v4();
  const int descriptor = ::socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return false;
  const void* const place = is_v4 ? static_cast<const void*>(&four) : static_cast<const void*>(&six);
  const socklen_t size = is_v4 ? sizeof four : sizeof six;
  const bool is_bound = ::bind(descriptor, static_cast<const sockaddr*>(place), size) == 0;
  ::close(descriptor);
  return is_bound;
}

}  // namespace postern::app
