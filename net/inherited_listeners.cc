#include "net/inherited_listeners.h"

#include "core/bytes.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <optional>
#include <string_view>

namespace postern::net {
namespace {

using boost::asio::ip::tcp;

constexpr int kFirstDescriptor = 3;  // SD_LISTEN_FDS_START

std::optional<int> number_of(const char* variable) {
  const char* text = std::getenv(variable);
  int number = 0;
  if (text == nullptr) return std::nullopt;
  const char* end = text + std::strlen(text);
  const auto parsed = std::from_chars(text, end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end || number < 0) return std::nullopt;
  return number;
}

// The n-th of names between colons; empty where there are fewer.
std::string name_at(std::string_view names, int n) {
  for (; n > 0 && !names.empty(); --n) names.remove_prefix(std::min(names.find(':'), names.size() - 1) + 1);
  return std::string(names.substr(0, names.find(':')));
}

// nullopt: not a TCP socket that listens.
std::optional<tcp::endpoint> listening_at(int descriptor) {
  int listens = 0;
  socklen_t length = sizeof listens;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) != 0 || listens == 0) return std::nullopt;
  tcp::endpoint endpoint;
  length = static_cast<socklen_t>(endpoint.capacity());
  if (::getsockname(descriptor, endpoint.data(), &length) != 0) return std::nullopt;
  const auto family = endpoint.data()->sa_family;
  if (family != AF_INET && family != AF_INET6) return std::nullopt;
  endpoint.resize(length);
  return endpoint;
}

}  // namespace

InheritedListeners InheritedListeners::from_environment() {
  const auto process = number_of("LISTEN_PID");
  const auto count = number_of("LISTEN_FDS");
  const char* given = std::getenv("LISTEN_FDNAMES");
  const std::string names = given == nullptr ? "" : given;
  std::vector<Entry> entries;
  if (process != ::getpid()) return InheritedListeners();
  for (int n = 0; n < count.value_or(0); ++n) {
    const int descriptor = kFirstDescriptor + n;
    if (::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) break;
    entries.push_back({name_at(names, n), Descriptor(descriptor)});
  }
  return InheritedListeners(std::move(entries));
}

std::vector<Descriptor> InheritedListeners::take(const tcp::endpoint& endpoint) {
  std::vector<Descriptor> taken;
  for (Entry& entry : entries_) {
    const bool fits = entry.descriptor.is_open() && listening_at(entry.descriptor.get()) == endpoint;
    if (fits) taken.push_back(std::move(entry.descriptor));
  }
  return taken;
}

std::vector<std::string> InheritedListeners::close_rest() {
  std::vector<std::string> names;
  for (const Entry& entry : entries_) {
    if (entry.descriptor.is_open()) names.push_back(entry.name);
  }
  entries_.clear();
  return names;
}

}  // namespace postern::net
