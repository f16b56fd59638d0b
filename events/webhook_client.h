// WebhookClient: one signed POST to a receiver, over HTTP/1.1 and TLS. The receiver is somebody else's machine, named by an
// account: where the connection may go is events/webhook_target's business, and every wait and every octet read is bounded.
#pragma once

#include "core/ip_address.h"
#include "core/result.h"
#include "dns/resolver.h"
#include "events/webhook_target.h"
#include "net/awaitable.h"
#include "net/stream.h"
#include "net/tls_context.h"

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace postern::events {

// Of a whole attempt, look-up included. Receivers are expected to answer first and work later.
inline constexpr std::chrono::seconds kWebhookDeadline{15};

struct WebhookRequest {
  std::string url;
  std::vector<std::pair<std::string, std::string>> fields;  // beside those of every request
  std::string body;                                         // JSON
};

struct WebhookAnswer {
  std::uint16_t status = 0;  // of the final response; 0: there was none
  std::string failure;       // why not, for the log: never what the receiver wrote
  bool is_interrupted = false;  // by cancel()
  // Of the final response, for who owns the webhook: the body's beginning, and its media type. Octets of a stranger's.
  std::string body = {};
  std::string body_type = {};

  bool is_success() const { return status >= 200 && status < 300; }
  bool is_gone() const { return status == 410; }  // RFC 9110 §15.5.11: do not ask again
};

// One executor.
class WebhookClient {
 public:
  virtual ~WebhookClient() = default;
  // Redirects are not followed: a 3yz is an answer like any other that is no success.
  virtual net::Awaitable<WebhookAnswer> post(WebhookRequest request) = 0;
  // Shutdown: what is under way ends soon, as interrupted; so does all that follows.
  virtual void cancel() = 0;
};

class HttpWebhookClient final : public WebhookClient {
 public:
  // `tls` should verify. `resolver` outlives this.
  HttpWebhookClient(dns::Resolver& resolver, net::TlsClientContext tls, WebhookPolicy policy, std::string user_agent);

  net::Awaitable<WebhookAnswer> post(WebhookRequest request) override;
  void cancel() override;

 private:
  using Clock = std::chrono::steady_clock;
  using StreamPtr = std::unique_ptr<net::Stream>;

  net::Awaitable<Result<std::vector<IpAddress>>> find_addresses(const WebhookTarget& target);
  net::Awaitable<Result<StreamPtr>> connect(const WebhookTarget& target, Clock::time_point deadline);
  net::Awaitable<Result<WebhookAnswer>> exchange(net::Stream& stream, const WebhookTarget& target, const WebhookRequest& request);
  net::Awaitable<Result<WebhookAnswer>> attempt(const WebhookRequest& request);

  dns::Resolver& resolver_;
  net::TlsClientContext tls_;
  WebhookPolicy policy_;
  std::string user_agent_;
  std::set<net::Stream*> open_;
  bool is_cancelled_ = false;
  dns::Cancellation look_ups_;
};

}  // namespace postern::events
