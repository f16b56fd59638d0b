// May this principal send as that sender? Pure. A refusal says in words which sender it was, what was found and what is allowed.
#pragma once

#include "auth/principal.h"
#include "core/clock.h"
#include "core/decision.h"
#include "core/envelope.h"
#include "core/mailbox.h"
#include "mime/from_field.h"

#include <optional>
#include <string>
#include <string_view>

namespace postern::submission {

// MAIL: the account is active, the reverse-path's domain is among the principal's (see auth::is_domain_allowed()).
// The null reverse-path passes: the From field is still judged.
Decision judge_reverse_path(const auth::Principal& principal, const std::optional<Mailbox>& reverse_path);

// When a message that may not go before `hold` is released, if it is to be later than `now`; a time that has passed is now, since
// clocks differ and no mail is lost by it. HoldTooLong: beyond `longest`.
struct HoldAnswer {
  Decision decision;
  std::optional<Instant> release_at = {};
};
HoldAnswer judge_hold(const Hold& hold, Instant now, Duration longest);

// End of the header section: every domain of the From field is among the principal's. `from` nullopt: there is no such field.
// What is missing or faulty passes only where any domain may be used. nullopt: allowed; else the refusal's words.
std::optional<std::string> refuse_from(const auth::Principal& principal, const std::optional<mime::FromField>& from);

// What a mail server makes by itself of mail that it could not deliver: null reverse-path, MAILER-DAEMON or postmaster of a
// name below one of the principal's domains or of the client's own (`client_name`: of EHLO) as author, and nobody beyond the
// principal's domains and the names below them for recipient. Such a notice passes though its author's domain is none of the
// principal's: it would be lost otherwise, since it has no sender who could be told.
bool is_automatic_notice(const auth::Principal& principal, const Envelope& envelope, const mime::FromField& from,
                         std::string_view client_name);

}  // namespace postern::submission
