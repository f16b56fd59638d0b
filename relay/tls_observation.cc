#include "relay/tls_observation.h"

#include "core/bytes.h"

#include <algorithm>
#include <span>
#include <string_view>

namespace postern::relay {
namespace {

std::string tlsa_line(const net::TlsaRecord& record) {
  const std::span octets(reinterpret_cast<const std::uint8_t*>(record.data.data()), record.data.size());
  return std::to_string(record.usage) + " " + std::to_string(record.selector) + " " + std::to_string(record.matching) + " " +
         format_hex(octets);
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty() && lines.size() < reports::kMaxTlsLines) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trim_ascii_space(text.substr(0, end));
    if (!line.empty()) lines.push_back(printable_utf8(line, reports::kMaxTlsTextOctets));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

bool is_sts_broken(const std::optional<mx::StsAnswer>& sts) {
  return sts && (sts->finding == mx::StsFinding::FetchError || sts->finding == mx::StsFinding::Invalid);
}

// Whose policy it was: DANE's before MTA-STS' before nobody's.
reports::TlsSession policy_of(const SeenSession& seen, const mx::TlsDecision& decision, const std::optional<mx::StsAnswer>& sts) {
  reports::TlsSession session{.type = "no-policy-found", .domain = seen.domain};
  if (decision.dane == mx::DaneOutcome::Ok || decision.dane == mx::DaneOutcome::Unusable ||
      decision.dane == mx::DaneOutcome::TempFail) {
    session.type = "tlsa";
    for (const net::TlsaRecord& record : decision.tlsa) session.lines.push_back(tlsa_line(record));
    session.hosts = {seen.host};
  } else if (sts && sts->policy) {
    session.type = "sts";
    session.lines = lines_of(sts->policy->text);
    session.hosts = sts->policy->policy.patterns;
  } else if (is_sts_broken(sts)) {
    session.type = "sts";
  }
  return session;
}

std::string_view fault_type(net::TlsFault fault) {
  switch (fault) {
    case net::TlsFault::None:
      return "starttls-not-supported";
    case net::TlsFault::Expired:
      return "certificate-expired";
    case net::TlsFault::WrongName:
      return "certificate-host-mismatch";
    case net::TlsFault::NotTrusted:
      return "certificate-not-trusted";
    case net::TlsFault::Handshake:
    case net::TlsFault::NoTlsaMatch:
      break;
  }
  return "validation-failure";
}

}  // namespace

std::optional<reports::TlsSession> observe_tls(const SeenSession& seen, const mx::TlsDecision& decision,
                                               const std::optional<mx::StsAnswer>& sts) {
  reports::TlsSession session = policy_of(seen, decision, sts);
  reports::TlsFailure failure{.receiving_host = seen.host, .receiving_address = seen.address, .sessions = 1};
  if (decision.refusal && decision.dane == mx::DaneOutcome::TempFail) {
    failure.type = "dnssec-invalid";
  } else if (decision.refusal && decision.refusal->is_transient() && session.type == "sts") {
    failure.type = "validation-failure";
    failure.reason = "host-not-in-policy";
  } else if (decision.refusal || decision.level == mx::TlsLevel::Clear) {
    return std::nullopt;
  } else if (session.type == "sts" && is_sts_broken(sts)) {
    failure.type = sts->finding == mx::StsFinding::Invalid ? "sts-policy-invalid" : "sts-policy-fetch-error";
  } else if (seen.is_open && seen.is_tls) {
    return session;
  } else if (seen.is_open || seen.is_tls_failure) {
    failure.type = seen.is_open ? "starttls-not-supported" : fault_type(seen.fault);
    if (seen.fault == net::TlsFault::NoTlsaMatch) failure.reason = "no-tlsa-match";
  } else {
    return std::nullopt;
  }
  session.failure = std::move(failure);
  return session;
}

}  // namespace postern::relay
