// Any request target and what lists read of its query: pages, cursors, filters, times. Segments never lead out of their folder, a
// limit is within its bounds, a cursor is written as it was read.
#include "api/limits.h"
#include "api/request_fields.h"
#include "core/bytes.h"
#include "core/time_format.h"
#include "events/event_json.h"
#include "http/target.h"
#include "tests/fuzz/fuzz.h"

#include <string>
#include <utility>

namespace postern::fuzz {
namespace {

void check_query_text(std::string_view text) {
  POSTERN_CHECK(is_valid_utf8(text));
  for (const char c : text) POSTERN_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
}

void check_value(std::string_view value) {
  if (const auto sequence = events::parse_event_id(value)) {
    POSTERN_CHECK(events::parse_event_id(events::format_event_id(*sequence)) == sequence);
  }
  if (const auto type = events::parse_event_wire_name(value)) POSTERN_CHECK(events::event_wire_name(*type) == value);
}

}  // namespace

POSTERN_FUZZ(query) {
  check_value(input);
  auto target = http::parse_target(input);
  if (!target) return;
  POSTERN_CHECK(target->path.starts_with('/'));
  check_query_text(target->path);
  for (const std::string& segment : target->segments) POSTERN_CHECK(segment != "." && segment != "..");
  for (const auto& [name, value] : target->query) {
    check_query_text(name);
    check_query_text(value);
    check_value(value);
  }
  api::ApiRequest request;
  request.query = std::move(target->query);
  const auto limit = api::read_limit(request, 100, 20);
  if (limit) POSTERN_CHECK(*limit >= 1 && *limit <= 100);
}

}  // namespace postern::fuzz
