// postern doctor: one line for each check: ok, warn or fail, and what to do. Changes nothing; works while the server runs.
#include "app/commands.h"

#include "app/certificate_check.h"
#include "app/cluster_node.h"
#include "app/config.h"
#include "app/config_values.h"
#include "app/egress_settings.h"
#include "app/health_probe.h"
#include "app/interfaces.h"
#include "app/port_owner.h"
#include "app/route_probe.h"
#include "core/mailbox.h"
#include "core/special_addresses.h"
#include "dns/reverse_check.h"
#include "dns/unbound_resolver.h"
#include "domains/dkim_keys.h"
#include "domains/key_seal.h"
#include "store/checkup.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>
#include <system_error>

namespace postern::app {
namespace {

enum class Grade { Ok, Warn, Fail };

struct Finding {
  Grade grade = Grade::Ok;
  std::string check;
  std::string words;
};
using Findings = std::vector<Finding>;

constexpr int kDaysBeforeExpiry = 21;
constexpr int kBannerSeconds = 5;
constexpr rlim_t kWantedDescriptors = 4096;
// A clock before the year of this program is wrong: expiry, retries and certificates depend on it.
constexpr Instant kEarliestSaneTime = std::chrono::sys_days(std::chrono::year(2025) / 1 / 1);

std::string_view grade_name(Grade grade) {
  if (grade == Grade::Ok) return "ok";
  return grade == Grade::Warn ? "warn" : "fail";
}

void check_config(const ConfigLoad& load, Findings& findings) {
  for (const auto& problem : load.problems) {
    findings.push_back({problem.is_warning ? Grade::Warn : Grade::Fail, "configuration", format_problem(problem)});
  }
  if (load.problems.empty()) findings.push_back({Grade::Ok, "configuration", "no problem"});
}

std::string mebibytes(std::uint64_t octets) { return std::to_string(octets / 1'048'576) + " MiB"; }

// Will new mail be taken in, and what to do if not.
void check_space(const store::SpoolSpace& space, Findings& findings) {
  const std::string words = mebibytes(space.used_octets) + " used of a file of " + mebibytes(space.file_octets);
  const std::string reader =
      space.pinned_by.value_or(0) > 0 ? "process " + std::to_string(*space.pinned_by) : "a process of another PID namespace";
  switch (space.finding) {
    case store::SpaceFinding::Room:
      if (space.pinned_octets <= space.used_octets) return findings.push_back({Grade::Ok, "spool", words});
      return findings.push_back({Grade::Warn, "spool", words + "; " + reader + " reads an old state and keeps " +
                                                           mebibytes(space.pinned_octets) + " from being used again"});
    case store::SpaceFinding::Pinned:
      return findings.push_back({Grade::Fail, "spool", words + ": new mail is refused because " + reader +
                                                           " reads an old state (a backup that does not get on?); end it"});
    case store::SpaceFinding::CapReached:
      return findings.push_back(
          {Grade::Fail, "spool", words + ": new mail is refused; raise spool_max_octets, or let the queue empty"});
    default:
      return findings.push_back({Grade::Fail, "spool", words + ": new mail is refused, " + std::string(name_of(space.finding)) +
                                                           "; free some space"});
  }
}

// A bridge or a proxy between hides who connects; limits by address and failed logins then hold for everybody together.
void check_clients(const store::Directory& directory, Findings& findings) {
  constexpr std::size_t kEnoughKeys = 3;  // of fewer, one machine may be all that there is
  const auto accounts = directory.list_accounts();
  if (!accounts) return;
  std::size_t used = 0;
  std::set<IpAddress> addresses;
  for (const store::AccountRecord& account : *accounts) {
    const auto keys = directory.list_keys(account.id);
    if (!keys) return;
    for (const store::KeyRecord& key : *keys) {
      const auto usage = directory.find_key_usage(key.id);
      if (!usage || !*usage) continue;
      ++used;
      addresses.insert((**usage).address);
      if (addresses.size() > 1) return;
    }
  }
  if (used < kEnoughKeys || is_public_unicast(*addresses.begin()) || addresses.begin()->is_loopback()) return;
  findings.push_back({Grade::Warn, "clients", "all " + std::to_string(used) + " keys in use come from " +
                                                  format_ip_address(*addresses.begin()) + ": if a bridge or a proxy hides the "
                                                  "clients, use the host's network or proxy_networks"});
}

void check_store(const Settings& settings, Findings& findings) {
  std::error_code error;
  if (!std::filesystem::exists(settings.data_dir, error)) {
    findings.push_back({Grade::Warn, "store", settings.data_dir + " does not exist yet; the first start makes it"});
    return;
  }
  const store::Checkup checkup = store::check_store(make_store_options(settings, false));
  if (checkup.not_opened) {
    findings.push_back({Grade::Fail, "store", checkup.not_opened->context() + "; run as the service's user or restore a backup"});
  }
  for (const auto& problem : checkup.findings) findings.push_back({Grade::Fail, "store", problem + "; restore a backup"});
  if (checkup.not_opened || !checkup.findings.empty()) return;
  findings.push_back({Grade::Ok, "store",
                      std::to_string(checkup.usage.messages) + " messages, " + std::to_string(checkup.usage.queued) + " queued, " +
                          std::to_string(checkup.usage.used_octets) + " octets; every record is sound"});
  const auto opened = store::Store::open(make_store_options(settings, false));
  if (opened) check_space((*opened)->spool().look_at_space(), findings);
  if (opened) check_clients((*opened)->directory(), findings);
}

// In a child too: it reads the directory.
void check_seal(const Settings& settings, Findings& findings) {
  std::error_code error;
  if (!std::filesystem::exists(settings.data_dir, error)) return;
  const auto report = store::run_in_child([&](const auto& say) {
    const auto opened = store::Store::open(make_store_options(settings, false));
    if (!opened) return;
    const auto accounts = (*opened)->directory().list_accounts();
    if (!accounts) return;
    const auto seal = domains::KeySeal::read(seal_file(settings));
    for (const auto& account : *accounts) {
      auto domains = (*opened)->directory().list_domains(account.id);
      for (auto& domain : domains ? *domains : std::vector<store::DomainRecord>()) {
        if (!domains::has_sealed_keys(domain)) continue;
        const auto unsealed = seal ? seal->unseal(domain) : Result<void>(seal.error());
        domains::wipe_private_keys(domain);
        if (!unsealed) say(domain.name + ": " + unsealed.error().context());
      }
    }
  });
  for (const std::string& line : report.lines) {
    findings.push_back({Grade::Fail, "signing keys", line + "; its mail goes out unsigned"});
  }
}

void check_disk(const Settings& settings, Findings& findings) {
  struct statvfs facts {};
  std::filesystem::path folder = settings.data_dir;
  std::error_code error;
  while (!std::filesystem::exists(folder, error) && folder.has_relative_path()) folder = folder.parent_path();
  if (::statvfs(folder.c_str(), &facts) != 0) {
    findings.push_back({Grade::Fail, "disk", "cannot look at " + folder.string()});
    return;
  }
  const std::uint64_t free = std::uint64_t{facts.f_bavail} * facts.f_frsize;
  const auto reserve = static_cast<std::uint64_t>(settings.spool_min_free_octets);
  const std::string words = std::to_string(free / 1'048'576) + " MiB free for " + settings.data_dir;
  if (free <= reserve) {
    findings.push_back(
        {Grade::Warn, "disk", words + ": below spool_min_free_octets, new mail only fills what is free in the spool"});
  } else if (free <= 2 * reserve) {
    findings.push_back({Grade::Warn, "disk", words + ": near spool_min_free_octets"});
  } else {
    findings.push_back({Grade::Ok, "disk", words});
  }
}

void check_certificate(const CertificateFiles& files, Findings& findings) {
  std::error_code error;
  if (files.is_self_signed && !std::filesystem::exists(files.certificate, error)) {
    findings.push_back({Grade::Ok, "certificate", "self-signed, made at the first start"});
    return;
  }
  const auto days = days_until_expiry(files.certificate);
  if (!days) return;  // check_files() said what is wrong
  if (*days < 0) {
    return findings.push_back({Grade::Fail, "certificate",
                               files.certificate + " has expired: the relay serves on, and clients that verify it send nothing; "
                                                   "renew it and send SIGHUP"});
  }
  const std::string words = files.certificate + " is valid for " + std::to_string(*days) + " more days";
  findings.push_back(*days < kDaysBeforeExpiry ? Finding{Grade::Warn, "certificate", words + "; renew it and send SIGHUP"}
                                               : Finding{Grade::Ok, "certificate", words});
}

// Certificates, keys, authorities, the log: what they hold, and that this user may use them.
void check_files(const Settings& settings, const std::filesystem::path& config_file, Findings& findings) {
  for (const auto& problem : check_named_files(settings, config_file)) {
    const std::string check = problem.key.starts_with("tls_") ? "certificate" : problem.key == "log_file" ? "log" : "route";
    findings.push_back({problem.is_warning ? Grade::Warn : Grade::Fail, check, format_problem(problem)});
  }
  if (settings.log_file.empty()) return;
  const int fd = ::open(settings.log_file.c_str(), O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC);
  const int code = fd < 0 ? errno : 0;
  if (fd >= 0) ::close(fd);
  const std::string folder = std::filesystem::path(settings.log_file).parent_path().string();
  const bool can_be_made = code == ENOENT && ::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0;
  if (code == 0 || can_be_made) {
    findings.push_back({Grade::Ok, "log", settings.log_file + (code == 0 ? " can be written by this user" : " can be made")});
  } else if (code != ENOENT || ::access(folder.c_str(), F_OK) == 0) {  // a missing folder was named above
    findings.push_back(
        {Grade::Fail, "log", settings.log_file + ": " + std::strerror(code) + "; let the service's user write there"});
  }
}

void check_certificates(const Settings& settings, Findings& findings) {
  std::set<std::string> seen;
  const auto check_each = [&](const auto& listeners) {
    for (const auto& listener : listeners) {
      if (listener.tls == "none") continue;
      const auto files = certificate_files(settings, listener);
      if (seen.insert(files.certificate).second) check_certificate(files, findings);
    }
  };
  check_each(settings.listeners);
  check_each(settings.http_listeners);
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  int family = AF_INET;

  sockaddr* get() { return static_cast<sockaddr*>(static_cast<void*>(&storage)); }
};

// `connects`: "*" is reached by loopback.
template <class Listener>
Address socket_address(const Listener& listener, bool connects) {
  Address address;
  const std::string text = listener.address != "*" ? listener.address : connects ? "127.0.0.1" : "0.0.0.0";
  const auto port = htons(static_cast<std::uint16_t>(listener.port));
  if (text.find(':') != std::string::npos) {
    auto* v6 = static_cast<sockaddr_in6*>(static_cast<void*>(&address.storage));
    v6->sin6_family = AF_INET6;
    v6->sin6_port = port;
    ::inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr);
    address.size = sizeof *v6;
    address.family = AF_INET6;
    return address;
  }
  auto* v4 = static_cast<sockaddr_in*>(static_cast<void*>(&address.storage));
  v4->sin_family = AF_INET;
  v4->sin_port = port;
  ::inet_pton(AF_INET, text.c_str(), &v4->sin_addr);
  address.size = sizeof *v4;
  return address;
}

// Opens a socket and closes it again.
bool try_socket(Address address, bool connects) {
  const int descriptor = ::socket(address.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return false;
  const int on = 1;
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const int done = connects ? ::connect(descriptor, address.get(), address.size) : ::bind(descriptor, address.get(), address.size);
  ::close(descriptor);
  return done == 0;
}

// A banner that is not ours. Behind TLS or a proxy's header nothing is said first, nor over HTTP: then whose the socket is decides.
bool has_foreign_banner(const HttpListenerSettings&) { return false; }
bool has_foreign_banner(const ListenerSettings& listener) {
  if (listener.tls == "implicit" || !listener.proxy_networks.empty()) return false;
  Address address = socket_address(listener, true);
  const int descriptor = ::socket(address.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return false;
  const timeval limit{.tv_sec = kBannerSeconds, .tv_usec = 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  std::array<char, 512> banner{};
  const bool is_connected = ::connect(descriptor, address.get(), address.size) == 0;
  const ssize_t count = is_connected ? ::recv(descriptor, banner.data(), banner.size(), 0) : 0;
  ::close(descriptor);
  const std::string_view said(banner.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  // 421: ours, and busy.
  return said.find(" ESMTP Postern") == std::string_view::npos && !said.starts_with("421");
}

// What this user can say of an address and port without a word over it.
enum class PortState { Answers, Free, Closed };

template <class Listener>
PortState port_state(const Listener& listener) {
  if (try_socket(socket_address(listener, true), true)) return PortState::Answers;
  return try_socket(socket_address(listener, false), false) ? PortState::Free : PortState::Closed;
}

// `server`: the process that serves the store, where that can be told.
template <class Listener>
bool is_another_program(const Listener& listener, std::optional<pid_t> server) {
  const auto is_ours = server ? is_listening(*server, static_cast<std::uint16_t>(listener.port)) : std::nullopt;
  return !is_ours.value_or(true) || has_foreign_banner(listener);
}

template <class Listener>
void check_port(const Listener& listener, const std::string& kind, bool is_serving, std::optional<pid_t> server,
                Findings& findings) {
  const std::string name = listener.address + " port " + std::to_string(listener.port);
  switch (port_state(listener)) {
    case PortState::Answers:
      if (!is_serving) {
        findings.push_back({Grade::Fail, kind, name + ": another program has it, for no postern serves this store; stop that or "
                                                      "choose another port"});
      } else if (is_another_program(listener, server)) {
        findings.push_back({Grade::Fail, kind, name + ": another program than postern answers; stop that or choose another port"});
      } else {
        findings.push_back({Grade::Ok, kind, name + ": answers"});
      }
      return;
    case PortState::Free:
      findings.push_back(is_serving
                             ? Finding{Grade::Warn, kind, name + ": free, though postern runs: it listens there after a restart"}
                             : Finding{Grade::Ok, kind, name + ": free; nothing serves it now"});
      return;
    case PortState::Closed:
      findings.push_back({Grade::Warn, kind,
                          name + ": can neither be reached nor bound by this user; below 1024 the service needs "
                                 "CAP_NET_BIND_SERVICE, IPv6 may be missing"});
  }
}

void check_ports(const Settings& settings, Findings& findings) {
  const bool is_serving = store::is_served(settings.data_dir);
  const auto server = store::serving_process(settings.data_dir);
  for (const auto& listener : settings.listeners) check_port(listener, "listener", is_serving, server, findings);
  for (const auto& listener : settings.http_listeners) check_port(listener, "http listener", is_serving, server, findings);
}

void check_routes(const Settings& settings, const DoctorOptions& options, Findings& findings) {
  for (const auto& route : settings.routes) {
    if (!options.route.empty() && route.name != options.route) continue;
    if (route.is_mx()) {
      const std::string words = ": to each domain's mail hosts; postern explain delivery says which";
      findings.push_back({Grade::Ok, "route", "route " + route.name + words});
      continue;
    }
    const RouteProbe probe = probe_route(settings, route, std::chrono::seconds(options.seconds));
    const std::string words = "route " + route.name + ": " + probe.words;
    // Where the next hop is down nobody here has anything to do, unless it is this route that was asked about.
    const Grade bad = probe.is_down && options.route.empty() ? Grade::Warn : Grade::Fail;
    findings.push_back(probe.is_good ? Finding{Grade::Ok, "route", words}
                                     : Finding{bad, "route", words + "; mail waits in the queue until this works"});
  }
  if (settings.has_default_route()) findings.push_back({Grade::Ok, "route", "none: live mail goes to each domain's mail hosts"});
  if (settings.routes.empty() && !settings.has_default_route()) {
    findings.push_back({Grade::Warn, "route", "none: live mail is refused with no_route"});
  }
}

struct OwnName {
  IpAddress address;
  std::string ehlo_name;  // in lower case
  std::string source;     // empty: of the machine
};

// Of the addresses that mail leaves from and that others can see: what a network in between makes of it is not known here.
std::vector<OwnName> names_to_check(const Settings& settings, Findings& findings) {
  const std::vector<IpAddress> own = interface_addresses();
  const std::string hostname = normalised_domain(effective_hostname(settings));
  std::vector<OwnName> names;
  for (const relay::EgressSource& source : make_egress_sources(settings)) {
    for (const auto& address : {source.v4, source.v6}) {
      if (!address) continue;
      const std::string place = "egress source " + source.name + ": " + format_ip_address(*address);
      findings.push_back(can_leave_from(*address)
                             ? Finding{Grade::Ok, "egress", place + " is on this machine"}
                             : Finding{Grade::Fail, "egress", place + " is not on this machine: nothing leaves from it; add the "
                                                                      "address to an interface, or remove it"});
      if (is_public_unicast(*address)) {
        names.push_back({*address, source.ehlo_name.empty() ? hostname : normalised_domain(source.ehlo_name), source.name});
      }
    }
  }
  const auto is_pooled = [&](const RouteSettings& route) { return !route.is_mx() || !route.egress_pool.empty(); };
  const bool needs_none =
      settings.has_default_route() ? !settings.egress_pool.empty() : std::ranges::all_of(settings.routes, is_pooled);
  if (needs_none) return names;
  for (const IpAddress& address : own) {
    if (is_public_unicast(address)) names.push_back({address, hostname, {}});
  }
  if (names.empty()) {
    findings.push_back({Grade::Warn, "reverse", "this machine has no public address of its own: look yourself whether the one that "
                                                "mail leaves from has a PTR record that leads back"});
  }
  return names;
}

void check_names(const Settings& settings, Findings& findings) {
  const std::vector<OwnName> names = names_to_check(settings, findings);
  if (names.empty()) return;
  const auto resolver = dns::open_resolver(make_resolver_settings(settings));
  if (!resolver) return findings.push_back({Grade::Warn, "reverse", "the DNS cannot be asked: " + resolver.error().context()});
  for (const OwnName& name : names) {
    const dns::ReverseFinding found = dns::check_reverse(**resolver, name.address, name.ehlo_name);
    const std::string whose = name.source.empty() ? "" : "egress source " + name.source + ": ";
    findings.push_back({found.is_good ? Grade::Ok : Grade::Warn, "reverse", whose + found.words});
  }
}

void check_machine(CommandContext& context, const Settings& settings, Findings& findings) {
  const std::string name = effective_hostname(settings);
  findings.push_back(name.find('.') != std::string::npos || settings.is_development()
                         ? Finding{Grade::Ok, "hostname", name}
                         : Finding{Grade::Warn, "hostname", name + " has no domain; set hostname to the full name"});
  rlimit descriptors{};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  const std::string limit = std::to_string(descriptors.rlim_max) + " file descriptors allowed for this user";
  const auto wanted = std::max<rlim_t>(kWantedDescriptors, static_cast<rlim_t>(settings.max_connections));
  findings.push_back(descriptors.rlim_max >= wanted
                         ? Finding{Grade::Ok, "limits", limit}
                         : Finding{Grade::Warn, "limits", limit + "; max_connections asks for " + std::to_string(wanted) +
                                                              ": raise LimitNOFILE of the service"});
  const Instant now = context.clock().now();
  findings.push_back(now >= kEarliestSaneTime ? Finding{Grade::Ok, "clock", format_time(now) + " UTC"}
                                              : Finding{Grade::Fail, "clock", format_time(now) + " UTC is wrong; set it"});
}

// What is stale, since when, and what that costs.
void check_cluster(const Settings& settings, Findings& findings) {
  std::error_code error;
  if (settings.cluster_database.empty() || !std::filesystem::exists(settings.data_dir, error)) return;
  const auto opened = store::Store::open(make_store_options(settings, false));
  if (!opened) return;  // check_store() said why
  const auto node = ClusterNode::open_for_server(settings, **opened);
  if (!node) return findings.push_back({Grade::Fail, "cluster", node.error().context()});
  const auto all = (*node)->changes().list_nodes();
  if (!all) {
    return findings.push_back({Grade::Warn, "cluster",
                               all.error().context() + "; mail goes on, and a key that is revoked elsewhere "
                                                       "works here until this node hears of it"});
  }
  std::size_t fresh = 0;
  for (const auto& one : all->nodes) {
    const std::string silence = std::to_string(std::chrono::duration_cast<std::chrono::seconds>(one.silent_for).count()) + " s";
    if (one.silent_for <= cluster::kSilence) {
      ++fresh;
    } else {
      findings.push_back({Grade::Warn, "cluster",
                          "node " + printable(one.name) + " is not heard of for " + silence + " and lacks " +
                              std::to_string(all->latest - std::min(all->latest, one.applied)) +
                              " changes; postern node remove if it will not come back"});
    }
  }
  if (std::ranges::none_of(all->nodes, [&](const auto& one) { return one.id == (*node)->membership().node; })) {
    findings.push_back({Grade::Fail, "cluster", "this node was removed: postern cluster leave, then join with an empty data_dir"});
  }
  findings.push_back({Grade::Ok, "cluster",
                      std::to_string(fresh) + " of " + std::to_string(all->nodes.size()) +
                          " nodes are heard of; the latest version is " + std::to_string(all->latest)});
}

}  // namespace

Result<void> examine_installation(CommandContext& context, const DoctorOptions& options) {
  Findings findings;
  const ConfigLoad load = load_config(context.config_file());
  const bool is_known = options.route.empty() || std::ranges::any_of(load.settings.routes, [&](const auto& route) {
                          return route.name == options.route;
                        });
  if (load.is_usable() && !is_known) return Error(ErrorCode::NotFound, "there is no route " + printable(options.route));
  if (options.route.empty() || !load.is_usable()) check_config(load, findings);
  if (load.is_usable() && options.route.empty()) {
    check_machine(context, load.settings, findings);
    check_disk(load.settings, findings);
    check_store(load.settings, findings);
    check_seal(load.settings, findings);
    check_cluster(load.settings, findings);
    check_files(load.settings, context.config_file(), findings);
    check_certificates(load.settings, findings);
    check_ports(load.settings, findings);
  }
  if (load.is_usable() && options.route.empty()) check_names(load.settings, findings);
  if (load.is_usable()) check_routes(load.settings, options, findings);
  json::array values;
  std::vector<std::vector<std::string>> rows;
  for (const auto& finding : findings) {
    values.emplace_back(json::object{{"grade", grade_name(finding.grade)}, {"check", finding.check}, {"finding", finding.words}});
    rows.push_back({std::string(grade_name(finding.grade)), finding.check, finding.words});
  }
  context.print(values, format_table({"", "CHECK", "FINDING"}, rows));
  const auto failed = std::ranges::count(findings, Grade::Fail, &Finding::grade);
  if (failed == 0) return {};
  return Error(ErrorCode::Conflict, std::to_string(failed) + (failed == 1 ? " check" : " checks") + " failed");
}

Result<void> examine_health(CommandContext& context, int seconds) {
  const HealthProbe probe = probe_health(context.settings(), std::chrono::seconds(seconds));
  if (!probe.is_good) return Error(ErrorCode::ConnectFailed, probe.words);
  context.print(json::object{{"healthy", true}, {"answer", probe.words}}, probe.words + "\n");
  return {};
}

}  // namespace postern::app
