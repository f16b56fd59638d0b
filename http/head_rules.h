// What a request's header section must look like before any library sees it: RFC 9110 §5 and RFC 9112 §2, §3, §6, each doubt
// decided for refusal. A request that two parsers can read in two ways is how requests are smuggled. Pure.
#pragma once

#include "http/limits.h"
#include "http/message.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace postern::http {

// Why a request goes no further. Always followed by a close: where the next request begins is not known any more.
struct RequestFault {
  Fault fault = Fault::MalformedRequest;
  std::string_view detail;  // a literal
};

struct RequestLine {
  std::string_view method;
  std::string_view target;
  bool is_http_1_0 = false;
};

// Views into the header section that was examined.
struct HeadFacts {
  RequestLine line;
  std::optional<std::uint64_t> content_length;
  bool is_chunked = false;
  std::string_view host;
  std::optional<std::string_view> authorization;
};

// Without its CR LF.
std::variant<RequestLine, RequestFault> examine_request_line(std::string_view line);

// Up to and with the empty line. Requires: every line ends with CR LF, and there is no other CR or LF.
std::variant<HeadFacts, RequestFault> examine_head(std::string_view head);

}  // namespace postern::http
