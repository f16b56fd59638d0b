#include "dns/host_lookup.h"

#include "core/bytes.h"
#include "core/idna.h"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace postern::dns {
namespace {

namespace asio = net::asio;
using asio::ip::tcp;

std::string_view without_brackets(std::string_view host) {
  if (host.size() < 2 || host.front() != '[' || host.back() != ']') return host;
  return host.substr(1, host.size() - 2);
}

std::vector<IpAddress> in_turn(const Answer<Aaaa>& six, const Answer<A>& four) {
  std::vector<IpAddress> addresses;
  const std::size_t most = std::max(six.records.size(), four.records.size());
  for (std::size_t i = 0; i < most; ++i) {
    if (i < six.records.size()) addresses.push_back(six.records[i].address);
    if (i < four.records.size()) addresses.push_back(four.records[i].address);
  }
  if (addresses.size() > kMaxAddresses) addresses.resize(kMaxAddresses);
  return addresses;
}

Error look_up_failed(const AnswerFacts& facts) {
  switch (facts.finding) {
    case Finding::TimedOut: return Error(ErrorCode::ConnectionTimedOut, "look up " + facts.why);
    case Finding::Cancelled: return Error(ErrorCode::Cancelled, "look up " + facts.why);
    default: return Error(ErrorCode::ResolveFailed, "look up " + facts.why);
  }
}

}  // namespace

tcp::endpoint endpoint_of(const IpAddress& address, std::uint16_t port) {
  if (!address.is_v4()) return {asio::ip::address_v6(address.octets), port};
  std::array<std::uint8_t, 4> octets{};
  std::copy(address.octets.begin() + 12, address.octets.end(), octets.begin());
  return {asio::ip::address_v4(octets), port};
}

net::Awaitable<Result<std::vector<IpAddress>>> find_addresses(Resolver& resolver, std::string host,
                                                              Limits limits) {
  const net::Executor executor = co_await asio::this_coro::executor;
  const auto ascii = has_high_octet(host) ? domain_to_ascii(host) : std::optional(host);
  if (!ascii) co_return Error(ErrorCode::ResolveFailed, "look up " + escape_for_log(host) + ": not a name");
  for (std::string& name : candidate_names(*ascii, resolver.conf())) {
    LookUp six(executor, resolver, {name, Type::Aaaa, *ascii}, limits);
    LookUp four(executor, resolver, {name, Type::A, *ascii}, limits);
    RawAnswer raw_six = co_await six.answer();
    RawAnswer raw_four = co_await four.answer();
    const auto aaaa = read_answer<Aaaa>(std::move(raw_six));
    const auto a = read_answer<A>(std::move(raw_four));
    std::vector<IpAddress> addresses = in_turn(aaaa, a);
    if (!addresses.empty()) co_return addresses;
    // Of a name that might be meant nothing is known: the next candidate is another machine.
    if (!is_answer(a.finding)) co_return look_up_failed(a);
    if (!is_answer(aaaa.finding)) co_return look_up_failed(aaaa);
  }
  co_return Error(ErrorCode::ResolveFailed, "look up " + escape_for_log(host) + ": it has no address");
}

net::Awaitable<Result<std::vector<tcp::endpoint>>> find_endpoints(Resolver* resolver, std::string host,
                                                                  std::uint16_t port, Limits limits) {
  boost::system::error_code not_an_address;
  const auto literal = asio::ip::make_address(without_brackets(host), not_an_address);
  std::vector<tcp::endpoint> endpoints;
  if (!not_an_address) {
    endpoints.emplace_back(literal, port);
    co_return endpoints;
  }
  if (resolver == nullptr) co_return Error(ErrorCode::ResolveFailed, "look up " + escape_for_log(host) + ": no resolver");
  const auto addresses = co_await find_addresses(*resolver, std::move(host), limits);
  if (!addresses) co_return addresses.error();
  for (const IpAddress& address : *addresses) endpoints.push_back(endpoint_of(address, port));
  co_return endpoints;
}

}  // namespace postern::dns
