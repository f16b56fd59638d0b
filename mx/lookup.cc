#include "mx/lookup.h"

#include "mx/plan.h"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace postern::mx {
namespace {

namespace asio = net::asio;

// Both families of one host, under way.
struct AddressQuestions {
  AddressQuestions(const net::Executor& executor, dns::Resolver& resolver, const std::string& name, dns::Limits limits)
      : six(executor, resolver, {.name = name, .type = dns::Type::Aaaa}, limits),
        four(executor, resolver, {.name = name, .type = dns::Type::A}, limits) {}

  dns::LookUp six;
  dns::LookUp four;
};

void take_addresses(Host& host, const dns::Answer<dns::Aaaa>& six, const dns::Answer<dns::A>& four) {
  const std::size_t most = std::max(six.records.size(), four.records.size());
  for (std::size_t i = 0; i < most; ++i) {
    if (i < six.records.size()) host.addresses.push_back(six.records[i].address);
    if (i < four.records.size()) host.addresses.push_back(four.records[i].address);
  }
  host.aliases = six.is_found() ? six.aliases : four.aliases;
  // A family without an answer is not used, and says nothing against the other.
  const auto is_sound = [](const dns::AnswerFacts& answer) { return !dns::is_answer(answer.finding) || answer.is_secure; };
  host.is_secure = !host.addresses.empty() && is_sound(six) && is_sound(four);
  if (!host.addresses.empty()) return;
  if (!dns::is_answer(four.finding)) host.failure = four.why;
  if (!dns::is_answer(six.finding)) host.failure = six.why;
}

net::Awaitable<HostTlsa> ask_tlsa(dns::Resolver& resolver, std::string base, std::uint16_t port, dns::Limits limits) {
  const auto answer = co_await dns::look_up<dns::Tlsa>(resolver, dns::tlsa_name(port, base), limits);
  HostTlsa tlsa{.finding = TlsaFinding::Absent, .base = std::move(base)};
  if (!dns::is_answer(answer.finding)) {
    tlsa.finding = TlsaFinding::Unknown;
    tlsa.why = answer.why;
  } else if (answer.is_found() && answer.is_secure) {
    tlsa.finding = TlsaFinding::Found;
    std::vector<net::TlsaRecord> records;
    for (const dns::Tlsa& one : answer.records) records.push_back({one.usage, one.selector, one.matching, one.data});
    tlsa.records = records.size();
    tlsa.usable = net::find_usable(records);
  }
  co_return tlsa;
}

// Of a host whose alias leads out of what is secure: whether its own name is.
net::Awaitable<dns::Answer<dns::Cname>> ask_alias(dns::Resolver& resolver, std::string name, dns::Limits limits) {
  auto answer = co_await dns::look_up<dns::Cname>(resolver, std::move(name), limits);
  co_return answer;
}

}  // namespace

net::Awaitable<MailHosts> look_up_hosts(dns::Resolver& resolver, std::string domain, Random& random, dns::Limits limits) {
  if (domain.starts_with('[')) co_return literal_host(domain);
  const net::Executor executor = co_await asio::this_coro::executor;
  const auto answer = co_await dns::look_up<dns::Mx>(resolver, domain, limits);
  MailHosts hosts = order_hosts(domain, answer, random);
  std::vector<std::unique_ptr<AddressQuestions>> questions;
  for (const Host& host : hosts.hosts) {
    questions.push_back(std::make_unique<AddressQuestions>(executor, resolver, host.name, limits));
  }
  for (std::size_t i = 0; i < questions.size(); ++i) {
    dns::RawAnswer six = co_await questions[i]->six.answer();
    dns::RawAnswer four = co_await questions[i]->four.answer();
    take_addresses(hosts.hosts[i], dns::read_answer<dns::Aaaa>(std::move(six)), dns::read_answer<dns::A>(std::move(four)));
  }
  co_return hosts;
}

net::Awaitable<HostTlsa> look_up_tlsa(dns::Resolver& resolver, Host host, std::uint16_t port, dns::Limits limits) {
  if (!host.is_secure && host.aliases.empty()) co_return HostTlsa{};
  if (host.is_secure && !host.aliases.empty()) {
    HostTlsa tlsa = co_await ask_tlsa(resolver, host.aliases.back(), port, limits);
    if (tlsa.finding != TlsaFinding::Absent) co_return tlsa;
  }
  if (!host.is_secure) {
    const auto alias = co_await ask_alias(resolver, host.name, limits);
    if (!dns::is_answer(alias.finding)) co_return HostTlsa{.finding = TlsaFinding::Unknown, .base = host.name, .why = alias.why};
    if (!alias.is_secure) co_return HostTlsa{};
  }
  HostTlsa tlsa = co_await ask_tlsa(resolver, host.name, port, limits);
  co_return tlsa;
}

}  // namespace postern::mx
