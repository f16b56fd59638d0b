#include "app/listening.h"

#include "app/process.h"
#include "core/log.h"
#include "core/metrics.h"
#include "net/certificate_expiry.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>

namespace postern::app {
namespace {

metrics::Gauge certificate_ends("postern_certificate_expiry_timestamp_seconds",
                                "When the first of the certificates that listeners show expires; 0: none is shown.",
                                {{"door", {"smtp", "mx", "http"}}});

// A development installation makes its own certificate at its first start; nothing else ever does.
Result<void> ensure_self_signed(const CertificateFiles& files, const Settings& settings) {
  if (!files.is_self_signed || std::filesystem::exists(files.certificate)) return {};
  if (!settings.is_development()) {
    return Error(ErrorCode::NotFound,
                 "TLS needs tls_certificate_file and tls_key_file (only environment = \"development\" makes its own)");
  }
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(files.certificate).parent_path(), error);
  return net::write_self_signed_certificate(effective_hostname(settings), files.certificate, files.key);
}

}  // namespace

void ShownCertificates::note(std::size_t listener, const std::string& file, const net::TlsServerContext& context) {
  fingerprints_[listener] = context.fingerprint();
  files_.insert_or_assign(file, context);
}

void ShownCertificates::tell(Door door, const std::string& hostname, Instant now) const {
  Instant first = Instant::max();
  for (const auto& [file, context] : files_) first = std::min(first, net::certificate_expiry(context).value_or(Instant::max()));
  const bool has_one = first != Instant::max();
  certificate_ends.at(door).set(has_one ? std::chrono::duration<double>(first.time_since_epoch()).count() : 0);
  for (const auto& [file, context] : files_) {
    for (const std::string& problem : context.find_problems(hostname, now)) {
      log::write(log::Level::Warning, "certificate_problem", {{"file", file}, {"problem", problem}});
    }
  }
}

std::string bind_address(const std::string& configured) {
  if (configured != "*") return configured;
  return machine_has_ipv6() ? "::" : "0.0.0.0";
}

bool can_bind(const std::string& address) {
  if (machine_has_ipv6() || address.find(':') == std::string::npos) return true;
  log::write(log::Level::Warning, "listener_passed_over", {{"address", address}, {"reason", "this machine has no IPv6"}});
  return false;
}

Result<net::TlsServerContext> load_certificate(const Settings& settings, const CertificateFiles& files) {
  if (auto made = ensure_self_signed(files, settings); !made) return made.error();
  return net::TlsServerContext::load(files.certificate, files.key);
}

}  // namespace postern::app
