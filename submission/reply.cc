#include "submission/reply.h"

#include "smtp/replies.h"

namespace postern::submission {

smtp::Verdict reply_of(const Decision& decision) {
  if (const Simulated* simulated = decision.simulated()) {
    const Status& status = simulated->status;
    return status.is_positive() ? smtp::Verdict::accept_with(status)
                                : smtp::Verdict::refuse(status);
  }
  const Refused* const refused = decision.refused();
  if (!refused) return smtp::Verdict::accept();
  const std::string words = words_of(*refused);
  const bool is_key_dead = refusal_row(refused->refusal).open_session_code.has_value();
  if (is_key_dead) {
    return smtp::Verdict::refuse(open_session_refusal_status(refused->refusal), true);
  }
  return smtp::Verdict::refuse(refusal_status(refused->refusal, words));
}

smtp::Verdict reply_to_credential(Refusal refusal) {
  return smtp::Verdict::refuse(refusal_status(refusal), refusal == Refusal::TooManyFailures);
}

smtp::Verdict reply_with_id(const MessageId& id) {
  return smtp::Verdict::accept_with(
      Status{250, EnhancedCode{2, 0, 0}, "Ok: queued as " + format_message_id(id)});
}

Status reply_to_recipient(const Decision& decision) {
  const smtp::Verdict verdict = reply_of(decision);
  if (verdict.has_status()) return verdict.status();
  const smtp::FixedReply& accepted = smtp::replies::k250_2_1_5_recipient_ok;
  return Status{accepted.code, parse_enhanced_code(accepted.enhanced), std::string(accepted.text)};
}

}  // namespace postern::submission
