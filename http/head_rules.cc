#include "http/head_rules.h"

#include "core/bytes.h"

#include <algorithm>
#include <utility>

namespace postern::http {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

bool is_token(std::string_view text) {
  static constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";  // RFC 9110 §5.6.2
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return is_ascii_alnum(c) || kMarks.find(c) != std::string_view::npos; });
}

bool is_visible(char c) { return c > 0x20 && c < 0x7f; }

// RFC 9110 §5.5: visible octets, space, tab, and octets above ASCII that mean nothing.
bool is_field_octet(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return octet == '\t' || (octet >= 0x20 && octet != 0x7f);
}

std::string_view trim_field_space(std::string_view value) {
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  return value;
}

// What is written into links must not lead elsewhere: a name, an address or a bracketed IPv6 address, and a port.
bool is_host(std::string_view host) {
  static constexpr std::string_view kMarks = "-._:[]";
  return !host.empty() && host.size() <= kMaxHostOctets &&
         std::ranges::all_of(host, [](char c) { return is_ascii_alnum(c) || kMarks.find(c) != std::string_view::npos; });
}

using Found = std::optional<RequestFault>;

Found malformed_head(std::string_view detail) { return RequestFault{Fault::MalformedRequest, detail}; }

// Takes the fields one after another; what is doubled or contradicts itself is a fault.
class FieldRules {
 public:
  explicit FieldRules(HeadFacts& facts) : facts_(facts) {}

  Found take(std::string_view line);
  Found finish() const;

 private:
  Found take_named(std::string_view name, std::string_view value);
  Found take_content_length(std::string_view value);
  Found take_transfer_encoding(std::string_view value);

  HeadFacts& facts_;
  std::size_t count_ = 0;
  bool has_host_ = false;
  bool has_content_type_ = false;
};

Found FieldRules::take(std::string_view line) {
  if (++count_ > kMaxFieldLines) return RequestFault{Fault::HeaderFieldsTooLarge, "there are more than 100 header fields"};
  if (line.front() == ' ' || line.front() == '\t') return malformed_head("a header field is folded over two lines");
  const std::size_t colon = line.find(':');
  const bool has_name = colon != std::string_view::npos && is_token(line.substr(0, colon));
  if (!has_name) return malformed_head("a header field's name is malformed");
  const std::string_view value = line.substr(colon + 1);
  if (!std::ranges::all_of(value, is_field_octet)) return malformed_head("a header field holds a control character");
  return take_named(line.substr(0, colon), trim_field_space(value));
}

Found FieldRules::take_named(std::string_view name, std::string_view value) {
  if (equals_ignoring_case(name, "content-length")) return take_content_length(value);
  if (equals_ignoring_case(name, "transfer-encoding")) return take_transfer_encoding(value);
  if (equals_ignoring_case(name, "host")) {
    if (std::exchange(has_host_, true)) return malformed_head("there are two Host fields");
    if (!is_host(value)) return malformed_head("the Host field is malformed");
    facts_.host = value;
  } else if (equals_ignoring_case(name, "authorization")) {
    if (facts_.authorization) return malformed_head("there are two Authorization fields");
    facts_.authorization = value;
  } else if (equals_ignoring_case(name, "content-type")) {
    if (std::exchange(has_content_type_, true)) return malformed_head("there are two Content-Type fields");
  }
  return std::nullopt;
}

// RFC 9112 §6.3: a list of equal lengths may be taken for one; a server in front may have taken it for something else.
Found FieldRules::take_content_length(std::string_view value) {
  if (facts_.content_length) return malformed_head("there are two Content-Length fields");
  facts_.content_length = parse_unsigned(value);
  if (!facts_.content_length) return malformed_head("Content-Length is not a number");
  return std::nullopt;
}

Found FieldRules::take_transfer_encoding(std::string_view value) {
  if (std::exchange(facts_.is_chunked, true)) return malformed_head("there are two Transfer-Encoding fields");
  if (!equals_ignoring_case(value, "chunked")) return malformed_head("the only transfer coding here is chunked");
  if (facts_.line.is_http_1_0) return malformed_head("HTTP/1.0 has no Transfer-Encoding");
  return std::nullopt;
}

Found FieldRules::finish() const {
  if (facts_.is_chunked && facts_.content_length) return malformed_head("there are both Content-Length and Transfer-Encoding");
  if (!has_host_ && !facts_.line.is_http_1_0) return malformed_head("there is no Host field");
  return std::nullopt;
}

}  // namespace

std::variant<RequestLine, RequestFault> examine_request_line(std::string_view line) {
  const auto fault = [](std::string_view detail) { return RequestFault{Fault::MalformedRequest, detail}; };
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return fault("the request line is malformed");
  RequestLine request{.method = line.substr(0, first), .target = line.substr(first + 1, last - first - 1)};
  if (!is_token(request.method) || request.method.size() > kMaxMethodOctets) return fault("the method is malformed");
  if (request.target.size() > kMaxTargetOctets) return RequestFault{Fault::PathTooLong, {}};
  if (request.target.empty() || !std::ranges::all_of(request.target, is_visible)) return fault("the request's target is malformed");
  const std::string_view version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return fault("this server speaks HTTP/1.1");
  request.is_http_1_0 = version == "HTTP/1.0";
  return request;
}

std::variant<HeadFacts, RequestFault> examine_head(std::string_view head) {
  const std::size_t first_end = head.find(kLineEnd);
  const auto line = examine_request_line(head.substr(0, first_end));
  if (const auto* fault = std::get_if<RequestFault>(&line)) return *fault;
  HeadFacts facts{.line = std::get<RequestLine>(line), .content_length = {}, .host = {}, .authorization = {}};
  FieldRules rules(facts);
  for (std::size_t begin = first_end + 2;;) {
    const std::size_t end = head.find(kLineEnd, begin);
    if (end == begin) break;
    if (const Found fault = rules.take(head.substr(begin, end - begin))) return *fault;
    begin = end + 2;
  }
  if (const Found fault = rules.finish()) return *fault;
  return facts;
}

}  // namespace postern::http
