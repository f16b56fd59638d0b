// Asio runs getaddrinfo on a thread of its own, which cannot be interrupted. So the waiting side is a timer: the answer wakes
// it early, and an answer that comes too late finds nobody.
#include "relay/host_lookup.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <string_view>

namespace postern::relay {
namespace {

namespace asio = net::asio;
using asio::ip::tcp;

struct LookUp {
  explicit LookUp(const net::Executor& executor) : resolver(executor), timer(executor) {}

  tcp::resolver resolver;
  asio::steady_timer timer;
  bool is_answered = false;
  boost::system::error_code error;
  std::vector<tcp::endpoint> endpoints;
};

std::string_view without_brackets(std::string_view host) {
  if (host.size() < 2 || host.front() != '[' || host.back() != ']') return host;
  return host.substr(1, host.size() - 2);
}

void answered(LookUp& look_up, boost::system::error_code error, const tcp::resolver::results_type& results) {
  look_up.is_answered = true;
  look_up.error = error;
  for (const auto& result : results) {
    if (look_up.endpoints.size() < kMaxAddresses) look_up.endpoints.push_back(result.endpoint());
  }
  look_up.timer.cancel();
}

Result<std::vector<tcp::endpoint>> result_of(const LookUp& look_up, const std::string& host) {
  if (!look_up.is_answered) return Error(ErrorCode::ConnectionTimedOut, "look up " + host);
  if (look_up.error) return Error(ErrorCode::ResolveFailed, "look up " + host + ": " + look_up.error.message());
  if (look_up.endpoints.empty()) return Error(ErrorCode::ResolveFailed, "look up " + host + ": no address");
  return look_up.endpoints;
}

}  // namespace

net::Awaitable<Result<std::vector<tcp::endpoint>>> look_up_host(std::string host, std::uint16_t port,
                                                                std::chrono::seconds timeout) {
  boost::system::error_code not_an_address;
  const asio::ip::address address = asio::ip::make_address(without_brackets(host), not_an_address);
  if (!not_an_address) co_return std::vector<tcp::endpoint>{tcp::endpoint(address, port)};

  const net::Executor executor = co_await asio::this_coro::executor;
  // Shared with the answer, which may come after the deadline.
  const auto look_up = std::make_shared<LookUp>(executor);
  look_up->timer.expires_after(timeout);
  look_up->resolver.async_resolve(
      host, std::to_string(port), tcp::resolver::numeric_service,
      [look_up](boost::system::error_code error, const tcp::resolver::results_type& results) {
        answered(*look_up, error, results);
      });
  co_await look_up->timer.async_wait(asio::as_tuple(asio::use_awaitable_t<net::Executor>()));
  look_up->resolver.cancel();
  co_return result_of(*look_up, host);
}

}  // namespace postern::relay
