// Who else goes by a run's clock: what tells an account's webhooks of the run's events (events/run_webhooks), which stands above
// this room.
#pragma once

#include "core/clock.h"
#include "core/event.h"
#include "core/ids.h"
#include "core/result.h"
#include "store/runs.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace postern::relay {

// An event that was offered to somebody, and what came of it.
struct RunTelling {
  Instant at;  // of the run's time
  WebhookId webhook;
  Event event;
  unsigned attempt = 1;
  std::uint16_t status = 0;  // the receiver's; 0: there was none
  std::string failure;       // why not; never what the receiver wrote
  bool is_last = false;      // the receiver has failed for too long: nothing of this run is offered to it any more
};

// Any thread, but one call for a run at a time. Blocking; not for an I/O thread.
class RunListener {
 public:
  virtual ~RunListener() = default;
  // Somebody listens to runs of this account.
  virtual bool listens_to(const AccountId& account) = 0;
  // Offers what is due at `now` of the run's time, one after the other: new events of `messages` (empty: of the whole run), and
  // what failed before. Begins nothing after `until`. → when something is due again; `now`: something still is.
  virtual Result<std::optional<Instant>> tell(const store::RunRecord& run, const std::vector<MessageId>& messages, Instant now,
                                              std::chrono::steady_clock::time_point until, std::vector<RunTelling>& told) = 0;
  // When something is due again that was offered before.
  virtual Result<std::optional<Instant>> next_due(const store::RunRecord& run) = 0;
  // Returns when what was told is remembered over a restart. What is not is told again.
  virtual Result<void> remember(const store::RunRecord& run) = 0;
};

}  // namespace postern::relay
