// What goes over the wire, and what goes wrong there: the words that connections and endpoints share.
#pragma once

#include "net/awaitable.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::http {

enum class Method { Get, Post, Put, Patch, Delete };

// Why a connection serves a request no further. Whoever stands behind the connection words the answer.
enum class Fault {
  MalformedRequest,      // it does not follow HTTP/1.1
  RequestTimeout,        // it took too long to arrive
  BodyTooBig,            // more than the endpoint takes
  PathTooLong,           // more than kMaxTargetOctets
  HeaderFieldsTooLarge,  // more than kMaxHeadOctets or kMaxFieldLines
  Unavailable,           // there is no room for the body, or for the answer
  TooManyConnections,    // there is none for the connection
};

// A body that is made while it is sent (server-sent events). Called on the connection's executor until it answers nullopt or
// the peer goes; destroyed then.
class BodySource {
 public:
  virtual ~BodySource() = default;
  // The next piece. Waits at most `longest`; an empty piece then (the server sends nothing or a keep-alive of the source's own).
  virtual net::Awaitable<std::optional<std::string>> next(std::chrono::steady_clock::duration longest) = 0;
  // Shutdown: next() ends soon.
  virtual void stop() = 0;
  // next() answers soon, with an empty piece where it has no other. On the connection's executor.
  virtual void wake() {}
};

struct Response {
  std::uint16_t status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers{};  // beside those that the server always sets
  std::string body{};
  std::unique_ptr<BodySource> stream{};  // instead of `body`: chunked
  std::string_view problem{};            // the name of a failure, a literal: for the metrics
  bool holds_secret = false;             // the body is wiped once it is sent
};

}  // namespace postern::http
