// What the connection may ask of the product: one exchange for each request. The connection knows HTTP and no product; whoever
// stands behind this header knows no sockets.
#pragma once

#include "core/ids.h"
#include "core/ip_address.h"
#include "http/message.h"
#include "http/request_reader.h"
#include "net/awaitable.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace postern::http {

struct PeerFacts {
  IpAddress address;
  std::uint16_t port = 0;
  bool is_local = false;  // on this machine, and not only its proxy is
  std::string tls{};      // "TLSv1.3 TLS_AES_256_GCM_SHA384"; empty in the clear
};

// For the log and the metrics: neither target nor query, for there may be secrets in them.
struct RequestOutcome {
  std::string_view method;     // "" if the request was malformed
  std::string_view operation;  // "" if no route took it
  std::string_view problem;    // the failure's name; "" if it succeeded
  std::string_view request_id;
  std::uint16_t status = 0;
  std::chrono::steady_clock::duration lasted{};  // from the first octet of the request to the last of the response
  IpAddress peer;
  std::optional<KeyId> key;
};

// One request's. Destroyed after its response, streamed or not, has been sent.
class Exchange {
 public:
  virtual ~Exchange() = default;
  // The head is there; what is needed of it may be moved out. An answer now means that the body is not wanted.
  virtual net::Awaitable<std::optional<Response>> begin(RequestHead& head) = 0;
  // After begin() without an answer.
  virtual std::size_t max_body_octets() const = 0;
  virtual net::Awaitable<Response> answer(std::string body) = 0;

  // Whose request it is, once begin() has found that out; null: nobody's.
  virtual AccountId account() const = 0;
  virtual std::string_view operation() const = 0;
  virtual std::optional<KeyId> key() const = 0;
  // Who asks, where that is not the connection's peer: a trusted proxy's client.
  virtual std::optional<IpAddress> client() const { return std::nullopt; }
};

// Any thread.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  // The answer to what the connection cannot serve. An empty `detail` leaves the words to the handler.
  virtual Response refuse(Fault fault, std::string_view detail) = 0;
  virtual std::unique_ptr<Exchange> open_exchange(const PeerFacts& peer) = 0;
  // For every request that was answered, also one so malformed that it had no exchange.
  virtual void request_ended(const RequestOutcome& outcome) = 0;
};

}  // namespace postern::http
