// The header section of a response: what the endpoint says, and what every response of this server carries. Pure.
#pragma once

#include "core/clock.h"
#include "http/message.h"

#include <string>
#include <string_view>

namespace postern::http {

struct ResponseFraming {
  Instant now;
  std::string_view request_id;
  bool keeps_alive = false;
  bool is_http_1_0 = false;  // no chunks: the end of the connection ends a streamed body
};

// Up to and with the empty line. Fields whose name or value could break out of their line are left out.
std::string format_response_head(const Response& response, const ResponseFraming& framing);

// RFC 9110 §6.4.1.
bool may_have_body(std::uint16_t status);

}  // namespace postern::http
