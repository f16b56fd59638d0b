// What a delivery attempt means: reports → changes of recipients, events, and notices that are owed (RFC 3461 §5.2), as one
// settlement of the spool. Pure: time and chance are parameters; relay/notices turns the owed notices into messages.
#pragma once

#include "core/clock.h"
#include "core/random.h"
#include "relay/dsn.h"
#include "relay/retry_schedule.h"
#include "relay/outcome.h"
#include "store/records.h"
#include "store/spool.h"
#include "store/statistics.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postern::relay {

struct DeliveryPolicy {
  RetrySchedule retry;
  Duration delay_notice_after = std::chrono::hours(4);  // where NOTIFY=DELAY asked; once
};

// A recipient that is owed a notice. `status` is the last word on it, for the diagnostic field.
struct OwedNotice {
  std::uint32_t index = 0;
  DsnAction action = DsnAction::Failed;
  Status status;
  std::string remote;
  bool is_own_word = false;            // no next hop said it
  std::optional<Instant> retry_until;  // Delayed
};

struct Publication {
  store::Settlement settlement;
  std::vector<OwedNotice> notices;

  bool is_empty() const { return settlement.changes.empty(); }
};

// After an attempt. Every report counts as one attempt at its recipient; its words are taken out of it.
Publication publish_reports(const store::StoredMessage& stored, std::span<RecipientReport> reports,
                            const DeliveryPolicy& policy, Instant now, Random& random);

// Without an attempt, because the destination cannot be used or the account is suspended.
struct Waiting {
  std::span<const std::uint32_t> recipients;
  Status why;                        // code 0: the destination is merely busy
  bool is_held = false;              // the account is suspended, or an operator holds it: said even where a next hop spoke before
};
// Expires what is too old, owes delay notices, tells once by an event why a recipient has to wait. Empty if nothing changes.
Publication publish_waiting(const store::StoredMessage& stored, const Waiting& waiting, const DeliveryPolicy& policy,
                            Instant now);

// After the clock was set back: no recipient of live mail waits longer from `now` on than for the back-off of its attempts. Empty
// if none would; test mail keeps its simulated times.
Publication publish_set_back(const store::StoredMessage& stored, const DeliveryPolicy& policy, Instant now);

// One line of the operator log, and one more in the metrics and the account's statistics, for each event of the publication: once
// it is committed.
void log_publication(const store::StoredMessage& stored, const Publication& publication, std::string_view route,
                     store::Tally& tally);

}  // namespace postern::relay
