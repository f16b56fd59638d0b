// postern explain delivery: where mail to an address goes, how well it is protected on the way, and why. Asks the DNS and fetches
// the domain's MTA-STS policy; connects to no mail host.
#include "app/commands.h"

#include "api/record_json.h"
#include "app/config_values.h"
#include "app/delivery_probe.h"
#include "app/interfaces.h"
#include "app/shaping_file.h"
#include "core/bytes.h"
#include "core/mailbox.h"
#include "relay/orders.h"
#include "relay/source_book.h"
#include "store/lane.h"
#include "store/notebook.h"

#include <chrono>
#include <utility>

namespace postern::app {
namespace {

constexpr std::chrono::seconds kProbeLimit{90};  // rounds of questions with all their tries, and mx::kStsFetchLimit

std::string order_words(store::OrderAction action) {
  switch (action) {
    case store::OrderAction::Hold: return "suspended";
    case store::OrderAction::Bounce: return "given up";
    case store::OrderAction::Move: return "moved";
  }
  return "suspended";
}

using Facts = std::vector<std::pair<std::string, std::string>>;

std::string listed(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + text;
  return list.empty() ? "-" : list;
}

std::string describe_tlsa(const mx::HostTlsa& tlsa) {
  switch (tlsa.finding) {
    case mx::TlsaFinding::NotAsked:
      return "not asked for: the host's addresses are not signed";
    case mx::TlsaFinding::Absent:
      return "none";
    case mx::TlsaFinding::Unknown:
      return "no answer: " + tlsa.why;
    case mx::TlsaFinding::Found:
      break;
  }
  return std::to_string(tlsa.records) + " at " + tlsa.base + ", " + std::to_string(tlsa.usable.size()) + " of them usable";
}

void describe_host(const mx::Host& host, const JudgedHost* judged, Facts& facts, json::array& hosts) {
  std::vector<std::string> addresses;
  for (const IpAddress& address : host.addresses) addresses.push_back(format_ip_address(address));
  json::object value{{"host", host.name},
                     {"preference", host.preference},
                     {"addresses", json::array(addresses.begin(), addresses.end())},
                     {"secure", host.is_secure},
                     {"aliases", json::array(host.aliases.begin(), host.aliases.end())}};
  facts.emplace_back("host " + host.name, "preference " + std::to_string(host.preference) + ": " + listed(addresses) +
                                              (host.is_secure ? " (signed)" : ""));
  if (!host.aliases.empty()) facts.emplace_back("  alias of", listed(host.aliases));
  if (judged != nullptr) {
    const mx::TlsDecision& decision = judged->decision;
    const std::string level = decision.refusal ? "refused" : std::string(mx::tls_level_name(decision.level));
    value["level"] = level;
    value["dane"] = mx::dane_outcome_name(decision.dane);
    value["why"] = decision.reason;
    if (!decision.tlsa.empty() || decision.level == mx::TlsLevel::Verified) {
      value["names"] = json::array(decision.names.begin(), decision.names.end());
    }
    facts.emplace_back("  TLSA", describe_tlsa(judged->tlsa));
    facts.emplace_back("  TLS", level + ": " + decision.reason);
    if (value.contains("names")) facts.emplace_back("  certificate for", listed(decision.names));
  }
  hosts.push_back(std::move(value));
}

void describe_probe(const DeliveryProbe& probe, Facts& facts, json::object& value) {
  const mx::MailHosts& found = probe.hosts;
  const std::string how = found.failure ? "-" : found.is_implicit ? "none: the domain itself" : std::to_string(found.hosts.size());
  facts.emplace_back("MX", how + (found.is_mx_secure ? " (signed)" : " (not signed)"));
  value["mx_secure"] = found.is_mx_secure;
  value["implicit"] = found.is_implicit;
  json::array hosts;
  for (std::size_t i = 0; i < found.hosts.size(); ++i) {
    const auto judged = probe.judged.find(i);
    describe_host(found.hosts[i], judged == probe.judged.end() ? nullptr : &judged->second, facts, hosts);
  }
  value["hosts"] = std::move(hosts);
  json::array passed_over;
  for (const mx::PassedOver& one : probe.plan.passed_over) {
    facts.emplace_back("passed over", one.host + ": " + one.why);
    passed_over.push_back(json::object{{"host", one.host}, {"why", one.why}});
  }
  value["passed_over"] = std::move(passed_over);
  std::vector<std::string> hops;
  for (const mx::Hop& hop : probe.plan.hops) {
    hops.push_back(found.hosts[hop.host].name + " [" + format_ip_address(hop.address) + "]");
  }
  if (!hops.empty()) facts.emplace_back("tried in this order", listed(hops));
  value["hops"] = json::array(hops.begin(), hops.end());
  const std::optional<Status>& failure = found.failure ? found.failure : probe.plan.failure;
  value["failure"] = failure ? json::value(format_status(*failure)) : json::value();
  if (failure) facts.emplace_back(failure->is_permanent() ? "bounces" : "waits", format_status(*failure));
}

// By the host that is tried first.
Result<void> describe_shaping(const Settings& settings, const DeliveryProbe& probe, Facts& facts, json::object& value) {
  const auto shaping = make_shaping(settings);
  if (!shaping) return shaping.error();
  if (!*shaping || probe.plan.hops.empty()) return {};
  const std::size_t provider = (*shaping)->find_provider(probe.hosts.hosts[probe.plan.hops.front().host].name);
  const std::string name((*shaping)->name_of(provider));
  const std::string limits = relay::describe_limits((*shaping)->limits_of(provider));
  std::size_t rules = 0;
  for (const relay::ShapingRule& rule : (*shaping)->file().rules) rules += rule.provider.empty() || rule.provider == name ? 1 : 0;
  facts.emplace_back("provider", name + ": " + limits + "; " + std::to_string(rules) + " rules on what it says");
  value["provider"] = json::object{{"name", name}, {"limits", limits}, {"rules", rules}};
  return {};
}

void describe_sts(const mx::StsAnswer& sts, Facts& facts, json::object& value) {
  json::object told{{"finding", mx::sts_finding_name(sts.finding)}};
  std::string words = sts.why.empty() ? "none" : "published, and cannot be had: " + sts.why;
  if (sts.policy) {
    const mx::StsMode mode = sts.policy->policy.mode;
    const std::string name = mode == mx::StsMode::Enforce ? "enforce" : mode == mx::StsMode::Testing ? "testing" : "none";
    words = name + ", for " + listed(sts.policy->policy.patterns) + " (id " + sts.policy->id + ")";
    told["mode"] = name;
    told["id"] = sts.policy->id;
    told["mx"] = json::array(sts.policy->policy.patterns.begin(), sts.policy->policy.patterns.end());
  }
  facts.emplace_back("MTA-STS", words);
  value["sts"] = std::move(told);
}

std::string describe_warm_up(const relay::EgressSource& source, const store::Notebook* notebook, const std::string& provider,
                             Instant now, json::object& value) {
  const auto allowed = relay::allowed_on(source.warm_up, std::chrono::floor<std::chrono::days>(now));
  if (!allowed) return {};
  const std::string key = relay::warm_up_key(now, source.name, provider);
  const auto kept = notebook == nullptr ? Result<std::optional<std::string>>(std::nullopt)
                                        : notebook->find(store::NotebookTable::WarmUps, key);
  const std::uint64_t sent = kept && *kept ? parse_unsigned(**kept).value_or(0) : 0;
  value["warm_up"] = json::object{{"allowed_today", *allowed}, {"sent_today", sent}, {"provider", provider}};
  return ", warming up: " + std::to_string(sent) + " of " + std::to_string(*allowed) + " today to " + provider;
}

// What mail to the domain leaves from, and whether it can.
void describe_egress(CommandContext& context, const relay::Route& route, const std::string& provider, Facts& facts,
                     json::object& value) {
  if (route.egress.members.empty()) return;
  const auto opened = store::Notebook::open(context.settings().data_dir);
  facts.emplace_back("pool", route.egress.name);
  json::array sources;
  for (const relay::PoolMember& member : route.egress.members) {
    const relay::EgressSource& source = member.source;
    std::string words = member.tier == 0 ? "weight " + std::to_string(member.weight) : "steps in";
    json::object told{{"source", source.name}, {"weight", member.weight}, {"tier", member.tier}};
    json::array addresses;
    for (const auto& address : {source.v4, source.v6}) {
      if (!address) continue;
      const bool is_here = can_leave_from(*address);
      words += ", " + format_ip_address(*address) + (is_here ? "" : " (not on this machine)");
      addresses.push_back(json::object{{"address", format_ip_address(*address)}, {"on_this_machine", is_here}});
    }
    told["addresses"] = std::move(addresses);
    words += describe_warm_up(source, opened ? opened->get() : nullptr, provider, context.clock().now(), told);
    facts.emplace_back("  source " + source.name, words);
    sources.push_back(std::move(told));
  }
  value["pool"] = json::object{{"name", route.egress.name}, {"sources", std::move(sources)}};
}

// What operators want done with mail to the domain, or with some of it.
Result<void> describe_orders(CommandContext& context, const std::string& domain, const relay::Route* route, Facts& facts,
                             json::object& value) {
  const auto orders = context.directory().list_orders();
  if (!orders) return orders.error();
  json::array told;
  for (const store::OrderRecord& order : *orders) {
    if (order.expires_at <= context.clock().now() || !relay::concerns_domain(order.scope, domain, route)) continue;
    const std::string until = format_time(order.expires_at) + " UTC, by " + order.author;
    const std::string to = order.to_route.empty() ? "" : " to " + store::describe_way(order);
    const std::string why = order.reason.empty() ? "" : ": " + order.reason;
    facts.emplace_back(order_words(order.action), describe_scope(order.scope) + to + ", until " + until + why);
    told.push_back(json::object{{"id", format_id(order.id)},
                                {"action", store::order_action_name(order.action)},
                                {"scope", store::describe_scope(order.scope)},
                                {"expires", api::instant_json(order.expires_at)},
                                {"author", order.author},
                                {"reason", order.reason}});
  }
  value["orders"] = std::move(told);
  return {};
}

// What waits for the domain, and when the next attempt is.
Result<void> describe_queue(CommandContext& context, const std::string& domain, Facts& facts, json::object& value) {
  const auto soonest = context.spool().due(store::lane_of(domain), std::nullopt, Instant::max(), 1);
  if (!soonest) return soonest.error();
  if (soonest->keys.empty()) {
    facts.emplace_back("queue", "nothing waits for this domain");
    value["next_attempt"] = nullptr;
    return {};
  }
  const auto& first = soonest->keys.front();
  facts.emplace_back("next attempt", format_time(first.due) + " UTC, of " + format_message_id(first.id));
  value["next_attempt"] = api::instant_json(first.due);
  return {};
}

}  // namespace

Result<void> explain_delivery(CommandContext& context, const ExplainOptions& options) {
  const std::string& address = options.address;
  const std::size_t at = address.rfind('@');
  const std::string domain = normalised_domain(at == std::string::npos ? address : address.substr(at + 1));
  if (!is_valid_domain(domain, false)) return Error(ErrorCode::InvalidArgument, printable(address) + " has no domain");
  const relay::RouteTable routes = make_route_table(context.settings());
  if (!options.pool.empty() && !routes.has_pool(options.pool)) {
    return Error(ErrorCode::NotFound, "there is no egress pool " + printable(options.pool));
  }
  const std::string by_pool = options.pool.empty() ? "" : relay::kPoolMark + options.pool;
  const relay::Route* route = routes.find_for(by_pool, domain);
  Facts facts{{"domain", domain}, {"route", route == nullptr ? "none: live mail to it is refused (no_route)" : route->name}};
  json::object value{{"domain", domain}, {"route", route == nullptr ? json::value() : json::value(route->name)}};
  if (route != nullptr && !route->is_mx) {
    const std::string hop = route->host + ":" + std::to_string(route->port);
    facts.emplace_back("smarthost", hop + "; postern doctor --route " + route->name + " tries it");
    value["smarthost"] = hop;
  }
  if (route != nullptr && route->is_mx) {
    const auto probe = probe_delivery(context.settings(), *route, domain, kProbeLimit);
    if (!probe) return probe.error();
    if (probe->sts) describe_sts(*probe->sts, facts, value);
    describe_probe(*probe, facts, value);
    if (auto shaped = describe_shaping(context.settings(), *probe, facts, value); !shaped) return shaped;
  }
  const json::value* const provider = value.if_contains("provider");
  const std::string provider_name =
      provider == nullptr ? "other" : std::string(std::string_view(provider->at("name").as_string()));
  if (route != nullptr) describe_egress(context, *route, provider_name, facts, value);
  if (auto told = describe_orders(context, domain, route, facts, value); !told) return told;
  if (auto queued = describe_queue(context, domain, facts, value); !queued) return queued;
  context.print(value, format_facts(facts));
  return {};
}

}  // namespace postern::app
