// Recipient of a test message → scenario.
#pragma once

#include "core/mailbox.h"
#include "core/refusals.h"
#include "core/status.h"
#include "sandbox/scenario_catalog.h"

#include <optional>
#include <string_view>

namespace postern::sandbox {

struct Scenario {
  ScenarioKind kind = ScenarioKind::Delivered;
  Status reply;  // SmtpReply and Rejected: what RCPT is answered
  std::optional<Refusal> rehearsed = {};  // Rejected: the refusal of the table that the name plays

  // The refusal that RCPT gets, if this scenario refuses there.
  std::optional<Status> rcpt_refusal() const;
};

// At `simulator_domain` (normalised) the local part up to '+' names the scenario, in any case; a token of core/refusals is that
// refusal, at RCPT. An unknown name there is refused at RCPT, so that a typing slip in a test is seen. At any other domain
// everything is delivered.
Scenario scenario_for(const Mailbox& recipient, std::string_view simulator_domain);

}  // namespace postern::sandbox
