#include "mx/https_client.h"

#include "core/special_addresses.h"
#include "dns/host_lookup.h"

#include <algorithm>
#include <utility>

namespace postern::mx {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kMaxTriedAddresses = 3;
constexpr std::chrono::seconds kConnectLimit{10};

SteadyClock::duration left_until(SteadyClock::time_point deadline) {
  return std::max<SteadyClock::duration>(deadline - SteadyClock::now(), std::chrono::milliseconds(1));
}

}  // namespace

net::Awaitable<Result<std::unique_ptr<net::Stream>>> HttpsClient::connect(std::string host, std::uint16_t port,
                                                                          SteadyClock::time_point deadline) {
  const auto found = co_await dns::find_addresses(resolver_, host, {.cancellation = &look_ups_});
  if (!found) co_return found.error();
  std::vector<IpAddress> addresses = *found;
  if (!allows_special_) std::erase_if(addresses, [](const IpAddress& address) { return !is_public_unicast(address); });
  if (addresses.size() > kMaxTriedAddresses) addresses.resize(kMaxTriedAddresses);
  Error failure(ErrorCode::ConnectFailed, "the host has no public address");
  for (const IpAddress& address : addresses) {
    const auto limit = std::min<SteadyClock::duration>(left_until(deadline), kConnectLimit);
    auto stream = co_await net::Stream::connect(dns::endpoint_of(address, port), limit);
    if (stream) co_return std::move(*stream);
    failure = stream.error();
  }
  co_return failure;
}

net::Awaitable<Result<http::ClientResponse>> HttpsClient::send(std::string host, std::uint16_t port, http::ClientRequest request,
                                                               std::size_t max_body, std::chrono::seconds limit) {
  const auto deadline = SteadyClock::now() + limit;
  const auto tls = net::TlsClientContext::create(net::TlsVerification::Required, {});
  if (!tls) co_return tls.error();
  auto stream = co_await connect(host, port, deadline);
  if (!stream) co_return stream.error();
  if (look_ups_.is_cancelled()) co_return Error(ErrorCode::Cancelled);
  net::Stream& connection = **stream;
  open_.insert(&connection);
  connection.expires_after(left_until(deadline));
  const auto secured = co_await connection.start_tls_client(*tls, host);
  Result<http::ClientResponse> response = secured ? Result<http::ClientResponse>(http::ClientResponse()) : secured.error();
  if (secured) {
    connection.expires_after(left_until(deadline));
    request.host = host;
    response = co_await http::exchange(connection, std::move(request), max_body);
  }
  open_.erase(&connection);
  connection.close();
  co_return response;
}

void HttpsClient::cancel() {
  look_ups_.cancel();
  for (net::Stream* stream : open_) stream->cancel();
}

}  // namespace postern::mx
