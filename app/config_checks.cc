#include "app/config_checks.h"

#include "app/config_keys.h"
#include "core/bytes.h"
#include "core/ip_address.h"
#include "core/mailbox.h"
#include "events/webhook_target.h"

#include <algorithm>
#include <set>
#include <utility>

namespace postern::app {
namespace {

const char* const kEnvironment = "environment";  // where the name of a file stands

constexpr std::size_t kMaxBrandOctets = 16;
constexpr std::int64_t kSubmissionsPort = 465;  // RFC 8314 §3.3

bool is_brand(std::string_view text) {
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  return !text.empty() && text.size() <= kMaxBrandOctets && is_lower(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return is_lower(c) || is_ascii_digit(c); });
}

void check_return_path(Settings& settings, Problems& problems) {
  if (settings.return_path_domain.empty()) return;
  if (!is_valid_domain(settings.return_path_domain, false) || is_valid_address_literal(settings.return_path_domain)) {
    problems.add({0, "return_path_domain"}, quote_toml(settings.return_path_domain) + " is not a domain",
                 "write one such as \"bounce.example.org\"");
  }
  settings.return_path_domain = normalised_domain(settings.return_path_domain);
}

void check_installation(Settings& settings, Problems& problems) {
  if (settings.data_dir.empty()) problems.add({0, "data_dir"}, "is empty", "name a folder");
  if (!settings.hostname.empty() && !is_valid_domain(settings.hostname, false)) {
    problems.add({0, "hostname"}, quote_toml(settings.hostname) + " is not a host name",
                 "write a name such as mail.example.org, or leave it out");
  }
  if (!is_brand(settings.key_brand)) {
    problems.add({0, "key_brand"}, quote_toml(settings.key_brand) + " cannot begin a key",
                 "write 1 to 16 of a-z and 0-9, beginning with a letter");
  }
  if (!is_valid_domain(settings.simulator_domain, false) || is_valid_address_literal(settings.simulator_domain)) {
    problems.add({0, "simulator_domain"}, quote_toml(settings.simulator_domain) + " is not a domain",
                 "write a domain that is not used for real mail");
  }
  settings.simulator_domain = normalised_domain(settings.simulator_domain);
  check_return_path(settings, problems);
  if (settings.tls_certificate_file.empty() != settings.tls_key_file.empty()) {
    problems.add({0, settings.tls_key_file.empty() ? "tls_key_file" : "tls_certificate_file"}, "is missing beside its partner",
                 "give both, or neither");
  }
}

// "192.0.2.53" or "127.0.0.1@5353".
bool is_resolver_address(std::string_view text) {
  constexpr std::uint64_t kMaxPort = 65'535;
  const std::size_t at = text.find('@');
  if (!parse_ip_address(text.substr(0, at))) return false;
  if (at == std::string_view::npos) return true;
  const auto port = parse_unsigned(text.substr(at + 1));
  return port && *port > 0 && *port <= kMaxPort;
}

void check_resolver(const Settings& settings, Problems& problems) {
  for (const std::string& address : settings.resolver_addresses) {
    if (is_resolver_address(address)) continue;
    problems.add({0, "resolver_addresses"}, quote_toml(address) + " is not the address of a DNS server",
                 "write an IP address such as \"192.0.2.53\", or \"127.0.0.1@5353\" with a port");
  }
  const auto reporter = settings.tls_report_from.empty() ? Result<Mailbox>(Mailbox()) : parse_mailbox(settings.tls_report_from);
  if (!reporter || reporter->needs_smtputf8()) {
    problems.add({0, "tls_report_from"}, quote_toml(settings.tls_report_from) + " is no address that reports could come from",
                 "write one such as \"tls-reports@example.org\"");
  }
  if (settings.allow_special_destinations && !settings.is_development()) {
    problems.add({0, "allow_special_destinations"}, "would let any domain's owner send mail into this network",
                 "remove it: for a host in here write a [[route]] with deliver = \"smarthost\"");
  }
}

void check_webhooks(const Settings& settings, Problems& problems) {
  for (const std::string& network : settings.webhook_allowed_networks) {
    if (parse_ip_network(network)) continue;
    problems.add({0, "webhook_allowed_networks"}, quote_toml(network) + " is not a network",
                 "write CIDR such as \"192.0.2.0/24\", or a single address");
  }
  for (const std::string& ports : settings.webhook_ports) {
    if (events::parse_port_range(ports)) continue;
    problems.add({0, "webhook_ports"}, quote_toml(ports) + " is no port and no range of ports",
                 "write a number such as \"443\", or two with a dash such as \"8000-8999\"");
  }
}

// "https://app.example.org" as browsers write it: scheme, host and port, nothing behind; or "*".
bool is_web_origin(std::string_view text) {
  if (text == "*") return true;
  const std::size_t scheme = text.starts_with("https://") ? 8 : text.starts_with("http://") ? 7 : 0;
  const std::string_view host = text.substr(scheme);
  const auto is_of_host = [](char c) {
    return (is_ascii_alnum(c) && c == ascii_lower(c)) || std::string_view(".-:[]").find(c) != std::string_view::npos;
  };
  return scheme > 0 && !host.empty() && std::ranges::all_of(host, is_of_host);
}

void check_origins(const Settings& settings, Problems& problems) {
  for (const std::string& origin : settings.http_cors_origins) {
    if (is_web_origin(origin)) continue;
    problems.add({Place::kTopTable, "http_cors_origins"}, '"' + origin + "\" is no origin",
                 "write scheme, host and port as browsers do, in lower case and without a path: \"https://app.example.org\"");
  }
}

void check_dashboard(Settings& settings, Problems& problems) {
  for (std::string& host : settings.http_hosts) {
    host = to_ascii_lower(host);
    if (is_valid_domain(host, false) && !is_valid_address_literal(host)) continue;
    problems.add({Place::kTopTable, "http_hosts"}, quote_toml(host) + " is no host name",
                 "write a name without scheme and port: \"relay.example.org\"");
  }
  if (!settings.http_dashboard_dir.empty() && !settings.is_development()) {
    problems.add({Place::kTopTable, "http_dashboard_dir"}, "is for development: whoever can write there can act for who signs in",
                 "leave it out; the program has the dashboard's files");
  }
}

bool is_host_and_port(std::string_view text) {
  constexpr std::uint64_t kHighestPort = 65'535;
  const std::size_t colon = text.find(':', text.starts_with('[') ? text.find(']') : 0);
  if (colon != std::string_view::npos) {
    const auto port = parse_unsigned(text.substr(colon + 1));
    if (!port || *port == 0 || *port > kHighestPort) return false;
  }
  std::string_view host = text.substr(0, colon);
  const bool is_v6 = host.starts_with('[') && host.ends_with(']');
  if (is_v6) host = host.substr(1, host.size() - 2);
  return is_v6 ? host.find(':') != std::string_view::npos && parse_ip_address(host)
               : parse_ip_address(host).has_value() || (is_valid_domain(host, false) && !is_valid_address_literal(host));
}

// "https://mail.example.org:8443/relay" (RFC 3986 §4.3), to which a path can be added: no query, no fragment, no user.
bool is_base_url(std::string_view text) {
  const std::size_t scheme = text.starts_with("https://") ? 8 : text.starts_with("http://") ? 7 : 0;
  const std::size_t path = std::min(text.find('/', scheme), text.size());
  const auto is_of_path = [](char c) {
    return is_ascii_alnum(c) || std::string_view("/-._~%!$&'()*+,;=:@").find(c) != std::string_view::npos;
  };
  return scheme > 0 && is_host_and_port(text.substr(scheme, path - scheme)) && std::ranges::all_of(text.substr(path), is_of_path) &&
         !text.ends_with('/');
}

// Links in mails, and whether those mails get anywhere.
void check_sign_up(const Settings& settings, Problems& problems) {
  if (!settings.public_url.empty() && !is_base_url(settings.public_url)) {
    problems.add({0, "public_url"}, quote_toml(settings.public_url) + " is no absolute http or https URL that a path can follow",
                 "write scheme, host and what a proxy needs, without a slash at the end: \"https://mail.example.org\"");
  }
  const auto is_for_all = [](const RouteSettings& route) { return std::ranges::find(route.domains, "*") != route.domains.end(); };
  if (settings.has_default_route()) return;
  const bool mails_strangers = settings.signup == "open" && settings.confirms_addresses();
  if (mails_strangers && std::ranges::none_of(settings.routes, is_for_all)) {
    problems.warn({0, "signup"},
                  "asks addresses of any domain by mail, and no route has \"*\": who signs up elsewhere is never asked",
                  "add a [[route]] for \"*\", or set signup_confirms_addresses = \"no\"");
  }
}

void check_relations(const Settings& settings, Problems& problems) {
  if (settings.retry_initial_seconds > settings.retry_max_seconds) {
    problems.add({0, "retry_initial_seconds"}, "is longer than retry_max_seconds", "make it at most that");
  }
  if (settings.retry_max_seconds > settings.queue_lifetime_hours * 3600) {
    problems.add({0, "retry_max_seconds"}, "is longer than queue_lifetime_hours",
                 "make it shorter, or no second attempt would be made");
  }
  if (settings.delay_notice_hours >= settings.queue_lifetime_hours) {
    problems.add({0, "delay_notice_hours"}, "is not before the end of queue_lifetime_hours", "make it smaller, or 0 for never");
  }
  if (settings.max_connections_per_address > settings.max_connections) {
    problems.warn({0, "max_connections_per_address"}, "is above max_connections and so never reached",
                  "make it smaller: one client could take every connection");
  }
  if (settings.spool_max_octets < 4 * settings.max_message_octets) {
    problems.add({0, "spool_max_octets"}, "holds fewer than four messages of max_message_octets", "make it larger");
  }
}

void check_listener_tls(const Settings& settings, const ListenerSettings& listener, Problems& problems) {
  const bool has_own = !listener.tls_certificate_file.empty();
  if (has_own != !listener.tls_key_file.empty()) {
    problems.add({listener.line, has_own ? "tls_key_file" : "tls_certificate_file"}, "is missing beside its partner",
                 "give both, or neither");
  }
  if (listener.is_mx() && listener.allow_auth_without_tls) {
    problems.add({listener.line, "allow_auth_without_tls"}, "is for submission: nobody authenticates with role = \"mx\"",
                 "leave it out");
  }
  if (listener.tls == "none" && !listener.is_mx() && !listener.allow_auth_without_tls) {
    problems.add({listener.line, "tls"}, "\"none\" leaves clients no way to authenticate",
                 "use \"starttls\" or \"implicit\"; on loopback allow_auth_without_tls = true is possible");
  }
  const bool has_certificate = has_own || !settings.tls_certificate_file.empty() || settings.is_development();
  if (listener.tls != "none" && !has_certificate) {
    problems.add({listener.line, "tls_certificate_file"}, "is needed by the listener on port " + std::to_string(listener.port),
                 "give tls_certificate_file and tls_key_file, or environment = \"development\" for a self-signed one");
  }
}

void check_listener_address(const ListenerSettings& listener, Problems& problems) {
  const auto address = parse_ip_address(listener.address);
  if (!address && listener.address != "*") {
    return problems.add({listener.line, "address"}, quote_toml(listener.address) + " is not an IP address",
                        "write one such as \"192.0.2.1\" or \"::1\", or \"*\" for all");
  }
  if (listener.allow_auth_without_tls && !(address && address->is_loopback())) {
    problems.add({listener.line, "allow_auth_without_tls"}, "would send API keys over the network in the clear",
                 "use it on 127.0.0.1 or ::1 only");
  }
}

void check_listener_run(const ListenerSettings& listener, Problems& problems) {
  if (listener.run.empty()) return;
  const std::size_t slash = listener.run.find('/');
  const bool is_complete = slash != std::string::npos && slash > 0 && slash + 1 < listener.run.size();
  if (!is_complete) {
    problems.add({listener.line, "run"}, quote_toml(listener.run) + " is no run", "write \"account/run\", such as \"team/ci\"");
  }
  if (listener.is_mx()) problems.add({listener.line, "run"}, "is for submission", "leave it out");
}

void check_http_listener(const Settings& settings, const HttpListenerSettings& listener, Problems& problems) {
  const auto address = parse_ip_address(listener.address);
  if (!address && listener.address != "*") {
    return problems.add({listener.line, "address"}, quote_toml(listener.address) + " is not an IP address",
                        "write one such as \"192.0.2.1\" or \"::1\", or \"*\" for all");
  }
  const bool has_own = !listener.tls_certificate_file.empty();
  if (has_own != !listener.tls_key_file.empty()) {
    problems.add({listener.line, has_own ? "tls_key_file" : "tls_certificate_file"}, "is missing beside its partner",
                 "give both, or neither");
  }
  if (listener.tls == "none" && !(address && address->is_loopback())) {
    problems.add({listener.line, "tls"}, "\"none\" would carry API keys over the network in the clear",
                 "use \"implicit\", or listen on 127.0.0.1 or ::1");
  }
  const bool has_certificate = has_own || !settings.tls_certificate_file.empty() || settings.is_development();
  if (listener.tls != "none" && !has_certificate) {
    problems.add({listener.line, "tls_certificate_file"}, "is needed by the HTTP listener on port " + std::to_string(listener.port),
                 "give tls_certificate_file and tls_key_file, or environment = \"development\" for a self-signed one");
  }
}

// An installation that believes everybody's word about their address has no limits by address.
bool holds_every_address(const IpNetwork& network) {
  return network.prefix_length == (network.address.is_v4() ? 96 : 0);
}

void check_proxies(const std::vector<std::string>& networks, const Place& place, Problems& problems) {
  for (const std::string& text : networks) {
    const auto network = parse_ip_network(text);
    if (!network) {
      problems.add(place, quote_toml(text) + " is not a network", "write CIDR such as \"192.0.2.0/24\", or a single address");
    } else if (holds_every_address(*network)) {
      problems.add(place, quote_toml(text) + " would let every client name its own address", "write the addresses of the proxies");
    }
  }
}

// Every address and port once, over both services.
class TakenPorts {
 public:
  template <class Listener>
  void take(const Listener& listener, Problems& problems) {
    const bool is_wildcard_twin = taken_.contains({"*", listener.port});
    if (listener.port != 0 && (is_wildcard_twin || !taken_.emplace(listener.address, listener.port).second)) {
      problems.add({listener.line, "port"}, std::to_string(listener.port) + " is taken by a listener above",
                   "give each listener its own address and port");
    }
  }

 private:
  std::set<std::pair<std::string, std::int64_t>> taken_;
};

void check_listeners(const Settings& settings, Problems& problems) {
  TakenPorts ports;
  for (const auto& listener : settings.listeners) {
    check_listener_address(listener, problems);
  check_listener_run(listener, problems);
    check_listener_tls(settings, listener, problems);
    check_proxies(listener.proxy_networks, {listener.line, "proxy_networks"}, problems);
    ports.take(listener, problems);
  }
  check_proxies(settings.http_trusted_proxies, {0, "http_trusted_proxies"}, problems);
  for (const auto& listener : settings.http_listeners) {
    check_http_listener(settings, listener, problems);
    check_proxies(listener.proxy_networks, {listener.line, "proxy_networks"}, problems);
    ports.take(listener, problems);
  }
}

bool normalise_route_domain(std::string& domain) {
  if (domain == "*") return true;
  const bool matches_below = domain.starts_with('.');
  const std::string name = matches_below ? domain.substr(1) : domain;
  if (!is_valid_domain(name, true) || is_valid_address_literal(name)) return false;
  domain = (matches_below ? "." : "") + normalised_domain(name);
  return true;
}

void check_route_domains(RouteSettings& route, Problems& problems) {
  if (route.domains.empty()) problems.add({route.line, "domains"}, "is empty", "name a domain, or \"*\" for all");
  for (auto& domain : route.domains) {
    if (normalise_route_domain(domain)) continue;
    problems.add({route.line, "domains"}, quote_toml(domain) + " is not a domain",
                 "write \"example.org\", \".example.org\" (it and all below it) or \"*\"");
  }
}

void check_route_secrets(const RouteSettings& route, Problems& problems) {
  const bool has_password = !route.password.empty() || !route.password_file.empty();
  if (route.user_name.empty() == has_password) {
    problems.add({route.line, has_password ? "user_name" : "password_file"}, "is missing beside its partner",
                 "give a user name and a password, or neither");
  }
  if (route.user_name.empty() || is_loopback_host(route.host)) return;
  if (route.tls == "none") {
    problems.add({route.line, "tls"}, "\"none\" would send the password in the clear", "use \"required\"");
  } else if (route.tls == "opportunistic") {
    problems.add({route.line, "tls"}, "\"opportunistic\" would send the password to a server that is not verified",
                 "use \"required\"");
  }
}

bool is_spf_mechanism(std::string_view text) {
  static constexpr std::string_view kNames[] = {"include:", "a:", "mx:", "ip4:", "ip6:", "exists:"};
  const bool is_known = std::ranges::any_of(kNames, [&](auto name) { return text.starts_with(name) && text.size() > name.size(); });
  return is_known && std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f' && c != '"'; });
}

void check_route_spf(const RouteSettings& route, Problems& problems) {
  for (const std::string& mechanism : route.spf) {
    if (is_spf_mechanism(mechanism)) continue;
    problems.add({route.line, "spf"}, quote_toml(mechanism) + " is not a mechanism of SPF",
                 "write one such as \"include:_spf.example.net\"");
  }
}

// What is said of one host means nothing where each domain names its own.
void check_mx_route(const RouteSettings& route, Problems& problems) {
  const auto refuse = [&](std::string_view key) {
    problems.add({route.line, std::string(key)}, "is for one next hop, and deliver = \"mx\" has those of each domain",
                 "remove it, or deliver to a smarthost");
  };
  if (!route.host.empty()) refuse("host");
  if (!route.user_name.empty()) refuse("user_name");
  if (!route.password.empty()) refuse("password");
  if (!route.password_file.empty()) refuse("password_file");
  if (route.implicit_tls) refuse("implicit_tls");
}

void check_route(RouteSettings& route, Problems& problems) {
  check_route_domains(route, problems);
  check_route_spf(route, problems);
  if (route.is_mx()) return check_mx_route(route, problems);
  const bool is_host = parse_ip_address(route.host).has_value() || is_valid_domain(route.host, false);
  if (route.host.empty() && !problems.is_written({route.line, "host"})) {
    problems.add({route.line, "host"}, "is missing: a smarthost route has one", "add it, or deliver = \"mx\"");
  } else if (!is_host || is_valid_address_literal(route.host)) {
    problems.add({route.line, "host"}, quote_toml(route.host) + " is neither a host name nor an IP address",
                 "write \"smtp.example.org\" or \"192.0.2.25\"");
  }
  if (route.port == kSubmissionsPort && !route.implicit_tls && !is_loopback_host(route.host)) {
    problems.warn({route.line, "port"}, "465 without implicit_tls: a server there waits for TLS at once, and nothing is delivered",
                  "set implicit_tls = true, or use port 587");
  }
  if (route.implicit_tls && route.tls == "none") {
    problems.add({route.line, "implicit_tls"}, "contradicts tls = \"none\"", "choose one of the two");
  }
  check_route_secrets(route, problems);
}

void check_routes(Settings& settings, Problems& problems) {
  std::set<std::string> names;
  bool is_all_matched = false;
  for (auto& route : settings.routes) {
    check_route(route, problems);
    if (route.name.empty() && problems.is_written({route.line, "name"})) {
      problems.add({route.line, "name"}, "is empty", "give the route a name for the log");
    } else if (!route.name.empty() && !names.insert(route.name).second) {
      problems.add({route.line, "name"}, quote_toml(route.name) + " is the name of a route above", "give it another");
    }
    if (is_all_matched) {
      problems.warn({route.line, "domains"}, "is never reached: a route above has \"*\"", "move the route with \"*\" to the end");
    }
    is_all_matched = is_all_matched || std::ranges::find(route.domains, "*") != route.domains.end();
  }
}

}  // namespace

bool is_loopback_host(std::string_view host) {
  const auto address = parse_ip_address(host);
  return address ? address->is_loopback() : equals_ignoring_case(host, "localhost");
}

void Problems::remember(const Place& place, std::size_t line, const std::string& variable) {
  lines_[place] = line;
  if (!variable.empty()) variables_[place] = variable;
}

void Problems::push(const Place& place, std::string what, std::string advice, bool is_warning) {
  if (const auto variable = variables_.find(place); variable != variables_.end()) {
    problems_.push_back({kEnvironment, 0, variable->second, std::move(what), std::move(advice), is_warning});
    return;
  }
  const auto written = lines_.find(place);
  const std::size_t line = written == lines_.end() ? place.table_line : written->second;
  const bool is_of_file = line < kVariableLines;
  problems_.push_back({is_of_file ? file_.string() : kEnvironment, is_of_file ? line : 0, place.key, std::move(what),
                       std::move(advice), is_warning});
}

void Problems::add_of_variable(const std::string& variable, std::string what, std::string advice) {
  problems_.push_back({kEnvironment, 0, variable, std::move(what), std::move(advice), false});
}

void Problems::warn_of_variable(const std::string& variable, std::string what, std::string advice) {
  problems_.push_back({kEnvironment, 0, variable, std::move(what), std::move(advice), true});
}

void Problems::add(const Place& place, std::string what, std::string advice) {
  push(place, std::move(what), std::move(advice), false);
}

void Problems::warn(const Place& place, std::string what, std::string advice) {
  push(place, std::move(what), std::move(advice), true);
}

std::vector<ConfigProblem> Problems::take() {
  std::ranges::stable_sort(problems_, {}, &ConfigProblem::line);
  return std::move(problems_);
}

void check_settings(Settings& settings, Problems& problems) {
  check_installation(settings, problems);
  check_resolver(settings, problems);
  check_webhooks(settings, problems);
  check_origins(settings, problems);
  check_dashboard(settings, problems);
  check_relations(settings, problems);
  check_sign_up(settings, problems);
  check_listeners(settings, problems);
  check_routes(settings, problems);
}

}  // namespace postern::app
