// HTTPS to a host that a stranger's DNS names: TLS with a certificate by the CAs for the host, public addresses only, one time for
// all.
#pragma once

#include "dns/resolver.h"
#include "http/client_exchange.h"
#include "net/tls_context.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>

namespace postern::mx {

class HttpsClient {
 public:
  // `resolver` outlives it. `allows_special`: addresses that are not public, too.
  HttpsClient(dns::Resolver& resolver, bool allows_special) : resolver_(resolver), allows_special_(allows_special) {}

  // `host` in A-labels. ConnectFailed, ConnectionTimedOut, TlsFailed, ResolveFailed, or as http::exchange().
  net::Awaitable<Result<http::ClientResponse>> send(std::string host, std::uint16_t port, http::ClientRequest request,
                                                    std::size_t max_body, std::chrono::seconds limit);
  // The end: what is under way ends with Cancelled soon, later ones at once.
  void cancel();

 private:
  net::Awaitable<Result<std::unique_ptr<net::Stream>>> connect(std::string host, std::uint16_t port,
                                                               std::chrono::steady_clock::time_point deadline);

  dns::Resolver& resolver_;
  const bool allows_special_;
  dns::Cancellation look_ups_;
  std::set<net::Stream*> open_;
};

}  // namespace postern::mx
