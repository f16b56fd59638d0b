// Lines of a child begin with what they are: "s3" step 3 begins, "f…" a finding, "u…" the usage, "x…" it cannot be opened.
#include "store/checkup.h"

#include "core/bytes.h"
#include "core/descriptor.h"
#include "store/directory.h"
#include "store/examination.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>

namespace postern::store {
namespace {

constexpr int kSilenceMilliseconds = 120'000;
constexpr std::size_t kMaxReportOctets = 4 << 20;  // a damaged store makes findings without end

void write_whole(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) ::_exit(1);
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

[[noreturn]] void be_child(int fd, const std::function<void(const std::function<void(std::string_view)>&)>& work) {
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // A check of LMDB's own that fails writes to standard error before it aborts: the parent says it in words.
  if (const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC); null >= 0) ::dup2(null, STDERR_FILENO);
  for (const int number : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL}) ::signal(number, SIG_DFL);
  work([fd](std::string_view line) {
    std::string text(line.substr(0, kMaxReportOctets));
    std::ranges::replace(text, '\n', ' ');
    write_whole(fd, text + "\n");
  });
  ::_exit(0);
}

std::string describe_end(int status) {
  if (WIFSIGNALED(status)) {
    const char* const name = ::sigabbrev_np(WTERMSIG(status));
    return "it was ended by SIG" + std::string(name == nullptr ? "?" : name);
  }
  return WEXITSTATUS(status) == 0 ? "" : "it ended with status " + std::to_string(WEXITSTATUS(status));
}

// Until the other end closes; false: it was silent for too long, or said too much.
bool read_all(int fd, std::string& text) {
  std::array<char, 65'536> buffer{};
  for (;;) {
    pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&waiting, 1, kSilenceMilliseconds);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count == 0;
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (text.size() > kMaxReportOctets) return false;
  }
}


// From step `first` of both parts, counted through.
void examine_from(const StoreOptions& options, std::size_t first, const std::function<void(std::string_view)>& say) {
  const auto opened = Store::open(options);
  if (!opened) return say("x" + opened.error().message());
  const std::size_t directory_steps = directory_examination_steps().size();
  const std::size_t steps = directory_steps + spool_examination_steps().size();
  for (std::size_t step = first; step < steps; ++step) {
    say("s" + std::to_string(step));
    std::size_t count = 0;
    const ReportFinding report = [&](const std::string& finding) {
      if (++count <= kMaxFindings) say("f" + finding);
    };
    const Result<void> examined = step < directory_steps ? (*opened)->directory().examine(step, report)
                                                         : (*opened)->spool().examine(step - directory_steps, report);
    if (!examined) say("f" + examined.error().message());
  }
  say("s" + std::to_string(steps));
  if (const auto usage = (*opened)->spool().usage()) {
    say("u" + std::to_string(usage->messages) + " " + std::to_string(usage->queued) + " " + std::to_string(usage->used_octets));
  }
  say("e");
}

std::string step_name(std::size_t step) {
  const auto directory = directory_examination_steps();
  const auto spool = spool_examination_steps();
  if (step < directory.size()) return "directory: " + std::string(directory[step]);
  if (step - directory.size() < spool.size()) return "spool: " + std::string(spool[step - directory.size()]);
  return "spool: its size";
}

}  // namespace

ChildReport run_in_child(const std::function<void(const std::function<void(std::string_view)>&)>& work) {
  ChildReport report;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {{}, "no pipe for a child process"};
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    be_child(ends[1], work);
  }
  ::close(ends[1]);
  std::string text;
  const bool has_ended = child > 0 && read_all(ends[0], text);
  ::close(ends[0]);
  if (child < 0) return {{}, "no child process could be made"};
  if (!has_ended) ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  report.failure = has_ended ? describe_end(status) : "it came to no end";
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) report.lines.push_back(line);
  return report;
}

bool is_served(const std::filesystem::path& folder) {
  const Descriptor lock(::open((folder / "serve.lock").c_str(), O_RDONLY | O_CLOEXEC));
  if (!lock.is_open()) return errno == EACCES;  // the service's: not for this user to know
  return ::flock(lock.get(), LOCK_SH | LOCK_NB) != 0;
}

// "1: FLOCK  ADVISORY  WRITE process device:inode first last", the device in hexadecimal.
std::optional<pid_t> serving_process(const std::filesystem::path& folder) {
  struct stat facts {};
  if (::stat((folder / "serve.lock").c_str(), &facts) != 0) return std::nullopt;
  const std::string inode = ":" + std::to_string(facts.st_ino);
  std::ifstream lines("/proc/locks");
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string number, kind, force, way, place;
    lmdb::ProcessId process = 0;
    const bool is_read = static_cast<bool>(words >> number >> kind >> force >> way >> process >> place);
    if (is_read && kind == "FLOCK" && way == "WRITE" && process > 0 && place.ends_with(inode)) return process;
  }
  return std::nullopt;
}

Checkup check_store(const StoreOptions& options) {
  Checkup checkup;
  std::size_t step = 0;
  for (bool has_more = true; has_more;) {
    const ChildReport report = run_in_child([&](const auto& say) { examine_from(options, step, say); });
    bool has_begun = false;
    for (const std::string& line : report.lines) {
      const std::string_view words = std::string_view(line).substr(1);
      if (line.starts_with('f')) checkup.findings.emplace_back(words);
      if (line.starts_with('x')) checkup.not_opened = Error(ErrorCode::CorruptRecord, std::string(words));
      if (line.starts_with('s')) {
        has_begun = true;
        step = static_cast<std::size_t>(parse_unsigned(words).value_or(0));
      }
      if (line.starts_with('u')) {
        std::istringstream numbers{std::string(words)};
        numbers >> checkup.usage.messages >> checkup.usage.queued >> checkup.usage.used_octets;
      }
    }
    has_more = false;
    if (report.failure.empty()) break;
    if (!has_begun) {
      checkup.not_opened = Error(ErrorCode::CorruptRecord, "opening it: " + report.failure);
      break;
    }
    if (report.failure.ends_with("SIGTERM")) {  // the server sends readers away when it needs their room
      checkup.not_opened = Error(ErrorCode::Cancelled, "the examination was told to end; try again");
      break;
    }
    checkup.findings.push_back(step_name(step) + ": cannot be read: " + report.failure);
    ++step;
    has_more = step < directory_examination_steps().size() + spool_examination_steps().size();
  }
  return checkup;
}

}  // namespace postern::store
