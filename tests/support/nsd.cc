#include "tests/support/nsd.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string_view>

namespace postern::test {
namespace {

constexpr int kMaxTries = 600;  // of 200 ms: only ends a hang

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  socklen_t length = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  ::close(fd);
  return ntohs(address.sin_port);
}

void write_config(const std::filesystem::path& folder, const std::filesystem::path& zones, std::uint16_t port) {
  const std::string own = folder.string();
  std::ofstream config(folder / "nsd.conf");
  config << "server:\n  ip-address: 127.0.0.1@" << port << "\n  do-ip6: no\n  server-count: 1\n"
         << "  username: \"\"\n  chroot: \"\"\n  database: \"\"\n  zonesdir: \"" << zones.string() << "\"\n"
         << "  zonelistfile: \"" << own << "/zone.list\"\n  xfrdfile: \"" << own << "/xfrd.state\"\n"
         << "  xfrdir: \"" << own << "\"\n  pidfile: \"" << own << "/nsd.pid\"\n  logfile: \"" << own << "/nsd.log\"\n"
         << "remote-control:\n  control-enable: no\n";
  const std::pair<const char*, const char*> names[] = {
      {".", "root.signed"}, {"secure.", "secure.signed"}, {"bogus.", "bogus.signed"}, {"insecure.", "insecure.zone"}};
  for (const auto& [name, file] : names) config << "zone:\n  name: \"" << name << "\"\n  zonefile: " << file << "\n";
}

[[noreturn]] void give_up(std::string_view why) {
  std::fprintf(stderr, "the tests' name server: %.*s\n", static_cast<int>(why.size()), why.data());
  std::abort();
}

}  // namespace

Nsd::Nsd(const std::filesystem::path& zones) : zones_(zones), port_(free_port()) {
  std::string folder = (std::filesystem::temp_directory_path() / "postern-nsd-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) give_up("no folder");
  folder_ = folder;
  write_config(folder_, zones_, port_);
  const std::string config = (folder_ / "nsd.conf").string();
  process_ = ::fork();
  if (process_ == 0) {
    ::setpgid(0, 0);
    ::execl("/usr/sbin/nsd", "nsd", "-d", "-c", config.c_str(), nullptr);
    ::_exit(127);
  }
  for (int tries = 0; !answers(); ++tries) {
    if (tries == kMaxTries || ::waitpid(process_, nullptr, WNOHANG) != 0) give_up("it does not run: is nsd installed?");
    ::poll(nullptr, 0, 50);
  }
}

Nsd::~Nsd() {
  ::kill(process_, SIGTERM);
  ::waitpid(process_, nullptr, 0);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

// Asked for the root's SOA.
bool Nsd::answers() const {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port_);
  constexpr std::string_view kQuery("\x12\x34\0\0\0\1\0\0\0\0\0\0\0\0\6\0\1", 17);
  bool is_answered = false;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::send(fd, kQuery.data(), kQuery.size(), 0) > 0) {
    pollfd waiting{fd, POLLIN, 0};
    std::array<char, 1500> reply{};
    ::poll(&waiting, 1, 200);
    is_answered = ::recv(fd, reply.data(), reply.size(), MSG_DONTWAIT) > 12 && (reply[3] & 15) == 0;
  }
  ::close(fd);
  return is_answered;
}

}  // namespace postern::test
