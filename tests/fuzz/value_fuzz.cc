// Any octets as the small values that clients and files write: ids, numbers, instants, durations, enhanced codes. What is read is
// written the same, or is read the same from what is written.
#include "core/bytes.h"
#include "core/ids.h"
#include "core/message_id.h"
#include "core/status.h"
#include "core/time_format.h"
#include "tests/fuzz/fuzz.h"

namespace postern::fuzz {
namespace {

void check_ids(std::string_view input) {
  if (const auto id = parse_account_id(input)) POSTERN_CHECK(format_id(*id) == input);
  if (const auto id = parse_key_id(input)) POSTERN_CHECK(format_id(*id) == input);
  if (const auto id = parse_user_id(input)) POSTERN_CHECK(format_id(*id) == input);
  if (const auto id = parse_domain_id(input)) POSTERN_CHECK(format_id(*id) == input);
  if (const auto id = parse_webhook_id(input)) POSTERN_CHECK(format_id(*id) == input);
  if (const auto id = parse_message_id(input)) POSTERN_CHECK(format_message_id(*id) == input);
  if (const auto octets = parse_base32hex(input)) POSTERN_CHECK(format_base32hex(*octets) == input);
}

void check_times(std::string_view input) {
  if (const auto instant = parse_rfc3339(input)) {
    const auto again = parse_rfc3339(format_rfc3339(*instant));
    POSTERN_CHECK(again && *again == *instant);
    POSTERN_CHECK(format_rfc5322_date(*instant).size() == std::string_view("Sat, 21 Nov 2026 09:30:00 +0000").size());
  }
  if (const auto duration = parse_duration(input)) {
    POSTERN_CHECK(*duration >= Duration::zero());
    const auto again = parse_duration(format_duration(*duration));
    POSTERN_CHECK(again && *again == *duration);
  }
}

void check_texts(std::string_view input) {
  const std::string escaped = escape_for_log(input, 64);
  POSTERN_CHECK(escaped.size() <= 64 + std::string_view("…").size());
  const bool has_control = escaped.find_first_of("\r\n\x1B\x7F") != std::string::npos;
  POSTERN_CHECK(!has_control && is_valid_utf8(escaped));
  if (is_valid_utf8(input)) static_cast<void>(has_deceptive_code_point(input));
  POSTERN_CHECK(equals_ignoring_case(to_ascii_lower(input), input));
}

}  // namespace

POSTERN_FUZZ(value) {
  check_ids(input);
  check_times(input);
  check_texts(input);
  if (const auto code = parse_enhanced_code(input)) POSTERN_CHECK(parse_enhanced_code(format_enhanced_code(*code)) == code);
  if (const auto number = parse_unsigned(input)) POSTERN_CHECK(parse_unsigned(std::to_string(*number)) == number);
}

}  // namespace postern::fuzz
