// One row per outcome; deferral is the only one with a decision in it.
#include "relay/event_publisher.h"

#include "core/metrics.h"
#include "core/operator_log.h"
#include "core/time_format.h"
#include "relay/failure_class.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace postern::relay {
namespace {

using store::RecipientStage;
using store::RecipientState;
using store::StoredMessage;

constexpr std::array kCountedEvents = {EventType::RecipientDelivered,  EventType::RecipientDeferred,
                                       EventType::RecipientBounced,    EventType::RecipientExpired,
                                       EventType::RecipientSuppressed, EventType::RecipientComplained};
const std::vector<std::string> kEnvironments{"live", "test"};

metrics::Counter deliveries("postern_deliveries_total",
                            "What became of recipients, each as often as something did; deferred ones are tried again.",
                            {{"environment", kEnvironments},
                             {"outcome", {"delivered", "deferred", "bounced", "expired", "suppressed", "complained"}}});
metrics::Histogram delivery_delays("postern_delivery_delay_seconds", "From a message's acceptance to its delivery, by recipient.",
                                   {0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3'600, 14'400, 86'400, 432'000},
                                   metrics::Unit::Seconds, {{"environment", kEnvironments}});

std::vector<std::string> failure_class_names() {
  std::vector<std::string> names;
  for (const FailureClassRow& row : failure_class_table()) names.emplace_back(row.name);
  return names;
}
constexpr std::array kFailedEvents = {EventType::RecipientDeferred, EventType::RecipientBounced, EventType::RecipientExpired};
metrics::Counter failures("postern_delivery_failures_total", "Recipients of attempts that failed, by what it was about.",
                          {{"environment", kEnvironments},
                           {"outcome", {"deferred", "bounced", "expired"}},
                           {"class", failure_class_names()}});

std::optional<FailureClass> failure_of(const Event& event) {
  if (std::ranges::find(kFailedEvents, event.type) == kFailedEvents.end()) return std::nullopt;
  return classify_failure(event.status, event.detail);
}

void count_failure(const Event& event, FailureClass failure) {
  const auto outcome = std::ranges::find(kFailedEvents, event.type) - kFailedEvents.begin();
  failures.at(event.environment == Environment::Test, outcome, static_cast<std::size_t>(failure)).add();
}

void count_event(const StoredMessage& stored, const Event& event) {
  const auto found = std::ranges::find(kCountedEvents, event.type);
  if (found == kCountedEvents.end()) return;
  const bool is_test = stored.message.environment == Environment::Test;
  deliveries.at(is_test, found - kCountedEvents.begin()).add();
  if (event.type == EventType::RecipientDelivered) delivery_delays.at(is_test).observe(event.at - stored.message.accepted_at);
}

std::optional<store::Tally::Outcome> tallied(EventType type) {
  switch (type) {
    case EventType::RecipientDelivered: return store::Tally::Outcome::Delivered;
    case EventType::RecipientDeferred: return store::Tally::Outcome::Deferred;
    case EventType::RecipientBounced:
    case EventType::RecipientExpired: return store::Tally::Outcome::Bounced;
    case EventType::RecipientSuppressed: return store::Tally::Outcome::Suppressed;
    case EventType::RecipientComplained: return store::Tally::Outcome::Complained;
    default: return std::nullopt;
  }
}

void tally_event(const StoredMessage& stored, const Event& event, store::Tally& tally) {
  const auto outcome = tallied(event.type);
  if (!outcome || stored.message.origin != store::MessageOrigin::Submission) return;
  const std::string domain = normalised_domain(std::string_view(event.recipient).substr(event.recipient.rfind('@') + 1));
  tally.count_outcome({stored.message.account, event.environment}, domain, *outcome, event.at - store::released_at(stored),
                      event.at);
}

// Builds a publication recipient by recipient.
class Publisher {
 public:
  Publisher(const StoredMessage& stored, const DeliveryPolicy& policy, Instant now)
      : stored_(stored), policy_(policy), now_(now) {
    publication_.settlement.id = stored.message.id;
  }

  void settle(std::uint32_t index, RecipientState state, RecipientStage stage, EventType type) {
    state.stage = stage;
    record(index, state, type);
    change(index, std::move(state));
  }

  void record(std::uint32_t index, const RecipientState& state, EventType type) {
    const store::MessageRecord& message = stored_.message;
    Event event;
    event.at = now_;
    event.type = type;
    if (message.origin == store::MessageOrigin::Submission) event.account = message.account;
    event.message = message.id;
    event.environment = message.environment;
    event.recipient = format_mailbox(message.envelope.recipients[index].mailbox);
    event.status = state.last_status;
    event.detail = state.remote;
    publication_.settlement.events.push_back(std::move(event));
  }

  void change(std::uint32_t index, RecipientState state) {
    publication_.settlement.changes.push_back({index, std::move(state)});
  }

  void owe(std::uint32_t index, DsnAction action, const RecipientState& state) {
    if (!owes_dsn(stored_.message.envelope, index, action)) return;
    std::optional<Instant> retry_until;
    if (action == DsnAction::Delayed) retry_until = store::released_at(stored_) + policy_.retry.lifetime;
    publication_.notices.push_back({index, action, state.last_status, state.remote, state.is_own_word, retry_until});
  }

  // RFC 3463 §3.5: X.4.7, delivery time expired. The notice carries the last word of the next hop.
  void expire(std::uint32_t index, RecipientState state) {
    const std::string age = format_duration(policy_.retry.lifetime);
    const std::string last = state.last_status.code == 0 ? "never tried" : format_status(state.last_status);
    state.last_status = Status{451, EnhancedCode{4, 4, 7}, "not delivered within " + age + "; last: " + last};
    state.is_own_word = true;
    RecipientState told = state;
    told.last_status.code = 554;
    told.last_status.enhanced = EnhancedCode{5, 4, 7};
    owe(index, DsnAction::Failed, told);
    settle(index, std::move(state), RecipientStage::Expired, EventType::RecipientExpired);
  }

  bool is_too_old() const { return now_ - store::released_at(stored_) >= policy_.retry.lifetime; }

  // Marks and owes the one delay notice if it is time. True if `state` changed.
  bool notice_delay(std::uint32_t index, RecipientState& state) {
    if (state.delay_notified || now_ - store::released_at(stored_) < policy_.delay_notice_after) return false;
    if (!owes_dsn(stored_.message.envelope, index, DsnAction::Delayed)) return false;
    state.delay_notified = true;
    owe(index, DsnAction::Delayed, state);
    return true;
  }

  void defer(const RecipientReport& report, RecipientState state, Random& random) {
    const auto next = policy_.retry.next_attempt(state.attempts, store::released_at(stored_), now_, random);
    if (!next) return expire(report.index, std::move(state));
    state.next_attempt = report.retry_after ? now_ + *report.retry_after : *next;
    notice_delay(report.index, state);
    record(report.index, state, EventType::RecipientDeferred);
    change(report.index, std::move(state));
  }

  Publication take() { return std::move(publication_); }

 private:
  const StoredMessage& stored_;
  const DeliveryPolicy& policy_;
  Instant now_;
  Publication publication_;
};

RecipientState after_attempt(const RecipientState& before, RecipientReport& report) {
  RecipientState state = before;
  if (state.attempts < std::numeric_limits<std::uint16_t>::max()) ++state.attempts;
  state.last_status = std::move(report.status);
  state.remote = std::move(report.remote);
  state.is_own_word = report.is_own_word || state.remote.empty();
  return state;
}

void publish_report(Publisher& publisher, const RecipientReport& report, RecipientState state, Random& random) {
  switch (report.outcome) {
    case Outcome::Relayed:
      publisher.owe(report.index, DsnAction::Relayed, state);
      [[fallthrough]];
    case Outcome::Delivered:
      return publisher.settle(report.index, std::move(state), RecipientStage::Delivered, EventType::RecipientDelivered);
    case Outcome::Deferred: return publisher.defer(report, std::move(state), random);
    case Outcome::Bounced:
      publisher.owe(report.index, DsnAction::Failed, state);
      return publisher.settle(report.index, std::move(state), RecipientStage::Bounced, EventType::RecipientBounced);
    case Outcome::Expired:
      publisher.owe(report.index, DsnAction::Failed, state);
      return publisher.settle(report.index, std::move(state), RecipientStage::Expired, EventType::RecipientExpired);
    case Outcome::Suppressed:
      publisher.owe(report.index, DsnAction::Failed, state);
      return publisher.settle(report.index, std::move(state), RecipientStage::Suppressed, EventType::RecipientSuppressed);
    case Outcome::Complained:
      publisher.record(report.index, state, EventType::RecipientDelivered);
      return publisher.settle(report.index, std::move(state), RecipientStage::Complained, EventType::RecipientComplained);
  }
}

void publish_waiting_recipient(Publisher& publisher, std::uint32_t index, RecipientState state, const Waiting& waiting) {
  const bool is_unsaid = state.last_status.code == 0 || (waiting.is_held && state.last_status != waiting.why);
  const bool is_first_word = is_unsaid && waiting.why.code != 0;
  if (is_first_word) state.last_status = waiting.why;
  if (is_first_word) state.is_own_word = true;
  if (publisher.is_too_old()) return publisher.expire(index, std::move(state));
  const bool is_noticed = publisher.notice_delay(index, state);
  if (is_first_word) publisher.record(index, state, EventType::RecipientDeferred);
  if (is_first_word || is_noticed) publisher.change(index, std::move(state));
}

void log_event(const operator_log::Attempt& attempt, const Event& event, const RecipientState& state) {
  switch (event.type) {
    case EventType::RecipientDelivered: return operator_log::recipient_delivered(attempt, event.status);
    case EventType::RecipientDeferred: return operator_log::recipient_deferred(attempt, event.status, state.next_attempt);
    case EventType::RecipientBounced: return operator_log::recipient_bounced(attempt, event.status);
    case EventType::RecipientExpired: return operator_log::recipient_expired(attempt, event.status);
    case EventType::RecipientComplained: return operator_log::recipient_complained(attempt, event.status);
    case EventType::RecipientSuppressed: return operator_log::recipient_suppressed(attempt, event.status);
    case EventType::MessageAccepted:
    case EventType::RecipientCancelled:
    case EventType::DsnQueued:
    case EventType::DsnWithheld:
    case EventType::MessageScheduled:
    case EventType::MessageReceived:
    case EventType::RecipientUnsubscribed:
    case EventType::WebhookDisabled: return;
  }
}

}  // namespace

Publication publish_reports(const StoredMessage& stored, std::span<RecipientReport> reports,
                            const DeliveryPolicy& policy, Instant now, Random& random) {
  Publisher publisher(stored, policy, now);
  for (RecipientReport& report : reports) {
    publish_report(publisher, report, after_attempt(stored.delivery.recipients[report.index], report), random);
  }
  return publisher.take();
}

Publication publish_waiting(const StoredMessage& stored, const Waiting& waiting, const DeliveryPolicy& policy, Instant now) {
  Publisher publisher(stored, policy, now);
  for (const std::uint32_t index : waiting.recipients) {
    publish_waiting_recipient(publisher, index, stored.delivery.recipients[index], waiting);
  }
  return publisher.take();
}

Publication publish_set_back(const StoredMessage& stored, const DeliveryPolicy& policy, Instant now) {
  Publisher publisher(stored, policy, now);
  if (stored.message.environment == Environment::Test) return publisher.take();
  for (std::uint32_t index = 0; index < stored.delivery.recipients.size(); ++index) {
    RecipientState state = stored.delivery.recipients[index];
    Instant latest = now + policy.retry.longest_wait(state.attempts);
    if (state.attempts == 0) latest = std::max(latest, store::released_at(stored));
    if (state.stage != RecipientStage::Pending || state.next_attempt <= latest) continue;
    // Whoever asked for a later first attempt meant the time of day.
    if (state.attempts == 0 && state.next_attempt > stored.message.accepted_at) continue;
    state.next_attempt = latest;
    publisher.change(index, std::move(state));
  }
  return publisher.take();
}

void log_publication(const StoredMessage& stored, const Publication& publication, std::string_view route, store::Tally& tally) {
  const auto& changes = publication.settlement.changes;
  auto change = changes.begin();
  for (const Event& event : publication.settlement.events) {
    count_event(stored, event);
    tally_event(stored, event, tally);
    // Events and changes are in the same order of recipients; a complaint has two events.
    while (change != changes.end() &&
           format_mailbox(stored.message.envelope.recipients[change->index].mailbox) != event.recipient) {
      ++change;
    }
    if (change == changes.end()) return;
    operator_log::Attempt attempt;
    attempt.message = stored.message.id;
    attempt.account = stored.message.account;
    attempt.environment = stored.message.environment;
    attempt.recipient = event.recipient;
    attempt.route = route;
    attempt.remote = event.detail;
    attempt.attempts = change->state.attempts;
    if (const auto failure = failure_of(event)) {
      count_failure(event, *failure);
      attempt.failure = failure_class_name(*failure);
    }
    log_event(attempt, event, change->state);
  }
}

}  // namespace postern::relay
