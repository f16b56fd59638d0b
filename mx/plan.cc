#include "mx/plan.h"

#include "core/bytes.h"
#include "core/mailbox.h"
#include "core/special_addresses.h"

#include <algorithm>
#include <utility>

namespace postern::mx {
namespace {

Status verdict(std::uint16_t code, std::uint16_t subject, std::uint16_t detail, std::string text) {
  return Status{code, EnhancedCode{static_cast<std::uint8_t>(code / 100), subject, detail}, std::move(text)};
}

bool is_in(const std::vector<IpAddress>& addresses, const IpAddress& address) {
  return std::ranges::find(addresses, address) != addresses.end();
}

bool is_self(const Host& host, const Self& self) {
  return self.names.contains(host.name) ||
         std::ranges::any_of(host.addresses, [&](const IpAddress& address) { return is_in(self.addresses, address); });
}

// The preference of the best host that is us.
std::optional<std::uint16_t> own_preference(const std::vector<Host>& hosts, const Self& self) {
  std::optional<std::uint16_t> own;
  for (const Host& host : hosts) {
    if (is_self(host, self)) own = std::min(own.value_or(host.preference), host.preference);
  }
  return own;
}

Status nothing_left(const MailHosts& hosts, bool is_ours, const Host* unanswered) {
  const std::string domain = escape_for_log(hosts.domain);
  if (is_ours) return verdict(554, 4, 6, "mail for " + domain + " would come back to this server");
  if (unanswered != nullptr) return verdict(451, 4, 3, "look up " + unanswered->failure);
  if (hosts.is_implicit) return verdict(550, 1, 2, domain + " has neither a mail host nor an address that mail could go to");
  return verdict(550, 4, 4, "no mail host of " + domain + " has an address that mail could go to");
}

}  // namespace

MailHosts order_hosts(std::string_view domain, const dns::Answer<dns::Mx>& answer, Random& random) {
  MailHosts hosts{.domain = std::string(domain), .is_mx_secure = answer.is_secure};
  const std::string name = escape_for_log(domain);
  switch (answer.finding) {
    case dns::Finding::Found:
      break;
    case dns::Finding::NoRecord:
      hosts.is_implicit = true;
      hosts.hosts.push_back({.name = hosts.domain});
      return hosts;
    case dns::Finding::NoName:
      hosts.failure = verdict(550, 1, 2, "there is no domain " + name);
      return hosts;
    default:
      hosts.failure = verdict(451, 4, 3, "look up " + answer.why);
      return hosts;
  }
  std::vector<std::pair<std::uint64_t, Host>> drawn;
  for (const dns::Mx& record : answer.records) {
    // RFC 7505 §3: a null MX beside others is a mistake, and says nothing.
    if (record.is_null() || !is_valid_domain(record.host, false)) continue;
    drawn.emplace_back(random.below(std::uint64_t{1} << 32), Host{.name = record.host, .preference = record.preference});
  }
  if (drawn.empty()) {
    const bool is_null = answer.records.size() == 1 && answer.records.front().is_null();
    hosts.failure = is_null ? verdict(556, 1, 10, name + " takes no mail (null MX)")
                            : verdict(550, 4, 4, "no MX record of " + name + " names a host");
    return hosts;
  }
  std::ranges::sort(drawn, {}, [](const auto& one) { return std::pair(one.second.preference, one.first); });
  for (auto& [chance, host] : drawn) {
    const bool is_twice = std::ranges::find(hosts.hosts, host.name, &Host::name) != hosts.hosts.end();
    if (!is_twice && hosts.hosts.size() < kMaxHosts) hosts.hosts.push_back(std::move(host));
  }
  return hosts;
}

MailHosts literal_host(std::string_view domain) {
  constexpr std::string_view kV6 = "IPv6:";
  MailHosts hosts{.domain = std::string(domain), .is_implicit = true};
  std::string_view text = domain.substr(1, domain.size() < 2 ? 0 : domain.size() - 2);
  if (text.size() > kV6.size() && equals_ignoring_case(text.substr(0, kV6.size()), kV6)) text.remove_prefix(kV6.size());
  const auto address = parse_ip_address(text);
  if (!address) {
    hosts.failure = verdict(501, 1, 3, escape_for_log(domain) + " is no address that mail could go to");
    return hosts;
  }
  hosts.hosts.push_back({.name = format_ip_address(*address), .addresses = {*address}});
  return hosts;
}

Plan make_plan(const MailHosts& hosts, const PlanRules& rules) {
  Plan plan;
  const Host* unanswered = nullptr;
  const auto own = own_preference(hosts.hosts, rules.self);
  for (std::size_t index = 0; index < hosts.hosts.size(); ++index) {
    const Host& host = hosts.hosts[index];
    const auto pass_over = [&](std::string why) { plan.passed_over.push_back({host.name, std::move(why)}); };
    if (own && host.preference >= *own) {
      pass_over(is_self(host, rules.self) ? "it is this server" : "it is not preferred to this server");
      continue;
    }
    if (host.addresses.empty()) {
      pass_over(host.failure.empty() ? "it has no address" : host.failure);
      if (!host.failure.empty()) unanswered = &host;
    }
    std::size_t of_host = 0;
    for (const IpAddress& address : host.addresses) {
      if (!rules.allows_special && !is_public_unicast(address)) {
        pass_over(format_ip_address(address) + " is not a public address");
        continue;
      }
      if (plan.hops.size() == kMaxHops || (of_host == kMaxHopsOfHost && hosts.hosts.size() > 1)) break;
      plan.hops.push_back({index, address});
      ++of_host;
    }
  }
  const bool is_ours =
      own && !hosts.hosts.empty() && std::ranges::all_of(hosts.hosts, [&](const Host& host) { return host.preference >= *own; });
  if (plan.hops.empty()) plan.failure = nothing_left(hosts, is_ours, unanswered);
  return plan;
}

}  // namespace postern::mx
