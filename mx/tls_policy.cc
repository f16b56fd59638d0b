#include "mx/tls_policy.h"

#include "core/bytes.h"

#include <array>
#include <utility>

namespace postern::mx {
namespace {

constexpr std::uint16_t kSecurity = 7;  // RFC 3463 §3.8

void refuse(TlsDecision& decision, std::uint16_t code, std::uint16_t detail, std::string why) {
  decision.reason = why;
  decision.refusal = Status{code, EnhancedCode{static_cast<std::uint8_t>(code / 100), kSecurity, detail}, std::move(why)};
}

void raise(TlsDecision& decision, TlsLevel level, std::string reason) {
  if (decision.level >= level) return;
  decision.level = level;
  decision.reason = std::move(reason);
}

void apply_dane(const TlsFacts& facts, TlsDecision& decision) {
  const HostTlsa& tlsa = facts.tlsa;
  switch (tlsa.finding) {
    case TlsaFinding::NotAsked:
      decision.dane = DaneOutcome::InsecureChain;
      return;
    case TlsaFinding::Absent:
      decision.dane = DaneOutcome::NotApplicable;
      return;
    case TlsaFinding::Unknown:
      decision.dane = DaneOutcome::TempFail;
      return refuse(decision, 451, 5, "whether " + facts.host + " has TLSA records cannot be found out: " + tlsa.why);
    case TlsaFinding::Found:
      break;
  }
  if (tlsa.usable.empty()) {
    decision.dane = DaneOutcome::Unusable;
    return raise(decision, TlsLevel::Encrypted, "it has TLSA records, and none that can be used (RFC 7672 section 2.2)");
  }
  decision.dane = DaneOutcome::Ok;
  raise(decision, TlsLevel::Dane, "its TLSA records are validated");
  decision.tlsa = tlsa.usable;
  decision.names = {tlsa.base};
  // RFC 7672 §3.2.2: the domain is a name of the host's only where validated MX records lead there.
  if (facts.is_mx_secure && facts.domain != tlsa.base) decision.names.push_back(facts.domain);
}

void apply_sts(const TlsFacts& facts, TlsDecision& decision) {
  if (decision.level == TlsLevel::Dane || facts.sts.mode != StsMode::Enforce) return;
  if (!facts.sts.matches) {
    return refuse(decision, 451, 5, facts.host + " is not in the MTA-STS policy of " + facts.domain);
  }
  raise(decision, TlsLevel::Verified, "the MTA-STS policy of its domain is enforced");
}

void apply_require_tls(const TlsFacts& facts, TlsDecision& decision) {
  // RFC 8689 §4.2.1: the way to the host has to be authenticated, and the host.
  const bool is_by_sts = facts.sts.mode == StsMode::Enforce && facts.sts.matches;
  if (!facts.is_mx_secure && !is_by_sts) {
    return refuse(decision, 550, 30,
                  "the message requires TLS on its whole way (REQUIRETLS), and neither DNSSEC nor MTA-STS protects the MX records "
                  "of " +
                      facts.domain);
  }
  raise(decision, TlsLevel::Verified, "the message requires TLS (REQUIRETLS)");
}

}  // namespace

std::string_view tls_level_name(TlsLevel level) {
  static constexpr std::array<std::string_view, kTlsLevels> kNames = {"clear", "opportunistic", "encrypted", "verified", "dane"};
  return kNames[static_cast<std::size_t>(level)];
}

std::string_view dane_outcome_name(DaneOutcome outcome) {
  static constexpr std::array<std::string_view, kDaneOutcomes> kNames = {"ok", "unusable", "not_applicable", "insecure_chain",
                                                                         "temp_fail"};
  return kNames[static_cast<std::size_t>(outcome)];
}

TlsDecision decide_tls(const TlsFacts& facts, TlsDemand demand, TlsFloor floor) {
  TlsDecision decision{.names = {facts.host}, .tlsa = {}, .reason = "nothing is published for it", .refusal = {}};
  if (floor == TlsFloor::Never && demand != TlsDemand::RequireTls) {
    decision.level = TlsLevel::Clear;
    decision.reason = "the route is configured without TLS";
    return decision;
  }
  if (demand == TlsDemand::NotRequired) {
    decision.reason = "the message does not require TLS (TLS-Required: No)";
  } else {
    apply_dane(facts, decision);
    if (!decision.refusal) apply_sts(facts, decision);
  }
  if (decision.refusal) return decision;
  if (floor == TlsFloor::Verified) raise(decision, TlsLevel::Verified, "the route is configured with TLS required");
  if (demand == TlsDemand::RequireTls) apply_require_tls(facts, decision);
  return decision;
}

TlsDemand find_tls_demand(bool is_require_tls, std::string_view content) {
  constexpr std::string_view kName = "TLS-Required:";
  if (is_require_tls) return TlsDemand::RequireTls;
  while (!content.empty()) {
    const std::size_t end = content.find("\r\n");
    const std::string_view line = content.substr(0, end);
    if (line.empty()) break;
    if (line.size() >= kName.size() && equals_ignoring_case(line.substr(0, kName.size()), kName)) {
      const std::string_view value = trim_ascii_space(line.substr(kName.size()));
      return equals_ignoring_case(value, "No") ? TlsDemand::NotRequired : TlsDemand::Usual;
    }
    if (end == std::string_view::npos) break;
    content.remove_prefix(end + 2);
  }
  return TlsDemand::Usual;
}

}  // namespace postern::mx
