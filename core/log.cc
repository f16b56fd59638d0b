// Behind the façade: an spdlog asynchronous logger with a bounded queue that overwrites its oldest entry, and a sink of our own,
// which waits for a reader that stalls (a pipe, a FIFO) without keeping anybody else: neither reopen() nor stop().
#include "core/log.h"

#include "core/bytes.h"

#include <spdlog/async.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/sink.h>
#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <memory>
#include <system_error>
#include <thread>

namespace postern::log {
namespace {

constexpr std::size_t kQueueEntries = 8'192;  // about 2 MiB of lines: a slow disk never grows memory
// Between two bursts. Whoever logs meanwhile wakes nobody, and the lines share one write(2); the first after a quiet time leaves
// at once. In that time no load fills the queue.
constexpr std::chrono::milliseconds kRest{5};
constexpr std::size_t kPieceOctets = 4'096;  // PIPE_BUF: a pipe that poll(2) finds writable takes so much without waiting
constexpr int kLookEveryMs = 50;             // while a reader stalls: whether another file is to be used, or the end has come
constexpr std::chrono::milliseconds kLastWords{500};  // for a reader that stalls while the log stops
constexpr mode_t kFileMode = 0640;                    // lines name people's addresses

std::string format_line(std::string_view fact, std::initializer_list<Field> fields);

// O_NONBLOCK: a FIFO that nobody reads is an error here instead of a wait without end.
Result<int> open_file(const std::string& path) {
  std::error_code ignored;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, kFileMode);
  if (descriptor < 0) {
    return Error(ErrorCode::IoError, "open the log file " + path + ": " + std::generic_category().message(errno));
  }
  struct stat facts {};
  const bool is_file = ::fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode);
  // One that is somebody else's stays as it is.
  if (is_file && (facts.st_mode & 07777 & ~kFileMode) != 0) static_cast<void>(::fchmod(descriptor, facts.st_mode & kFileMode));
  return descriptor;
}

// Called by the pool's one thread, but for use() and end().
class LineSink final : public spdlog::sinks::sink {
 public:
  // Takes `descriptor`, unless it is standard error's.
  LineSink(int descriptor, spdlog::details::thread_pool& pool) : pool_(pool) { adopt(descriptor); }
  ~LineSink() override {
    let_go(descriptor_);
    let_go(next_.exchange(-1));
  }

  // From the next line on. Any thread; waits for nothing.
  void use(int descriptor) { let_go(next_.exchange(descriptor)); }
  // From now on a reader that stalls is waited for no longer than kLastWords in all.
  void end() { is_ending_ = true; }
  // What is left, once the pool's thread has ended.
  void finish() { write_out(); }

  void log(const spdlog::details::log_msg& message) override {
    formatter_->format(message, text_);
    if (text_.size() >= kPieceOctets) write_out();
  }
  // Asked for behind every line: while others wait, the last of them does it for all, and a burst costs one write(2).
  void flush() override {
    if (pool_.queue_size() > 0) return;
    write_out();
    tell_lost();
    if (!is_ending_) std::this_thread::sleep_for(kRest);
  }
  void set_pattern(const std::string& pattern) override { formatter_ = std::make_unique<spdlog::pattern_formatter>(pattern); }
  void set_formatter(std::unique_ptr<spdlog::formatter> formatter) override { formatter_ = std::move(formatter); }

 private:
  static void let_go(int descriptor) {
    if (descriptor > STDERR_FILENO) ::close(descriptor);
  }
  void adopt(int descriptor) {
    let_go(descriptor_);
    descriptor_ = descriptor;
    struct stat facts {};
    is_file_ = ::fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode);
  }
  void write_out();
  bool await_room();
  void tell_lost();

  spdlog::details::thread_pool& pool_;
  std::unique_ptr<spdlog::formatter> formatter_;
  int descriptor_ = -1;
  bool is_file_ = false;  // never waits for a reader
  spdlog::memory_buf_t text_;
  std::uint64_t unwritten_ = 0;  // lines that were given up
  std::uint64_t told_ = 0;       // of those, and of those that the queue overran
  std::chrono::milliseconds waited_at_end_{0};
  std::atomic<int> next_{-1};
  std::atomic<bool> is_ending_{false};
};

void LineSink::write_out() {
  std::size_t written = 0;
  while (written < text_.size() && await_room()) {
    const std::size_t piece = std::min(text_.size() - written, is_file_ ? text_.size() : kPieceOctets);
    const ssize_t count = ::write(descriptor_, text_.data() + written, piece);
    if (count >= 0) {
      written += static_cast<std::size_t>(count);
    } else if (errno != EINTR && errno != EAGAIN) {
      break;
    }
  }
  unwritten_ += static_cast<std::uint64_t>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(written), text_.end(), '\n'));
  text_.clear();
}

// False: it has stalled to the end.
bool LineSink::await_room() {
  for (;;) {
    if (const int next = next_.exchange(-1); next >= 0) adopt(next);
    pollfd waited{.fd = descriptor_, .events = POLLOUT, .revents = 0};
    if (is_file_ || ::poll(&waited, 1, kLookEveryMs) != 0) return true;  // an error shows in the write
    if (!is_ending_) continue;
    waited_at_end_ += std::chrono::milliseconds(kLookEveryMs);
    if (waited_at_end_ >= kLastWords) return false;
  }
}

void LineSink::tell_lost() {
  const std::uint64_t lost = unwritten_ + pool_.overrun_counter();
  if (lost == told_) return;
  const std::string line = format_line("log_lines_lost", {{"count", lost - std::exchange(told_, lost)}});
  log(spdlog::details::log_msg("postern", spdlog::level::warn, line));
  write_out();
}

struct State {
  Setup setup;
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<LineSink> sink;
  std::shared_ptr<spdlog::async_logger> logger;
};

State& state() {
  static State instance;
  return instance;
}

std::atomic<int> minimum_level{static_cast<int>(Level::Error) + 1};

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::Debug: return spdlog::level::debug;
    case Level::Info: return spdlog::level::info;
    case Level::Warning: return spdlog::level::warn;
    case Level::Error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

std::string pattern(const Setup& setup) {
  if (setup.format == Format::Json) return R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})";
  return setup.with_time ? "%Y-%m-%dT%H:%M:%S.%eZ %l %v" : "%l %v";
}

bool is_plain(std::string_view value) {
  if (value.empty()) return false;
  for (const char c : value) {
    if (c <= 0x20 || c >= 0x7F || c == '"' || c == '=' || c == '\\') return false;
  }
  return true;
}

// Octets of the character in front of `text` if it may stand in a line as it is; 0: it is a control, no UTF-8, or deceives readers.
std::size_t readable_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return first >= 0x20 && first != 0x7F ? 1 : 0;
  const std::string_view character = text.substr(0, first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2);
  return is_valid_utf8(character) && !has_deceptive_code_point(character) ? character.size() : 0;
}

// Octets at the start of `text` that stand in a line as they are: most values are nothing else.
std::size_t bare_octets(std::string_view text) {
  const auto is_bare = [](char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; };
  return static_cast<std::size_t>(std::ranges::find_if_not(text, is_bare) - text.begin());
}

void append_quoted(std::string& line, std::string_view value) {
  line.push_back('"');
  const std::size_t bare = bare_octets(value);
  line.append(value.substr(0, bare));
  value.remove_prefix(bare);
  while (!value.empty()) {
    const std::size_t length = readable_length(value);
    if (value.front() == '"' || value.front() == '\\') line.push_back('\\');
    if (length == 0) {
      static constexpr char kDigits[] = "0123456789abcdef";
      const auto octet = static_cast<unsigned char>(value.front());
      line.append("\\u00");
      line.push_back(kDigits[octet >> 4]);
      line.push_back(kDigits[octet & 15]);
    }
    line.append(value.substr(0, length));
    value.remove_prefix(std::max<std::size_t>(length, 1));
  }
  line.push_back('"');
}

std::string format_line(std::string_view fact, std::initializer_list<Field> fields) {
  std::string line;
  line.reserve(192);
  if (state().setup.format == Format::Json) {
    line.append("\"fact\":\"").append(fact).push_back('"');
    for (const Field& field : fields) {
      line.append(",\"").append(field.key).append("\":");
      field.is_number ? void(line.append(field.value)) : append_quoted(line, field.value);
    }
    return line;
  }
  line.append(fact);
  for (const Field& field : fields) {
    line.append(" ").append(field.key).push_back('=');
    is_plain(field.value) ? void(line.append(field.value)) : append_quoted(line, field.value);
  }
  return line;
}

}  // namespace

Result<void> start(const Setup& setup) {
  int descriptor = STDERR_FILENO;
  if (!setup.path.empty()) {
    const Result<int> opened = open_file(setup.path);
    if (!opened) return opened.error();
    descriptor = *opened;
  }
  State& s = state();
  s.setup = setup;
  s.pool = std::make_shared<spdlog::details::thread_pool>(kQueueEntries, 1);
  s.sink = std::make_shared<LineSink>(descriptor, *s.pool);
  s.logger = std::make_shared<spdlog::async_logger>("postern", s.sink, s.pool, spdlog::async_overflow_policy::overrun_oldest);
  s.logger->set_formatter(
      std::make_unique<spdlog::pattern_formatter>(pattern(setup), spdlog::pattern_time_type::utc));
  s.logger->set_level(to_spdlog(setup.level));
  s.logger->flush_on(spdlog::level::debug);
  minimum_level = static_cast<int>(setup.level);
  return {};
}

void stop() {
  State& s = state();
  if (!s.logger) return;
  minimum_level = static_cast<int>(Level::Error) + 1;
  s.sink->end();
  s.logger->flush();
  // The pool first: its thread uses the logger's sink until it ends.
  s.pool.reset();
  s.sink->finish();
  s.logger.reset();
  s.sink.reset();
}

Result<void> reopen() {
  State& s = state();
  if (!s.logger || s.setup.path.empty()) return {};
  const Result<int> opened = open_file(s.setup.path);
  if (!opened) return opened.error();
  s.sink->use(*opened);
  return {};
}

void tell_standard_error(std::string_view line) {
  pollfd waited{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (::poll(&waited, 1, 0) != 1) return;
  const std::string whole = std::string(line.substr(0, kPieceOctets - 1)) + "\n";
  static_cast<void>(!::write(STDERR_FILENO, whole.data(), whole.size()));
}

bool is_enabled(Level level) { return static_cast<int>(level) >= minimum_level.load(std::memory_order_relaxed); }

void write(Level level, std::string_view fact, std::initializer_list<Field> fields) {
  if (!is_enabled(level)) return;
  state().logger->log(to_spdlog(level), spdlog::string_view_t(format_line(fact, fields)));
}

}  // namespace postern::log
