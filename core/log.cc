// Behind the façade: an spdlog asynchronous logger with a bounded queue that overwrites its oldest entry. Overruns are counted
// by spdlog and reported when the log stops.
#include "core/log.h"

#include "core/bytes.h"

#include <spdlog/async.h>
#include <spdlog/details/file_helper.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>

namespace postern::log {
namespace {

constexpr std::size_t kQueueEntries = 8'192;  // about 2 MiB of lines: a slow disk never grows memory
// Between two bursts. Whoever logs meanwhile wakes nobody, and the lines share one write(2); the first after a quiet time leaves
// at once. In that time no load fills the queue.
constexpr std::chrono::milliseconds kRest{5};

// spdlog's own file sink cannot reopen after a rotation.
class FileSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  FileSink(const std::string& path, spdlog::details::thread_pool& pool) : pool_(pool) { file_.open(path); }
  void reopen() {
    const std::lock_guard lock(mutex_);
    file_.reopen(false);
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t text;
    formatter_->format(message, text);
    file_.write(text);
  }
  // Asked for behind every line: while others wait, the last of them does it for all, and a burst costs one write(2).
  void flush_() override {
    if (pool_.queue_size() > 0) return;
    file_.flush();
    std::this_thread::sleep_for(kRest);
  }

 private:
  spdlog::details::thread_pool& pool_;
  spdlog::details::file_helper file_;
};

struct State {
  Setup setup;
  std::shared_ptr<spdlog::details::thread_pool> pool;
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

spdlog::sink_ptr make_sink(const Setup& setup, spdlog::details::thread_pool& pool) {
  if (setup.path.empty()) return std::make_shared<spdlog::sinks::stderr_sink_mt>();
  return std::make_shared<FileSink>(setup.path, pool);
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

void append_quoted(std::string& line, std::string_view value) {
  line.push_back('"');
  for (const char c : value) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line.push_back('\\');
      line.push_back(c);
    } else if (octet < 0x20 || octet >= 0x7F) {
      static constexpr char kDigits[] = "0123456789abcdef";
      line.append("\\u00");
      line.push_back(kDigits[octet >> 4]);
      line.push_back(kDigits[octet & 15]);
    } else {
      line.push_back(c);
    }
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

void start(const Setup& setup) {
  State& s = state();
  s.setup = setup;
  s.pool = std::make_shared<spdlog::details::thread_pool>(kQueueEntries, 1);
  s.logger = std::make_shared<spdlog::async_logger>("postern", make_sink(setup, *s.pool), s.pool,
                                                    spdlog::async_overflow_policy::overrun_oldest);
  s.logger->set_formatter(
      std::make_unique<spdlog::pattern_formatter>(pattern(setup), spdlog::pattern_time_type::utc));
  s.logger->set_level(to_spdlog(setup.level));
  s.logger->flush_on(spdlog::level::info);
  minimum_level = static_cast<int>(setup.level);
}

void stop() {
  State& s = state();
  if (!s.logger) return;
  if (const std::size_t lost = s.pool->overrun_counter(); lost > 0) {
    s.logger->warn(format_line("log_lines_lost", {{"count", std::uint64_t{lost}}}));
  }
  minimum_level = static_cast<int>(Level::Error) + 1;
  s.logger->flush();
  // The pool first: its thread has written what waits when it ends, and uses the logger's sink until then.
  s.pool.reset();
  s.logger.reset();
}

void reopen() {
  State& s = state();
  if (!s.logger || s.setup.path.empty()) return;
  const auto file = std::dynamic_pointer_cast<FileSink>(s.logger->sinks().front());
  if (file) file->reopen();
}

bool is_enabled(Level level) { return static_cast<int>(level) >= minimum_level.load(std::memory_order_relaxed); }

void write(Level level, std::string_view fact, std::initializer_list<Field> fields) {
  if (!is_enabled(level)) return;
  state().logger->log(to_spdlog(level), spdlog::string_view_t(format_line(fact, fields)));
}

}  // namespace postern::log
