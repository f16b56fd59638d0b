// Look-ups by the system's resolver where its name server says nothing, and where no thread can be made. Each in a process of its
// own, the silent name server in namespaces of its own; where those may not be made its tests have nothing to do.
#include "dns/host_lookup.h"

#include "relay/transports.h"
#include "tests/unit/relay/queue_fixture.h"

#include <boost/asio/co_spawn.hpp>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace postern::dns {
namespace {

constexpr int kHasNoNamespaces = 99;

// As a program ends: with static destructors. A search for leaks would need to trace the process, which these children may not be.
[[noreturn]] void end_program(int code) {
#if defined(__SANITIZE_ADDRESS__)
  ::_exit(code);
#else
  std::exit(code);
#endif
}

// What `body` returned in a child that ends as a program does; one that comes to no end is killed.
int run_as_program(const std::function<int()>& body) {
  std::fflush(nullptr);  // what is not written yet would be written twice
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(100);
    end_program(body());
  }
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// From here on every name is asked of a server on loopback that never answers, for two and a half minutes.
bool enter_silence() {
  const std::string user = std::to_string(::geteuid());
  const std::string group = std::to_string(::getegid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) != 0) return false;
  std::ofstream("/proc/self/setgroups") << "deny";
  std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
  std::ofstream("/proc/self/gid_map") << "0 " << group << " 1";
  const int control = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq loopback{};
  std::string("lo").copy(loopback.ifr_name, sizeof loopback.ifr_name);
  loopback.ifr_flags = IFF_UP | IFF_RUNNING;
  if (::ioctl(control, SIOCSIFFLAGS, &loopback) != 0) return false;
  const int server = ::socket(AF_INET, SOCK_DGRAM, 0);  // stays open, unread
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(53);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(server, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return false;
  const bool is_private = ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  if (!is_private || ::mount("none", "/tmp", "tmpfs", 0, nullptr) != 0) return false;
  std::ofstream("/tmp/resolv.conf") << "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n";
  std::ofstream("/tmp/nsswitch.conf") << "hosts: files dns\n";
  return ::mount("/tmp/resolv.conf", "/etc/resolv.conf", nullptr, MS_BIND, nullptr) == 0 &&
         ::mount("/tmp/nsswitch.conf", "/etc/nsswitch.conf", nullptr, MS_BIND, nullptr) == 0;
}

net::Awaitable<void> look_up(std::string host, std::chrono::seconds timeout, std::optional<Error>& failure) {
  const auto found = co_await look_up_host(std::move(host), 25, timeout);
  if (!found) failure = found.error();
}

std::optional<Error> failure_of(const std::string& host, std::chrono::seconds timeout) {
  net::asio::io_context io;
  std::optional<Error> failure;
  net::asio::co_spawn(io, look_up(host, timeout, failure), [](const std::exception_ptr&) {});
  io.run();
  return failure;
}

// The queue of a program that is told to end while it waits for a name.
class QueueInSilence final : public relay::QueueFixture {
 public:
  void TestBody() override {}
  bool ends_while_it_looks_a_name_up() {
    routes_ = {relay::route_to("silent", "live.example")};
    routes_[0].host = "hop.example";
    start(relay::make_transport_factory(io_.get_executor(), store_.spool(), {.hostname = "relay.example"}));
    const MessageId id = accept("live.example");
    for (int turns = 0; turns < 50; ++turns) io_.run_one_for(std::chrono::milliseconds(10));
    cancel();
    return stage(id) == store::RecipientStage::Pending && !HasFailure();
  }
};

TEST(HostLookUp, OfASilentNameServerKeepsNobodyBeyondTheTimeoutNorTheEndOfTheProcess) {
  const int code = run_as_program([] {
    if (!enter_silence()) return kHasNoNamespaces;
    const auto failure = failure_of("hop.example", std::chrono::seconds(1));
    return failure && failure->code() == ErrorCode::ConnectionTimedOut ? 0 : 1;
  });
  EXPECT_TRUE(code == 0 || code == kHasNoNamespaces) << code;
}

TEST(HostLookUp, OfASilentNameServerKeepsNoQueueFromItsEnd) {
  const int code = run_as_program([] {
    if (!enter_silence()) return kHasNoNamespaces;
    return QueueInSilence().ends_while_it_looks_a_name_up() ? 0 : 1;
  });
  EXPECT_TRUE(code == 0 || code == kHasNoNamespaces) << code;
}

TEST(HostLookUp, NeedsNoThreadWhereItsOwnWereMadeInTimeAndElseFailsAlone) {
  for (const bool has_threads : {true, false}) {
    const int code = run_as_program([has_threads] {
      if (has_threads) start_look_up_threads();
      const rlimit none{0, 0};  // root is not bound by it
      if (::setrlimit(RLIMIT_NPROC, &none) != 0 || (::geteuid() == 0 && ::setuid(65'534) != 0)) return 2;
      const auto failure = failure_of("localhost", std::chrono::seconds(60));
      if (has_threads) return failure ? 1 : 0;
      return failure && failure->context().find("no thread for it") != std::string::npos ? 0 : 1;
    });
    EXPECT_EQ(code, 0) << has_threads;
  }
}

}  // namespace
}  // namespace postern::dns
