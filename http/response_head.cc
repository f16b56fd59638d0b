#include "http/response_head.h"

#include "core/bytes.h"
#include "core/time_format.h"

#include <boost/beast/http/status.hpp>

#include <algorithm>

namespace postern::http {
namespace {

// "Sat, 21 Nov 2026 09:30:00 GMT" (RFC 9110 §5.6.7).
std::string format_http_date(Instant now) {
  std::string date = format_rfc5322_date(now);
  date.replace(date.size() - 5, 5, "GMT");
  return date;
}

bool fits_a_line(std::string_view text) {
  return std::ranges::none_of(text, [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return (octet < 0x20 && octet != '\t') || octet == 0x7f;
  });
}

void add_field(std::string& head, std::string_view name, std::string_view value) {
  if (!fits_a_line(name) || !fits_a_line(value)) return;
  head.append(name).append(": ").append(value).append("\r\n");
}

bool has_field(const Response& response, std::string_view name) {
  return std::ranges::any_of(response.headers, [name](const auto& field) { return equals_ignoring_case(field.first, name); });
}

void add_framing(std::string& head, const Response& response, const ResponseFraming& framing) {
  if (!framing.keeps_alive) add_field(head, "Connection", "close");
  if (!may_have_body(response.status)) return;
  if (!response.stream) return add_field(head, "Content-Length", std::to_string(response.body.size()));
  if (!framing.is_http_1_0) add_field(head, "Transfer-Encoding", "chunked");
}

}  // namespace

bool may_have_body(std::uint16_t status) { return status >= 200 && status != 204 && status != 304; }

std::string format_response_head(const Response& response, const ResponseFraming& framing) {
  namespace beast_http = boost::beast::http;
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + ' ';
  head += std::string_view(beast_http::obsolete_reason(beast_http::int_to_status(response.status)));
  head += "\r\n";
  add_field(head, "Date", format_http_date(framing.now));
  if (!framing.request_id.empty()) add_field(head, "X-Request-Id", framing.request_id);
  add_field(head, "X-Content-Type-Options", "nosniff");
  if (!has_field(response, "Cache-Control")) add_field(head, "Cache-Control", "no-store");
  if (may_have_body(response.status) && (response.stream || !response.body.empty())) {
    add_field(head, "Content-Type", response.content_type);
  }
  for (const auto& [name, value] : response.headers) add_field(head, name, value);
  add_framing(head, response, framing);
  return head += "\r\n";
}

}  // namespace postern::http
