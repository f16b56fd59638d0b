// Suppressions: addresses that an account's live mail is not sent to any more, because mail to them bounced for good or was
// called spam. They are accepted at RCPT and not attempted, with an event that says so; test keys neither fill the list nor
// meet it: a run with a clock has one of its own (relay/run_book), by the same rules and in its own time.
#pragma once

#include "core/clock.h"
#include "core/ids.h"
#include "core/result.h"
#include "core/status.h"
#include "relay/event_publisher.h"
#include "store/directory.h"
#include "store/records.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::relay {

// Whether the account's list keeps such mail from anybody: live mail that it submitted, and no notice of ours. Who only foresees
// (submission/judge) asks the same as the queue.
constexpr bool heeds_suppressions(Environment environment, store::MessageOrigin origin) {
  return environment == Environment::Live && origin == store::MessageOrigin::Submission;
}

// Whether a refusal is about the address itself and will be the same for every message: RFC 3463 X.1.1, X.1.2, X.1.3, X.1.6,
// X.1.10 (RFC 7505) and X.2.1. A 5yz without an enhanced code is none, and none whose words are about something else (policy,
// content, the sender's bad name), whatever its code says. `remote` as events name it.
bool is_hard_bounce(const Status& status, std::string_view remote);

// Whom these events of one message suppress, until nobody knows when. Pure.
std::vector<store::SuppressionRecord> suppressions_of(const std::vector<Event>& events);
// The same of a live message's publication.
std::vector<store::SuppressionRecord> suppressions_of(const store::StoredMessage& stored, const Publication& publication);
// For as long as the account wants it; none where it suppresses nobody by itself. Pure.
std::vector<store::SuppressionRecord> as_wanted_by(const store::AccountRecord& account,
                                                   std::vector<store::SuppressionRecord> suppressions);

// Puts them on the account's list, unless it suppresses nobody by itself; soon, with nobody waiting: one that is lost bounces
// again.
void suppress_later(store::Directory& directory, const AccountId& account, std::vector<store::SuppressionRecord> suppressions);

// What is reported of a recipient that was left out. 550 5.7.1: the account's own rule, not the next hop's.
RecipientReport report_suppressed(std::uint32_t recipient);

// False: its time is over, and its row not swept away yet.
bool is_in_force(const store::SuppressionRecord& suppression, Instant now);

std::string_view suppression_reason_name(store::SuppressionReason reason);  // "bounce", "complaint", "manual", "unsubscribe"

// Whether mail to that address, or mail of one of the streams that its tags name, is kept from it. `tags`: of the message.
Result<bool> is_suppressed(const store::Directory& directory, const AccountId& account, std::string_view normalised_address,
                           const std::vector<std::pair<std::string, std::string>>& tags, Instant now);

// For people: `entry` is an address as they write it, or one and a stream ("ann@example.net newsletter"). Both block until synced.
// InvalidArgument: neither; NotFound: not on the list; LimitExceeded.
Result<store::SuppressionRecord> suppress(store::Directory& directory, const AccountId& account, std::string_view entry,
                                          Instant now);
Result<std::string> lift_suppression(store::Directory& directory, const AccountId& account, std::string_view entry);
// The entry's name in the store (store::suppression_entry). InvalidArgument as above.
Result<std::string> normalised_entry(std::string_view entry);

}  // namespace postern::relay
