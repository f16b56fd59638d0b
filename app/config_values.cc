#include "app/config_values.h"

#include "app/config_checks.h"
#include "app/egress_settings.h"
#include "app/interfaces.h"
#include "core/mailbox.h"
#include "domains/key_seal.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>

namespace postern::app {
namespace {

// The checks of app/config keep every number within the type it goes to.
std::uint32_t to_u32(std::int64_t value) { return static_cast<std::uint32_t>(value); }
std::uint64_t to_u64(std::int64_t value) { return static_cast<std::uint64_t>(value); }

smtp::TlsMode listener_tls(std::string_view word) {
  if (word == "implicit") return smtp::TlsMode::Implicit;
  return word == "none" ? smtp::TlsMode::None : smtp::TlsMode::StartTls;
}

relay::TlsPolicy route_tls(std::string_view word) {
  if (word == "required") return relay::TlsPolicy::Required;
  return word == "none" ? relay::TlsPolicy::None : relay::TlsPolicy::Opportunistic;
}

log::Level log_level(std::string_view word) {
  if (word == "debug") return log::Level::Debug;
  if (word == "warning") return log::Level::Warning;
  return word == "error" ? log::Level::Error : log::Level::Info;
}

store::SpoolLimits make_spool_limits(const Settings& settings) {
  return {.max_octets = to_u64(settings.spool_max_octets),
          .min_free_octets = to_u64(settings.spool_min_free_octets),
          .settled_retention = std::chrono::hours(settings.settled_retention_hours),
          .settled_max_messages = to_u64(settings.settled_max_messages),
          .capture_retention = std::chrono::hours(settings.capture_retention_hours),
          .capture_max_octets = to_u64(settings.capture_max_octets),
          .event_retention = std::chrono::days(settings.event_retention_days),
          .event_max_count = to_u64(settings.event_max_count)};
}

relay::Route make_route(const Settings& settings, const RouteSettings& route) {
  return {.name = route.name,
          .domains = route.domains,
          .host = route.host,
          .port = static_cast<std::uint16_t>(route.port),
          .implicit_tls = route.implicit_tls,
          .tls = route_tls(route.tls),
          .ca_file = route.ca_file,
          .user_name = route.user_name,
          .password = route.password,
          .max_connections = to_u32(route.max_connections),
          .max_messages_per_connection = to_u32(route.max_messages_per_connection),
          .idle_timeout = std::chrono::seconds(route.idle_timeout_seconds),
          .is_per_domain = route.is_mx(),
          .is_mx = route.is_mx(),
          .egress = make_egress_pool(settings, route.egress_pool)};
}

relay::Route mx_default_route(const Settings& settings) {
  relay::Route route;
  route.name = "mx";
  route.domains = {"*"};
  route.is_per_domain = route.is_mx = true;
  route.egress = make_egress_pool(settings, settings.egress_pool);
  return route;
}

}  // namespace

std::string make_public_url(const Settings& settings) {
  return settings.public_url.empty() ? "https://" + effective_hostname(settings) : settings.public_url;
}

std::string effective_hostname(const Settings& settings) {
  if (!settings.hostname.empty()) return settings.hostname;
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  const std::string text(name.data());
  return is_valid_domain(text, false) ? text : "localhost";
}

store::StoreOptions make_store_options(const Settings& settings, bool runs_recovery) {
  return {.folder = settings.data_dir, .spool = make_spool_limits(settings), .runs_recovery = runs_recovery};
}

auth::KeyScheme make_key_scheme(const Settings& settings) {
  return {.brand = settings.key_brand,
          .has_environment = settings.key_has_environment,
          .max_active_keys = to_u32(settings.max_active_keys_per_account),
          .name_required = settings.key_name_required};
}

auth::ThrottleLimits make_throttle_limits(const Settings& settings) {
  auth::ThrottleLimits limits;
  limits.max_failures = to_u32(settings.auth_failures_per_address);
  limits.window = std::chrono::seconds(settings.auth_failure_window_seconds);
  limits.max_addresses = to_u64(settings.auth_throttle_max_addresses);
  return limits;
}

relay::RetrySchedule make_retry_schedule(const Settings& settings) {
  return {.first = std::chrono::seconds(settings.retry_initial_seconds),
          .longest = std::chrono::seconds(settings.retry_max_seconds),
          .lifetime = std::chrono::hours(settings.queue_lifetime_hours)};
}

dns::ResolverSettings make_resolver_settings(const Settings& settings) {
  dns::ResolverSettings resolver;
  resolver.servers = settings.resolver_addresses;
  resolver.timeout = std::chrono::seconds(settings.resolver_timeout_seconds);
  resolver.trust_anchor_file = settings.resolver_trust_anchor_file;
  return resolver;
}

mx::PlanRules make_plan_rules(const Settings& settings) {
  mx::PlanRules rules{.self = {}, .allows_special = settings.allow_special_destinations};
  rules.self.names.insert(normalised_domain(effective_hostname(settings)));
  for (const auto& source : settings.egress_sources) {
    if (!source.ehlo_name.empty()) rules.self.names.insert(normalised_domain(source.ehlo_name));
  }
  for (const ListenerSettings& listener : settings.listeners) {
    const auto address = parse_ip_address(listener.address);
    if (address) rules.self.addresses.push_back(*address);
    if (!address) std::ranges::copy(interface_addresses(), std::back_inserter(rules.self.addresses));
  }
  return rules;
}

std::filesystem::path seal_file(const Settings& settings) {
  return std::filesystem::path(settings.data_dir) / domains::kSealFileName;
}

std::vector<std::string> make_spf_mechanisms(const Settings& settings) {
  std::vector<std::string> mechanisms;
  const auto add = [&](const std::string& mechanism) {
    if (std::ranges::find(mechanisms, mechanism) == mechanisms.end()) mechanisms.push_back(mechanism);
  };
  const auto add_sources = [&](const std::string& pool) {
    for (const relay::PoolMember& member : make_egress_pool(settings, pool).members) {
      if (member.source.v4) add("ip4:" + format_ip_address(*member.source.v4));
      if (member.source.v6) add("ip6:" + format_ip_address(*member.source.v6));
    }
  };
  for (const auto& route : settings.routes) {
    std::ranges::for_each(route.spf, add);
    const bool is_from_here = route.is_mx() || is_loopback_host(route.host);
    if (!route.spf.empty() || !is_from_here) continue;
    if (route.egress_pool.empty()) add("a:" + effective_hostname(settings));
    add_sources(route.egress_pool);
  }
  if (settings.has_default_route() && settings.egress_pool.empty()) add("a:" + effective_hostname(settings));
  if (settings.has_default_route()) add_sources(settings.egress_pool);
  const bool delivers = settings.has_default_route() || std::ranges::any_of(settings.routes, &RouteSettings::is_mx);
  for (const auto& pool : settings.egress_pools) {
    if (delivers) add_sources(pool.name);  // by whose rules, or an operator's order, mail may leave from there
  }
  return mechanisms;
}

events::WebhookPolicy make_webhook_policy(const Settings& settings) {
  events::WebhookPolicy policy{.allows_http = settings.webhook_allow_http,
                             .allowed_networks = make_networks(settings.webhook_allowed_networks)};
  if (!settings.webhook_ports.empty()) policy.ports.clear();
  for (const std::string& text : settings.webhook_ports) {
    if (const auto ports = events::parse_port_range(text)) policy.ports.push_back(*ports);
  }
  return policy;
}

std::vector<IpNetwork> make_networks(const std::vector<std::string>& texts) {
  std::vector<IpNetwork> networks;
  for (const std::string& text : texts) {
    if (const auto parsed = parse_ip_network(text)) networks.push_back(*parsed);
  }
  return networks;
}

smtp::Config make_smtp_config(const Settings& settings, const ListenerSettings& listener) {
  return {.hostname = effective_hostname(settings),
          .role = listener.is_mx() ? smtp::Role::Mx : smtp::Role::Submission,
          .tls = listener_tls(listener.tls),
          .allows_auth_without_tls = listener.allow_auth_without_tls,
          .max_message_octets = to_u64(settings.max_message_octets),
          .max_recipients = to_u32(settings.max_recipients),
          .max_hold_seconds = listener.is_mx() ? 0 : to_u64(settings.max_hold_days) * 24 * 3600,
          .max_errors = to_u32(settings.max_errors_per_session),
          .max_junk = to_u32(settings.max_junk_commands_per_session),
          .max_auth_failures = to_u32(settings.max_auth_failures_per_session)};
}

std::map<std::uint16_t, std::pair<std::string, std::string>> make_run_ports(const Settings& s) {
  std::map<std::uint16_t, std::pair<std::string, std::string>> ports;
  for (const ListenerSettings& listener : s.listeners) {
    const std::size_t slash = listener.run.find('/');
    if (slash == std::string::npos) continue;
    ports[static_cast<std::uint16_t>(listener.port)] = {listener.run.substr(0, slash), listener.run.substr(slash + 1)};
  }
  return ports;
}

relay::RouteTable make_route_table(const Settings& settings) {
  std::vector<relay::Route> routes;
  for (const auto& route : settings.routes) routes.push_back(make_route(settings, route));
  if (settings.has_default_route()) routes.push_back(mx_default_route(settings));
  return relay::RouteTable(std::move(routes), make_egress_rules(settings));
}

log::Setup make_log_setup(const Settings& settings) {
  return {.level = log_level(settings.log_level),
          .format = settings.log_format == "json" ? log::Format::Json : log::Format::KeyValue,
          .path = settings.log_file,
          .with_time = true};
}

namespace {

// Of one listener of either kind.
template <class Listener>
CertificateFiles files_of(const Settings& settings, const Listener& listener) {
  if (!listener.tls_certificate_file.empty()) return {listener.tls_certificate_file, listener.tls_key_file};
  if (!settings.tls_certificate_file.empty()) return {settings.tls_certificate_file, settings.tls_key_file};
  const auto folder = std::filesystem::path(settings.data_dir) / "tls";
  return {(folder / "self-signed.crt").string(), (folder / "self-signed.key").string(), true};
}

}  // namespace

CertificateFiles certificate_files(const Settings& settings, const ListenerSettings& listener) {
  return files_of(settings, listener);
}
CertificateFiles certificate_files(const Settings& settings, const HttpListenerSettings& listener) {
  return files_of(settings, listener);
}

}  // namespace postern::app
