#include "submission/message_fixups.h"

#include "core/bytes.h"
#include "core/time_format.h"
#include "mime/from_field.h"
#include "mime/long_lines.h"
#include "submission/message_tags.h"

#include <algorithm>
#include <array>

namespace postern::submission {
namespace {

// RFC 5322 §3.6: at most once each.
constexpr std::array<std::string_view, 9> kSingleFields = {"Date", "Sender", "Reply-To", "To", "Cc", "Subject", "In-Reply-To",
                                                           "References", "Message-ID"};
// RFC 5322 §3.6.3: nobody but their addressees may learn of the blind copies; the others are between the client and us.
constexpr std::array<std::string_view, 4> kPrivateFields = {"Bcc", "Resent-Bcc", "Idempotency-Key", kTagsField};

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

const mime::HeaderField* first_message_id(const mime::HeaderScan& header) {
  const auto& fields = header.fields();
  const auto found = std::ranges::find_if(fields, [](const mime::HeaderField& field) {
    return equals_ignoring_case(field.name, "Message-ID") && is_message_id(field.value);
  });
  return found == fields.end() ? nullptr : &*found;
}

bool is_private(std::string_view name) {
  return std::ranges::any_of(kPrivateFields, [&](std::string_view field) { return equals_ignoring_case(name, field); });
}

}  // namespace

std::string fixed_header(const mime::HeaderScan& header, std::string_view message_id, std::string_view hostname, Instant now,
                         bool folds) {
  std::string fixed;
  fixed.reserve(header.section().size() + 160);
  // RFC 6409 §8.2 and §8.3. On top, so that what the client signed or ordered stays together.
  if (header.count("Date") == 0) fixed.append("Date: ").append(format_rfc5322_date(now)).append("\r\n");
  const mime::HeaderField* const kept_id = first_message_id(header);
  if (kept_id == nullptr) fixed.append("Message-ID: <").append(message_id).append("@").append(hostname).append(">\r\n");
  for (const mime::HeaderField& field : header.fields()) {
    if (is_private(field.name) || (equals_ignoring_case(field.name, "Message-ID") && &field != kept_id)) continue;
    const std::string_view lines = std::string_view(header.section()).substr(field.begin, field.end - field.begin);
    if (folds && mime::has_long_line(lines)) {
      mime::append_folded(fixed, lines);
    } else {
      fixed.append(lines);
    }
  }
  fixed.append("\r\n").append(header.body_start());
  return fixed;
}

std::string outgoing_message_id(const mime::HeaderScan& header, std::string_view message_id, std::string_view hostname) {
  const mime::HeaderField* const kept_id = first_message_id(header);
  if (kept_id == nullptr) return std::string(message_id).append("@").append(hostname);
  const std::string_view id = kept_id->value.substr(kept_id->value.find('<') + 1);
  return std::string(id.substr(0, id.find('>')));
}

std::vector<std::string> header_warnings(const mime::HeaderScan& header) {
  std::vector<std::string> warnings;
  if (const mime::HeaderField* from = header.find("From")) {
    const auto fault = mime::read_from_field(from->value).fault;
    if (fault == mime::FromFault::NoDomain) warnings.emplace_back("the From field names an address without a domain");
    const bool is_doubtful = fault && fault != mime::FromFault::NoDomain;
    if (is_doubtful) warnings.emplace_back("the From field is malformed or can be read in two ways");
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
