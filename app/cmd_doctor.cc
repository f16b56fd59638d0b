// postern doctor: one line for each check: ok, warn or fail, and what to do. Changes nothing; works while the server runs.
#include "app/commands.h"

#include "app/config.h"
#include "app/config_values.h"
#include "net/tls_context.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>

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

void check_store(const Settings& settings, Findings& findings) {
  std::error_code error;
  if (!std::filesystem::exists(settings.data_dir, error)) {
    findings.push_back({Grade::Warn, "store", settings.data_dir + " does not exist yet; the first start makes it"});
    return;
  }
  const auto opened = store::Store::open(make_store_options(settings, false));
  if (!opened) {
    findings.push_back({Grade::Fail, "store", opened.error().message() + "; run as the service's user or restore a backup"});
    return;
  }
  const auto problems = (*opened)->spool().examine();
  if (!problems) {
    findings.push_back({Grade::Fail, "store", problems.error().message() + "; restore a backup"});
    return;
  }
  for (const auto& problem : *problems) findings.push_back({Grade::Fail, "store", problem + "; restore a backup"});
  const auto usage = (*opened)->spool().usage();
  if (!usage) {
    findings.push_back({Grade::Fail, "store", usage.error().message()});
  } else if (problems->empty()) {
    findings.push_back({Grade::Ok, "store",
                        std::to_string(usage->messages) + " messages, " + std::to_string(usage->queued) + " queued, " +
                            std::to_string(usage->used_octets) + " octets; every record is sound"});
  }
  check_space((*opened)->spool().look_at_space(), findings);
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

std::optional<int> days_until_expiry(const std::string& file) {
  std::FILE* stream = std::fopen(file.c_str(), "r");
  if (stream == nullptr) return std::nullopt;
  X509* certificate = PEM_read_X509(stream, nullptr, nullptr, nullptr);
  std::fclose(stream);
  if (certificate == nullptr) return std::nullopt;
  int days = 0;
  int seconds = 0;
  const int known = ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate));
  X509_free(certificate);
  return known == 1 ? std::optional(seconds < 0 ? days - 1 : days) : std::nullopt;
}

void check_certificate(const CertificateFiles& files, Findings& findings) {
  std::error_code error;
  if (files.is_self_signed && !std::filesystem::exists(files.certificate, error)) {
    findings.push_back({Grade::Ok, "certificate", "self-signed, made at the first start"});
    return;
  }
  const auto loaded = net::TlsServerContext::load(files.certificate, files.key);
  if (!loaded) {
    findings.push_back({Grade::Fail, "certificate", loaded.error().message()});
    return;
  }
  const auto days = days_until_expiry(files.certificate);
  const std::string words = files.certificate + (days ? ": valid for " + std::to_string(*days) + " days" : ": of unknown validity");
  if (days && *days < 0) {
    findings.push_back({Grade::Fail, "certificate", files.certificate + ": has expired; renew it and send SIGHUP"});
  } else if (!days || *days < kDaysBeforeExpiry) {
    findings.push_back({Grade::Warn, "certificate", words + "; renew it and send SIGHUP"});
  } else {
    findings.push_back({Grade::Ok, "certificate", words});
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

// Opens a socket for `use` and closes it again.
bool try_socket(Address address, bool connects) {
  const int descriptor = ::socket(address.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return false;
  const int on = 1;
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const int done = connects ? ::connect(descriptor, address.get(), address.size) : ::bind(descriptor, address.get(), address.size);
  ::close(descriptor);
  return done == 0;
}

template <class Listener>
void check_port(const Listener& listener, const std::string& kind, Findings& findings) {
  const std::string name = listener.address + " port " + std::to_string(listener.port);
  if (try_socket(socket_address(listener, true), true)) {
    findings.push_back({Grade::Ok, kind, name + ": answers"});
  } else if (try_socket(socket_address(listener, false), false)) {
    findings.push_back({Grade::Ok, kind, name + ": free; nothing serves it now"});
  } else {
    findings.push_back({Grade::Warn, kind,
                        name + ": can neither be reached nor bound by this user; below 1024 the service needs "
                               "CAP_NET_BIND_SERVICE, IPv6 may be missing"});
  }
}

void check_ports(const Settings& settings, Findings& findings) {
  for (const auto& listener : settings.listeners) check_port(listener, "listener", findings);
  for (const auto& listener : settings.http_listeners) check_port(listener, "http listener", findings);
}

void check_routes(const Settings& settings, Findings& findings) {
  for (const auto& route : settings.routes) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int failure = ::getaddrinfo(route.host.c_str(), std::to_string(route.port).c_str(), &hints, &found);
    if (found != nullptr) ::freeaddrinfo(found);
    const std::string name = "route " + route.name + " to " + route.host;
    findings.push_back(failure == 0
                           ? Finding{Grade::Ok, "route", name + ": has an address"}
                           : Finding{Grade::Fail, "route", name + ": " + ::gai_strerror(failure) + "; check the name and DNS"});
  }
  if (settings.routes.empty()) findings.push_back({Grade::Warn, "route", "none: live mail is refused with no_route"});
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

}  // namespace

Result<void> examine_installation(CommandContext& context) {
  Findings findings;
  const ConfigLoad load = load_config(context.config_file());
  check_config(load, findings);
  if (load.is_usable()) {
    check_machine(context, load.settings, findings);
    check_disk(load.settings, findings);
    check_store(load.settings, findings);
    check_certificates(load.settings, findings);
    check_ports(load.settings, findings);
    check_routes(load.settings, findings);
  }
  ValueList values;
  std::vector<std::vector<std::string>> rows;
  for (const auto& finding : findings) {
    values.emplace_back(ValueObject{{"grade", grade_name(finding.grade)}, {"check", finding.check}, {"finding", finding.words}});
    rows.push_back({std::string(grade_name(finding.grade)), finding.check, finding.words});
  }
  context.print(values, format_table({"", "CHECK", "FINDING"}, rows));
  const auto failed = std::ranges::count(findings, Grade::Fail, &Finding::grade);
  if (failed == 0) return {};
  return Error(ErrorCode::Conflict, std::to_string(failed) + (failed == 1 ? " check" : " checks") + " failed");
}

}  // namespace postern::app
