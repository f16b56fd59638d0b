#include "http/json_body.h"

#include "core/bytes.h"
#include "http/limits.h"

#include <boost/json/memory_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/storage_ptr.hpp>

#include <string.h>

#include <atomic>
#include <new>

namespace postern::http {
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

}  // namespace

std::optional<json::value> parse_json_body(std::string_view body) {
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  const auto memory = json::make_shared_resource<BoundedMemory>(kJsonMemoryFactor * body.size() + kJsonMemoryBase);
  try {
    json::error_code error;
    json::value value = json::parse(body, error, memory, options);
    if (error) return std::nullopt;
    return value;
  } catch (const std::bad_alloc&) {
    return std::nullopt;
  }
}

bool is_json_content_type(std::string_view content_type) {
  return equals_ignoring_case(trim_ascii_space(content_type.substr(0, content_type.find(';'))), "application/json");
}

}  // namespace postern::http
