#include "submission/recipient_policy.h"

#include "sandbox/rules.h"
#include "sandbox/scenario.h"

#include <utility>

namespace postern::submission {
namespace {

Decision judge_simulated(const Recipient& recipient, std::string_view simulator_domain) {
  sandbox::Scenario scenario = sandbox::scenario_for(recipient.mailbox, simulator_domain);
  if (auto refusal = scenario.rcpt_refusal()) {
    return Simulated{std::move(*refusal), scenario.rehearsed};
  }
  if (scenario.kind == sandbox::ScenarioKind::SmtpReply) {
    return Simulated{std::move(scenario.reply)};
  }
  return {};
}

}  // namespace

Decision judge_recipient(const auth::Principal& principal, const Recipient& recipient,
                         const RecipientFacts& facts) {
  const auto sentence =
      sandbox::judge(principal.environment, principal.account_mode, facts.is_whitelisted);
  if (sentence == sandbox::Decision::Refuse) return Refused{Refusal::RecipientNotWhitelisted};
  // An address literal would let a client choose the host that the relay connects to, inner
  // networks included.
  if (recipient.mailbox.is_address_literal()) {
    return Refused{Refusal::InvalidRecipient, "address literals are not relayed to"};
  }
  if (sentence == sandbox::Decision::Simulate) {
    return judge_simulated(recipient, facts.simulator_domain);
  }
  if (!facts.has_route) return Refused{Refusal::NoRoute};
  return {};
}

}  // namespace postern::submission
