// What one webhook still has to get, and which of it may be sent now: the decisions of the dispatcher without its sockets and
// its store. Pure; one thread.
//
// Events of one message go out in order, one after the other; a message whose event fails holds up nothing but itself. After
// kDownAfterFailures failures in a row it is the receiver that is down: then one event at a time is tried, after growing waits,
// and what has not been read from the log stays there. An endpoint that has not proved itself by a 2xx gets one event at a time,
// and is down after its first failure: whoever names somebody else's has little sent there.
#pragma once

#include "core/clock.h"
#include "core/random.h"
#include "store/records.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace postern::events {

inline constexpr std::size_t kMaxWebhookRequests = 8;      // of one webhook at a time: more is a burden, not a service
inline constexpr unsigned kUnprovenFailures = 1;           // of an endpoint that has not answered 2xx yet: then it counts as down
inline constexpr std::size_t kMaxUntriedEvents = 256;      // read ahead of the log
inline constexpr std::size_t kMaxRetriedEvents = 1'000;    // failed ones in memory and in the directory; then reading stops
inline constexpr std::uint64_t kCursorStep = 1'000;        // events read but not wanted before the cursor is saved all the same
inline constexpr Duration kLongestProbeWait = std::chrono::minutes(10);  // a receiver that is back gets its events within it

class WebhookBacklog {
 public:
  // From what the directory keeps. Nothing below `first_sequence` is read from the log.
  WebhookBacklog(const store::WebhookProgress& progress, std::uint64_t first_sequence,
                 const std::vector<store::PendingWebhookEvent>& pending);

  // --- Reading the log ---
  bool has_room() const;
  std::uint64_t read_up_to() const { return read_up_to_; }
  // The log was read up to `sequence`: no further event below.
  void set_read_up_to(std::uint64_t sequence);
  // An event that the webhook wants, as of `now`. One that is there already is left as it is.
  void add(std::uint64_t sequence, const MessageId& message, Instant now);
  // A row of the directory that somebody else put there: a replay. The same, but that it was asked for is taken over.
  void add_stored(const store::PendingWebhookEvent& event);
  // Somebody asked for this one, whatever types the webhook wants.
  bool is_requested(std::uint64_t sequence) const { return items_.at(sequence).event.is_requested; }
  unsigned attempts_of(std::uint64_t sequence) const { return items_.at(sequence).event.attempts; }
  // The webhook has another endpoint now.
  void unprove();

  // --- Sending ---
  // The next event to send, under way from now on; nullopt: nothing may be sent now.
  std::optional<std::uint64_t> take(Instant now);
  // When take() may answer again if nothing else happens; nullopt: only after an event or an end.
  std::optional<Instant> next_due() const;
  std::size_t under_way() const { return under_way_; }
  std::size_t waiting() const { return items_.size(); }
  // When the first of those that failed and wait was tried first; nullopt: none did.
  std::optional<Instant> failing_since() const;
  // How an attempt ended. Each for an event that was taken.
  void delivered(std::uint64_t sequence, Instant now);
  void failed(std::uint64_t sequence, Instant now, Random& random);
  void lost(std::uint64_t sequence);       // its record is gone: nothing to send any more
  void unwanted(std::uint64_t sequence);   // the webhook wants it no more
  void interrupted(std::uint64_t sequence);  // by shutdown: no attempt that counts
  bool is_down() const;
  // Lasting failure: the webhook is to be disabled.
  bool is_dead(Instant now) const;

  // --- Saving ---
  struct Changes {
    store::WebhookProgress progress;
    std::vector<store::PendingWebhookEvent> put;
    std::vector<std::uint64_t> removed;
  };
  bool has_unsaved() const { return has_unsaved_; }
  // What the directory has to be told. Until saved() or not_saved() this is not asked again.
  Changes take_unsaved();
  void saved();
  void not_saved();

 private:
  struct Item {
    store::PendingWebhookEvent event;
    bool is_under_way = false;
    bool is_stored = false;   // the directory has a row of it
    bool is_changed = false;  // it has to get one, or another
    bool is_probe = false;    // its attempt began while the receiver was down
    unsigned began_after = 0; // recoveries_ when its attempt began
  };
  using Items = std::map<std::uint64_t, Item>;

  std::size_t max_under_way() const { return is_down() || !progress_.is_proven ? 1 : kMaxWebhookRequests; }
  bool is_first_of_message(const Item& item) const;
  bool may_go(const Item& item) const { return !item.is_under_way && is_first_of_message(item); }
  Item& end_attempt(std::uint64_t sequence);
  void remove(std::uint64_t sequence);
  void insert(const store::PendingWebhookEvent& event, bool is_stored);
  void recover(Instant now);
  void plan_probe(bool was_probe, Instant now, Random& random);

  Items items_;
  std::map<MessageId, std::set<std::uint64_t>> by_message_;
  store::WebhookProgress progress_;
  std::uint64_t read_up_to_ = 0;
  std::size_t retried_ = 0;         // items with an attempt behind them
  std::size_t under_way_ = 0;
  unsigned failures_ = 0;           // in a row, since the start
  bool was_failing_ = false;        // before the start
  unsigned probes_ = 0;             // that failed since it is down
  unsigned recoveries_ = 0;         // how often the receiver came back
  std::optional<Instant> probe_due_;  // while down
  std::set<std::uint64_t> removed_;   // rows that the directory still has
  Changes saving_;
  bool has_unsaved_ = false;
};

}  // namespace postern::events
