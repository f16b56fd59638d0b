#include "submission/recipient_policy.h"

#include "core/refusals.h"
#include "sandbox/rules.h"
#include "sandbox/scenario.h"

namespace postern::submission {
namespace {

Verdict judge_simulated(const Recipient& recipient, std::string_view simulator_domain) {
  const sandbox::Scenario scenario = sandbox::scenario_for(recipient.mailbox, simulator_domain);
  if (auto refusal = scenario.rcpt_refusal()) return Verdict::refuse(std::move(*refusal));
  if (scenario.kind == sandbox::ScenarioKind::SmtpReply) return Verdict::accept_with(scenario.reply);
  return Verdict::accept();
}

}  // namespace

Verdict judge_recipient(const auth::Principal& principal, const Recipient& recipient, const RecipientFacts& facts) {
  const sandbox::Decision decision = sandbox::judge(principal.environment, principal.account_mode, facts.is_whitelisted);
  if (decision == sandbox::Decision::Refuse) return Verdict::refuse(refusal_status(Refusal::RecipientNotWhitelisted));
  // An address literal would let a client choose the host that the relay connects to, inner networks included.
  if (recipient.mailbox.is_address_literal()) {
    return Verdict::refuse(refusal_status(Refusal::InvalidRecipient, "address literals are not relayed to"));
  }
  if (decision == sandbox::Decision::Simulate) return judge_simulated(recipient, facts.simulator_domain);
  if (!facts.has_route) return Verdict::refuse(refusal_status(Refusal::NoRoute));
  return Verdict::accept();
}

}  // namespace postern::submission
