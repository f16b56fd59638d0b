// The client's side of HTTP/1.1: one request over a connection that is open, and its response, whose head and body are bounded.
// Redirects are answers like any other.
#pragma once

#include "core/result.h"
#include "net/awaitable.h"
#include "net/stream.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace postern::http {

inline constexpr std::size_t kMaxResponseHeadOctets = 16'384;

struct ClientRequest {
  std::string method = "GET";
  std::string host;                                         // of the Host field
  std::string target = "/";                                 // path and query
  std::vector<std::pair<std::string, std::string>> fields;  // beside Host, Content-Length and Connection
  std::string body;
};

struct ClientResponse {
  std::uint16_t status = 0;  // of the final response
  std::string content_type;  // as it came; empty: none
  std::string body;
};

// ProtocolError: it is no HTTP/1.1. LimitExceeded: the head is above kMaxResponseHeadOctets, or the body above `max_body`. Ends by
// the stream's deadline.
net::Awaitable<Result<ClientResponse>> exchange(net::Stream& stream, ClientRequest request, std::size_t max_body);

}  // namespace postern::http
