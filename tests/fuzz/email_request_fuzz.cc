// Any body of POST /v1/emails: what is taken becomes a message of whole, bounded lines with exactly the fields that were asked for:
// no text makes a field of its own. An even first octet: the rest is JSON. Odd: its lines are the values of a sound body.
#include "api/email_request.h"
#include "api/json_body.h"
#include "core/bytes.h"
#include "mime/from_field.h"
#include "mime/header_scan.h"
#include "mime/message_reader.h"
#include "tests/fuzz/fuzz.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <array>
#include <string>

namespace postern::fuzz {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxMailLineOctets = 998;  // RFC 5322 §2.1.1

// A value of this order a line; what is not there is empty.
json::value body_from(std::string_view input) {
  json::object body;
  for (const char* field : {"from", "to", "cc", "reply_to", "subject"}) body[field] = std::string(take_line(input));
  for (const char* field : {"cc", "reply_to"}) {
    if (body[field].get_string().empty()) body.erase(field);
  }
  const std::string header_name(take_line(input));
  const std::string header_value(take_line(input));
  if (!header_name.empty()) body["headers"] = json::object{{header_name, header_value}};
  json::object attachment;
  for (const char* field : {"filename", "content_type", "content_id"}) attachment[field] = std::string(take_line(input));
  attachment["content"] = "QUJD";
  if (!attachment["filename"].get_string().empty()) body["attachments"] = json::array{attachment};
  body["text"] = std::string(input);
  body["html"] = std::string(input);
  return body;
}

// What the composer may write beside the client's own fields.
bool is_field_of_ours(std::string_view name) {
  constexpr std::array<std::string_view, 7> kOurs = {"From", "To", "Cc", "Reply-To", "Subject", "MIME-Version", "Message-ID"};
  return std::ranges::find(kOurs, name) != kOurs.end() || starts_with_ignoring_case(name, "Content-");
}

void check_content_lines(std::string_view content) {
  POSTERN_CHECK(content.ends_with("\r\n"));
  while (!content.empty()) {
    const std::size_t end = content.find("\r\n");
    POSTERN_CHECK(end <= kMaxMailLineOctets);
    POSTERN_CHECK(content.substr(0, end).find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
    content.remove_prefix(end + 2);
  }
}

void check_header(const api::EmailRequest& request, const std::string& content) {
  mime::HeaderScan header;
  header.feed(content);
  POSTERN_CHECK(header.has_empty_line());
  for (const std::string_view name : {"From", "Subject", "Content-Type", "MIME-Version"}) POSTERN_CHECK(header.count(name) == 1);
  POSTERN_CHECK(header.count("To") == 1 && header.count("Bcc") == 0 && header.count("Received") == 0);
  const auto& asked = request.mail.headers;
  for (const mime::HeaderField& field : header.fields()) {
    const auto is_this = [&](const auto& own) { return equals_ignoring_case(own.first, field.name); };
    POSTERN_CHECK(is_field_of_ours(field.name) || std::ranges::any_of(asked, is_this));
  }
  // A name that readers could take for an address makes it unclear: that is refused later on.
  const mime::FromField from = mime::read_from_field(header.find("From")->value);
  POSTERN_CHECK(from.fault == mime::FromFault::Unclear || from.authors.size() == 1);
  if (from.fault) return;
  POSTERN_CHECK(normalised_domain(from.authors.front().domain) == normalised_domain(request.mail.from.mailbox.domain));
}

}  // namespace

POSTERN_FUZZ(email_request) {
  const bool is_json = take_octet(input) % 2 == 0;
  std::optional<json::value> body;
  if (is_json) {
    auto read = api::parse_json_body(input);
    if (read) body.emplace(std::move(*read));
  } else {
    body = body_from(input);
  }
  if (!body) return;
  const auto parsed = api::parse_email_request(*body, {});
  const auto* request = std::get_if<api::EmailRequest>(&parsed);
  if (request == nullptr) {
    POSTERN_CHECK(std::get<api::EmailFault>(parsed).response().status >= 400);
    return;
  }
  POSTERN_CHECK(!request->recipients.empty());
  const std::string content = mime::compose_mail(request->mail);
  check_content_lines(content);
  check_header(*request, content);
  POSTERN_CHECK(mime::compose_mail(request->mail) == content);
  const mime::ReadMessage shown = mime::read_message(content);
  POSTERN_CHECK(shown.attachments.size() == request->mail.attachments.size());
}

}  // namespace postern::fuzz
