#include "app/process.h"

#include "core/bytes.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <utility>

namespace postern::app {
namespace {

sigset_t waited_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  return set;
}

// Only what a handler may call.
void end_now(int) {
  static constexpr char kWords[] = "postern: stop_forced: what was under way did not end within shutdown_grace_seconds\n";
  pollfd waited{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (poll(&waited, 1, 0) == 1) static_cast<void>(!write(STDERR_FILENO, kWords, sizeof kWords - 1));
  _exit(EXIT_FAILURE);
}

// Of the innermost group that has one; nullopt: none, or "max".
std::optional<std::string> own_pids_max() {
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const auto path = line.find_last_of(':');
    const bool is_unified = line.starts_with("0::");
    if (path == std::string::npos || (!is_unified && line.find(":pids") == std::string::npos)) continue;
    const std::string root = is_unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/pids";
    for (const std::string& folder : {root + line.substr(path + 1), root}) {
      std::ifstream file(folder + "/pids.max");
      std::string most;
      if (file >> most && most != "max") return most;
    }
  }
  return std::nullopt;
}

}  // namespace

void harden_process() {
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  prctl(PR_SET_DUMPABLE, 0);
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // a file at its limit (LimitFSIZE) is a full disk, not the end
}

void block_signals() {
  const sigset_t set = waited_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

std::optional<int> next_signal(std::chrono::milliseconds longest) {
  const sigset_t set = waited_signals();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(longest);
  const timespec timeout{.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(longest - seconds).count()};
  const int number = sigtimedwait(&set, nullptr, &timeout);
  return number < 0 ? std::nullopt : std::optional(number);
}

void release_signals() {
  signal(SIGHUP, SIG_IGN);  // one that waits already is forgotten
  const sigset_t set = waited_signals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void end_at_the_latest_after(std::chrono::seconds longest) {
  signal(SIGALRM, &end_now);
  alarm(static_cast<unsigned>(std::max<std::int64_t>(longest.count(), 1)));
}

StartWatch::StartWatch() : thread_([this] { watch(); }) {}

StartWatch::~StartWatch() {
  is_over_ = true;
  thread_.join();
}

void StartWatch::watch() const {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT}) sigaddset(&set, number);
  constexpr timespec kLookEvery{.tv_sec = 0, .tv_nsec = 20'000'000};
  while (!is_over_) {
    if (sigtimedwait(&set, nullptr, &kLookEvery) > 0) _exit(EXIT_SUCCESS);
  }
}

std::string describe_limits() {
  std::string text;
  const auto name = [&text](std::string_view limit, const std::string& value) {
    text += (text.empty() ? "" : ", ") + std::string(limit) + " " + value;
  };
  constexpr std::array<std::pair<std::string_view, __rlimit_resource_t>, 3> kLimits = {
      {{"RLIMIT_NPROC", RLIMIT_NPROC}, {"RLIMIT_DATA", RLIMIT_DATA}, {"RLIMIT_AS", RLIMIT_AS}}};
  for (const auto& [limit, which] : kLimits) {
    rlimit found{};
    if (getrlimit(which, &found) == 0 && found.rlim_cur != RLIM_INFINITY) name(limit, std::to_string(found.rlim_cur));
  }
  if (const auto most = own_pids_max()) name("pids.max (TasksMax)", *most);
  return text.empty() ? "no limit of this process; the machine's" : text;
}

std::chrono::milliseconds watchdog_interval() {
  const char* octets = std::getenv("WATCHDOG_USEC");
  const char* pid = std::getenv("WATCHDOG_PID");
  const auto wanted = octets == nullptr ? std::nullopt : parse_unsigned(octets);
  const bool is_for_another = pid != nullptr && parse_unsigned(pid) != static_cast<std::uint64_t>(getpid());
  constexpr std::uint64_t kLongest = 86'400'000'000;  // a day
  if (!wanted || is_for_another) return std::chrono::milliseconds(0);
  return std::chrono::milliseconds(std::min(*wanted, kLongest) / 1000);
}

bool machine_has_ipv6() {
  const int descriptor = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return false;
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = IN6ADDR_LOOPBACK_INIT;
  const int bound = bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  close(descriptor);
  return bound == 0;
}

void notify_reloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  notify_systemd("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.tv_sec * 1'000'000LL + now.tv_nsec / 1000));
}

void notify_systemd(std::string_view state, int with) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path == nullptr || std::strlen(path) >= sizeof address.sun_path || std::strlen(path) < 2) return;
  std::memcpy(address.sun_path, path, std::strlen(path));
  // An abstract socket is written with '@' and begins with a NUL.
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
  iovec text{const_cast<char*>(state.data()), state.size()};  // sendmsg(2) does not write to it
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof with)] = {};
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = length;
  message.msg_iov = &text;
  message.msg_iovlen = 1;
  if (with >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof with);
    std::memcpy(CMSG_DATA(rights), &with, sizeof with);
  }
  sendmsg(descriptor, &message, MSG_NOSIGNAL);
  close(descriptor);
}

}  // namespace postern::app
