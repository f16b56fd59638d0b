#include "sandbox/scenario.h"

#include "core/bytes.h"
#include "core/refusals.h"

#include <utility>

namespace postern::sandbox {
namespace {

Status unknown_name() {
  return {550, EnhancedCode{5, 1, 1}, "no scenario has that name: see `postern sandbox scenarios`"};
}

// "smtp-451-4.7.1": code and class must agree, and the code must be one that RCPT may be answered.
std::optional<Status> parse_reply_name(std::string_view name) {
  constexpr std::string_view kPrefix = "smtp-";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  const auto code = parse_unsigned(name.substr(0, 3));
  if (!code || name.size() < 4 || name[3] != '-') return std::nullopt;
  const auto enhanced = parse_enhanced_code(name.substr(4));
  const bool is_final = *code >= 200 && *code < 600 && *code / 100 != 3;
  if (!enhanced || !is_final || enhanced->klass != *code / 100) return std::nullopt;
  return Status{static_cast<std::uint16_t>(*code), enhanced, "simulated reply"};
}

// "rate_limited": any refusal that SMTP can give, as the relay words it.
std::optional<Scenario> refusal_by_name(std::string_view name) {
  for (const RefusalRow& row : refusal_table()) {
    if (row.token != name || row.smtp_code == 0) continue;
    return Scenario{ScenarioKind::Rejected, refusal_status(row.refusal, "simulated: " + std::string(row.text)), row.refusal};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Status> Scenario::rcpt_refusal() const {
  if (kind == ScenarioKind::Rejected) return reply;
  if (kind == ScenarioKind::SmtpReply && !reply.is_positive()) return reply;
  return std::nullopt;
}

Scenario scenario_for(const Mailbox& recipient, std::string_view simulator_domain) {
  if (normalised_domain(recipient.domain) != simulator_domain) return {};
  const std::string local = to_ascii_lower(normalised_local_part(recipient.local_part));
  const std::string_view name = std::string_view(local).substr(0, local.find('+'));
  if (const auto reply = parse_reply_name(name)) return {ScenarioKind::SmtpReply, *reply};
  for (const CatalogRow& row : scenario_catalog()) {
    if (row.name != name) continue;
    if (row.kind != ScenarioKind::Rejected) return {row.kind, {}};
    return {row.kind, Status{550, EnhancedCode{5, 1, 1}, "simulated: no such mailbox"}};
  }
  if (auto refusal = refusal_by_name(name)) return std::move(*refusal);
  return {ScenarioKind::Rejected, unknown_name()};
}

}  // namespace postern::sandbox
