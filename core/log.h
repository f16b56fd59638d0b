// The operator log's one entry: a fact with fields, one line. Typed functions per fact live beside the code that knows the
// fact (core/operator_log, net). spdlog is behind it and nowhere else.
#pragma once

#include "core/result.h"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace postern::log {

enum class Level { Debug, Info, Warning, Error };
enum class Format { KeyValue, Json };

// The value is escaped by the log; a caller never passes a secret, a subject or a body.
struct Field {
  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(v) {}
  Field(std::string_view k, std::uint64_t v) : key(k), value(std::to_string(v)), is_number(true) {}
  Field(std::string_view k, std::int64_t v) : key(k), value(std::to_string(v)), is_number(true) {}
  Field(std::string_view k, int v) : key(k), value(std::to_string(v)), is_number(true) {}
  Field(std::string_view k, bool v) : key(k), value(v ? "true" : "false"), is_number(true) {}

  std::string_view key;  // a literal
  std::string value;
  bool is_number = false;
};

// Before the first write() and not concurrently with it. `path` empty: standard error (systemd adds the time stamp there
// only if `with_time` is false). Writing never blocks the caller on a slow disk or a reader that stalls: a bounded queue drops and
// counts, and log_lines_lost says how many as soon as lines can be written again.
struct Setup {
  Level level = Level::Info;
  Format format = Format::KeyValue;
  std::string path;
  bool with_time = true;
};
// IoError: the file cannot be opened, or is a FIFO that nobody reads. One that is made has mode 0640, one that is ours already gets
// nothing beyond it. Throws std::system_error where there is no thread to spare.
Result<void> start(const Setup& setup);
// Writes out what waits, for a reader that stalls half a second at most. Called at exit.
void stop();
// Opens the file anew after logrotate moved it (SIGHUP). On failure the lines go where they went.
Result<void> reopen();
// One line on standard error, beside the log; none if that would have to wait. At most 4 KiB.
void tell_standard_error(std::string_view line);

bool is_enabled(Level level);
// `fact` is a literal in snake_case and the first word of the line: "message_accepted id=… account=…".
void write(Level level, std::string_view fact, std::initializer_list<Field> fields);

}  // namespace postern::log
