// What SMTP says of a decision: the one place where they become replies. Pure.
#pragma once

#include "core/decision.h"
#include "core/message_id.h"
#include "smtp/verdict.h"

namespace postern::submission {

// To MAIL, RCPT, DATA and the end of data. A key that died in an open session ends it.
smtp::Verdict reply_of(const Decision& decision);
// To AUTH.
smtp::Verdict reply_to_credential(Refusal refusal);
// To the end of data of a message that was accepted.
smtp::Verdict reply_with_id(const MessageId& id);

// The whole reply to RCPT, the protocol's own positive one included: for who only wants to know.
Status reply_to_recipient(const Decision& decision);

}  // namespace postern::submission
