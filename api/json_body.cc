#include "api/json_body.h"

#include "api/limits.h"
#include "core/bytes.h"

#include <boost/json/memory_resource.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/storage_ptr.hpp>

#include <string.h>

#include <algorithm>
#include <atomic>
#include <new>
#include <set>
#include <string>
#include <vector>

namespace postern::api {
namespace {

namespace json = boost::json;

// "[[],[],…" takes many times its length in memory: what a body may cost is bounded by what it cost the client to send.
class BoundedMemory final : public json::memory_resource {
 public:
  explicit BoundedMemory(std::size_t bound) : left_(bound) {}

 private:
  // The alignments are passed over: no JSON value needs more than new's own, and the library does not name the same one twice.
  void* do_allocate(std::size_t size, std::size_t) override {
    if (size > left_) throw std::bad_alloc();
    void* memory = ::operator new(size);
    left_ -= size;
    return memory;
  }
  // Wiped: a password may have been in it.
  void do_deallocate(void* memory, std::size_t size, std::size_t) override {
    ::explicit_bzero(memory, size);
    ::operator delete(memory);
    left_ += size;
  }
  bool do_is_equal(const json::memory_resource& other) const noexcept override { return this == &other; }

  std::atomic<std::size_t> left_;  // a handler may hand parts of the value to a worker
};

// "line 3, column 14: what". Columns are octets, as most editors show them for ASCII.
Error malformed(std::string_view body, std::size_t at, std::string_view what) {
  at = std::min(at, body.size());
  const std::string_view before = body.substr(0, at);
  const auto line = std::ranges::count(before, '\n') + 1;
  const std::size_t line_begin = before.rfind('\n');
  const std::size_t column = line_begin == std::string_view::npos ? at + 1 : at - line_begin;
  return Error(ErrorCode::Malformed, "the body is not valid JSON: line " + std::to_string(line) + ", column " +
                                         std::to_string(column) + ": " + std::string(what));
}

std::size_t members_of(const json::value& value) {
  std::size_t members = 0;
  if (const json::array* array = value.if_array()) {
    for (const json::value& item : *array) members += members_of(item);
  } else if (const json::object* object = value.if_object()) {
    members = object->size();
    for (const auto& member : *object) members += members_of(member.value());
  }
  return members;
}

// Behind the string whose first quote is at `begin`. The text is JSON: it ends.
std::size_t behind_string(std::string_view json_text, std::size_t begin) {
  for (std::size_t at = json_text.find_first_of("\"\\", begin + 1);; at = json_text.find_first_of("\"\\", at + 2)) {
    if (json_text[at] == '"') return at + 1;
  }
}

// Members of all objects as they stand: an object that holds a name twice keeps only the last.
std::size_t members_in(std::string_view json_text) {
  std::size_t members = 0;
  for (std::size_t at = json_text.find_first_of("\":"); at != std::string_view::npos; at = json_text.find_first_of("\":", at)) {
    if (json_text[at] == '"') {
      at = behind_string(json_text, at);
    } else {
      ++members;
      ++at;
    }
  }
  return members;
}

// Where the second one stands. Names that differ in their escapes only are found by nobody: then it is said without a place.
Error malformed_twice(std::string_view json_text) {
  std::vector<std::set<std::string_view>> open;  // of each object or array that has begun, its names
  std::string_view last;                         // the string that ended last
  for (std::size_t at = 0; at < json_text.size(); ++at) {
    const char c = json_text[at];
    if (c == '"') {
      const std::size_t end = behind_string(json_text, at);
      last = json_text.substr(at, end - at);
      at = end - 1;
    } else if (c == '{' || c == '[') {
      open.emplace_back();
    } else if (c == '}' || c == ']') {
      open.pop_back();
    } else if (c == ':' && !open.back().insert(last).second) {
      return malformed(json_text, static_cast<std::size_t>(last.data() - json_text.data()), "this name is there twice");
    }
  }
  return Error(ErrorCode::Malformed, "the body is not valid JSON: a name is twice in an object");
}

// The last quote of the string whose first one is at `begin`; the text's end where it has none.
std::size_t end_of_string(std::string_view body, std::size_t begin) {
  for (std::size_t quote = body.find('"', begin + 1); quote != std::string_view::npos; quote = body.find('"', quote + 1)) {
    std::size_t escapes = 0;
    while (body[quote - 1 - escapes] == '\\') ++escapes;
    if (escapes % 2 == 0) return quote;
  }
  return body.size();
}

// Before anything is made of them: what holds more is refused at the cost of one look, and base64 is passed over at the speed of
// memory. It need not be JSON: what it takes for a value too many, the parser does not take for fewer.
bool holds_too_many_values(std::string_view body) {
  std::size_t values = 1;
  for (std::size_t at = 0; at < body.size(); ++at) {
    const char c = body[at];
    if (c == '"') {
      at = end_of_string(body, at);
    } else if ((c == '[' || c == '{' || c == ',') && ++values > kMaxJsonValues) {
      return true;
    }
  }
  return false;
}

}  // namespace

Result<json::value> parse_json_body(std::string_view body) {
  if (holds_too_many_values(body)) {
    return Error(ErrorCode::Malformed, "the body holds more than " + std::to_string(kMaxJsonValues) + " values");
  }
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  const auto memory = json::make_shared_resource<BoundedMemory>(kJsonMemoryFactor * body.size() + kJsonMemoryBase);
  try {
    json::parser parser(memory, options);
    parser.reset(memory);
    json::error_code error;
    const std::size_t read = parser.write(body.data(), body.size(), error);
    if (error) return malformed(body, read, error.message());
    json::value value = parser.release();
    if (members_in(body) != members_of(value)) return malformed_twice(body);
    return value;
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::Malformed, "the body holds too much for its size");
  }
}

bool is_json_content_type(std::string_view content_type) {
  return equals_ignoring_case(trim_ascii_space(content_type.substr(0, content_type.find(';'))), "application/json");
}

}  // namespace postern::api
