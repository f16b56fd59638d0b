#include "submission/message_fixups.h"

#include "core/bytes.h"
#include "core/time_format.h"
#include "domains/unsubscribe_link.h"
#include "mime/from_field.h"
#include "mime/long_lines.h"
#include "submission/message_tags.h"

#include <algorithm>
#include <array>

namespace postern::submission {
namespace {

using mime::HeaderField;

constexpr std::size_t kAddedOctets = 160;  // of a Date and a Message-ID

// RFC 5322 §3.6: at most once each.
constexpr std::array<std::string_view, 9> kSingleFields = {"Date", "Sender", "Reply-To", "To", "Cc", "Subject", "In-Reply-To",
                                                           "References", "Message-ID"};
// RFC 5322 §3.6.3: nobody but their addressees may learn of the blind copies; the others are between the client and us.
constexpr std::array<std::string_view, 5> kPrivateFields = {"Bcc", "Resent-Bcc", "Idempotency-Key", kTagsField,
                                                            domains::kUnsubscribeField};

// RFC 5322 §3.6.4, with any printable characters on both sides of the "@"; a comment may stand behind it.
bool is_message_id(std::string_view value) {
  const std::string_view id = trim_ascii_space(value);
  const std::size_t close = id.find('>');
  if (!id.starts_with('<') || close == std::string_view::npos) return false;
  const std::string_view inside = id.substr(1, close - 1);
  const std::string_view behind = trim_ascii_space(id.substr(close + 1));
  const std::size_t at = inside.find('@');
  return at != std::string_view::npos && at > 0 && at + 1 < inside.size() && (behind.empty() || behind.starts_with('(')) &&
         std::ranges::all_of(inside, [](char c) { return c > ' ' && c != '<' && c != 0x7F; });
}

// Requires is_message_id().
std::string inside_of(const HeaderField& message_id) {
  const std::string_view id = message_id.value.substr(message_id.value.find('<') + 1);
  return std::string(id.substr(0, id.find('>')));
}

const HeaderField* first_message_id(const mime::HeaderScan& header) {
  const auto& fields = header.fields();
  const auto found = std::ranges::find_if(fields, [](const HeaderField& field) {
    return equals_ignoring_case(field.name, "Message-ID") && is_message_id(field.value);
  });
  return found == fields.end() ? nullptr : &*found;
}

bool is_private(std::string_view name) {
  return std::ranges::any_of(kPrivateFields, [&](std::string_view field) { return equals_ignoring_case(name, field); });
}

// RFC 8058 §3.1: a message has one of each.
bool is_of_unsubscribing(std::string_view name) {
  return equals_ignoring_case(name, "List-Unsubscribe") || equals_ignoring_case(name, "List-Unsubscribe-Post");
}

}  // namespace

FixedHeader fixed_header(const mime::HeaderScan& header, const FixUps& fix_ups) {
  FixedHeader fixed;
  const std::string_view all = header.section();
  fixed.section.reserve(all.size() + kAddedOctets + fix_ups.unsubscribe_fields.size());
  const HeaderField* const kept_id = first_message_id(header);
  fixed.message_id = kept_id ? inside_of(*kept_id) : std::string(fix_ups.message_id).append("@").append(fix_ups.hostname);
  // RFC 6409 §8.2 and §8.3. On top, so that what the client signed or ordered stays together.
  if (!header.find("Date")) fixed.section.append("Date: ").append(format_rfc5322_date(fix_ups.now)).append("\r\n");
  if (!kept_id) fixed.section.append("Message-ID: <").append(fixed.message_id).append(">\r\n");
  fixed.section.append(fix_ups.unsubscribe_fields);
  const bool has_long_lines = fix_ups.folds && mime::has_long_line(all);
  std::size_t copied = 0;  // of the section: what stays goes over in runs
  for (const HeaderField& field : header.fields()) {
    const bool is_replaced = !fix_ups.unsubscribe_fields.empty() && is_of_unsubscribing(field.name);
    const bool is_dropped =
        is_private(field.name) || is_replaced || (&field != kept_id && equals_ignoring_case(field.name, "Message-ID"));
    if (!is_dropped && !has_long_lines) continue;
    fixed.section.append(all.substr(copied, field.begin - copied));
    copied = field.end;
    if (!is_dropped) mime::append_folded(fixed.section, all.substr(field.begin, field.end - field.begin));
  }
  fixed.section.append(all.substr(copied)).append("\r\n");
  return fixed;
}

std::vector<std::string> header_warnings(const mime::HeaderScan& header) {
  std::vector<std::string> warnings;
  using mime::FromFault;
  if (const HeaderField* from = header.find("From")) {
    const auto fault = mime::read_from_field(from->value).fault;
    if (fault == FromFault::NoDomain) warnings.emplace_back("the From field names an address without a domain");
    if (fault && fault != FromFault::NoDomain) warnings.emplace_back("the From field is malformed or can be read in two ways");
  } else {
    warnings.emplace_back("there is no From field: many receivers refuse that");
  }
  for (const std::string_view name : kSingleFields) {
    if (header.count(name) > 1) warnings.push_back("there is more than one " + std::string(name) + " field");
  }
  if (header.count("Message-ID") > 0 && first_message_id(header) == nullptr) {
    warnings.emplace_back("the Message-ID field is malformed and was replaced");
  }
  if (header.has_dropped_line()) warnings.emplace_back("an mbox line (From …) before the header was dropped");
  return warnings;
}

}  // namespace postern::submission
