// Settling; see the header. The message's time of settling is that of its latest event.
#include "store/settlement.h"

#include "core/mailbox.h"
#include "core/time_format.h"
#include "store/delivery_marks.h"
#include "store/event_log.h"
#include "store/lane.h"
#include "store/message_table.h"
#include "store/spool_content.h"

#include <algorithm>

namespace postern::store {
namespace {

Instant time_of(const Settlement& settlement) {
  Instant latest = settlement.id.created();
  for (const Event& event : settlement.events) latest = std::max(latest, event.at);
  return latest;
}

Result<void> check_changes(const Settlement& settlement, const DeliveryRecord& delivery) {
  for (const RecipientChange& change : settlement.changes) {
    if (change.index < delivery.recipients.size()) continue;
    return Error(ErrorCode::InvalidArgument, "message " + format_message_id(settlement.id) + " has no recipient " +
                                                 std::to_string(change.index));
  }
  return {};
}

Result<void> check_notifications(Transaction& transaction, const Settlement& settlement) {
  for (const NewNotification& notification : settlement.notifications) {
    Result<bool> exists = has_message(transaction, notification.message.id);
    if (!exists) return exists.error();
    if (!*exists) continue;
    return Error(ErrorCode::AlreadyExists, "there is a message " + format_message_id(notification.message.id));
  }
  return {};
}

bool moves_lanes(const Settlement& settlement, const DeliveryRecord& delivery) {
  return std::ranges::any_of(settlement.changes, [&](const RecipientChange& change) {
    return change.state.route != delivery.recipients[change.index].route;
  });
}

void apply_changes(const Settlement& settlement, DeliveryRecord& delivery) {
  for (const RecipientChange& change : settlement.changes) {
    RecipientState& state = delivery.recipients[change.index];
    const bool would_revive =
        state.stage != RecipientStage::Pending && change.state.stage == RecipientStage::Pending;
    if (!would_revive) state = change.state;
  }
  if (!settlement.scheduled_at || !delivery.scheduled_at) return;
  if (delivery.content_until) *delivery.content_until += *settlement.scheduled_at - *delivery.scheduled_at;
  delivery.scheduled_at = settlement.scheduled_at;
}

Result<void> put_notification(SpoolTransaction spool, const NewNotification& notification, Duration capture_retention) {
  MessageRecord message = notification.message;
  std::string_view content = notification.content;
  message.content_octets = content.size();
  message.chunk_count = 0;
  while (!content.empty()) {
    const std::string_view chunk = content.substr(0, kChunkOctets);
    const ChunkSums sums = sum_chunk(message.id, message.chunk_count, chunk);
    Result<void> put = put_chunk(spool.transaction, {message.id, message.chunk_count++, chunk, sums});
    if (!put) return put;
    content.remove_prefix(chunk.size());
  }
  return insert_message(spool, message, notification.delivery, capture_retention);
}

Event make_event(const MessageRecord& message, EventType type, Instant now) {
  Event event;
  event.at = now;
  event.type = type;
  if (message.origin == MessageOrigin::Submission) event.account = message.account;
  event.message = message.id;
  event.environment = message.environment;
  return event;
}

Event make_cancel_event(const MessageRecord& message, const Recipient& recipient, Instant now) {
  Event event = make_event(message, EventType::RecipientCancelled, now);
  event.recipient = format_mailbox(recipient.mailbox);
  return event;
}

Error nothing_pending(const MessageId& id);

// Gives all pending recipients the same next attempt. Conflict: nothing is pending.
Result<void> move_attempts(SpoolTransaction spool, const MessageId& id, Instant to) {
  Result<MessageFacts> facts = load_message_facts(spool.transaction, id);
  if (!facts) return facts.error();
  Result<DeliveryRecord> delivery = load_delivery(spool.transaction, id);
  if (!delivery) return delivery.error();
  if (delivery->is_settled()) return nothing_pending(id);
  Result<std::vector<DueRow>> rows = rows_beside_lane(spool.transaction, id, *delivery);
  if (!rows) return rows.error();
  for (RecipientState& state : delivery->recipients) {
    if (state.stage == RecipientStage::Pending) state.next_attempt = to;
  }
  return update_delivery(spool, Redelivery{.facts = *facts,
                                           .delivery = std::move(*delivery),
                                           .rows = std::move(*rows),
                                           .now = to,
                                           .capture_retention = Duration::zero()});
}

Error nothing_pending(const MessageId& id) {
  return Error(ErrorCode::Conflict, "message " + format_message_id(id) + " has no pending recipient");
}

}  // namespace

Event make_schedule_event(const MessageRecord& message, Instant at, Instant now) {
  Event event = make_event(message, EventType::MessageScheduled, now);
  event.detail = format_rfc3339(at);
  return event;
}

Result<void> apply_settlement(SpoolTransaction spool, const Settlement& settlement, Duration capture_retention) {
  Result<MessageFacts> facts = load_message_facts(spool.transaction, settlement.id);
  if (!facts) return facts.error();
  Result<DeliveryRecord> delivery = load_delivery(spool.transaction, settlement.id);
  if (!delivery) return delivery.error();
  if (Result<void> checked = check_changes(settlement, *delivery); !checked) return checked;
  if (Result<void> checked = check_notifications(spool.transaction, settlement); !checked) return checked;

  Result<std::vector<DueRow>> rows = rows_beside_lane(spool.transaction, settlement.id, *delivery);
  if (!rows) return rows.error();
  const bool is_moved = moves_lanes(settlement, *delivery);
  apply_changes(settlement, *delivery);
  Redelivery redelivery{.facts = *facts,
                        .delivery = std::move(*delivery),
                        .rows = std::move(*rows),
                        .now = time_of(settlement),
                        .capture_retention = capture_retention,
                        .is_moved = is_moved};
  if (Result<void> updated = update_delivery(spool, std::move(redelivery)); !updated) return updated;
  for (const Event& event : settlement.events) {
    if (Result<void> appended = append_event(spool, event); !appended) return appended;
    const bool is_delivery = event.type == EventType::RecipientDelivered && event.environment == postern::Environment::Live;
    if (!is_delivery || event.account == AccountId{}) continue;
    if (Result<void> marked = mark_delivered(spool.transaction, event.account); !marked) return marked;
  }
  for (const NewNotification& notification : settlement.notifications) {
    if (Result<void> put = put_notification(spool, notification, capture_retention); !put) return put;
  }
  return {};
}

Result<void> apply_retry(SpoolTransaction spool, const MessageId& id, Instant now) {
  return move_attempts(spool, id, now);
}

Result<DueEntry> apply_reschedule(SpoolTransaction spool, const MessageId& id, const Schedule& schedule,
                                  Duration capture_retention) {
  Result<std::optional<StoredMessage>> stored = find_message(spool.transaction, id);
  if (!stored) return stored.error();
  if (!*stored) return Error(ErrorCode::NotFound, "no message " + format_message_id(id));
  const MessageRecord& message = (*stored)->message;
  DeliveryRecord& delivery = (*stored)->delivery;
  if (!delivery.is_scheduled()) {
    return Error(ErrorCode::Conflict, "message " + format_message_id(id) + " waits for no time");
  }
  Settlement settlement;
  settlement.id = id;
  settlement.scheduled_at = schedule.at;
  settlement.events.push_back(make_schedule_event(message, schedule.at, schedule.now));
  for (std::uint32_t i = 0; i < delivery.recipients.size(); ++i) {
    if (delivery.recipients[i].stage != RecipientStage::Pending) continue;
    delivery.recipients[i].next_attempt = schedule.at;
    settlement.changes.push_back({.index = i, .state = delivery.recipients[i]});
  }
  const DueEntry moved{
      .due = schedule.at, .id = id, .lane = lane_of_pending(message, delivery), .account = message.account};
  if (Result<void> applied = apply_settlement(spool, settlement, capture_retention); !applied) {
    return applied.error();
  }
  return moved;
}

Result<void> apply_cancel(SpoolTransaction spool, const MessageId& id, Instant now, Duration capture_retention) {
  Result<std::optional<StoredMessage>> stored = find_message(spool.transaction, id);
  if (!stored) return stored.error();
  if (!*stored) return Error(ErrorCode::NotFound, "no message " + format_message_id(id));
  const MessageRecord& message = (*stored)->message;
  const DeliveryRecord& delivery = (*stored)->delivery;
  if (delivery.is_settled()) return nothing_pending(id);
  Settlement settlement;
  settlement.id = id;
  const std::size_t count = std::min(delivery.recipients.size(), message.envelope.recipients.size());
  for (std::size_t i = 0; i < count; ++i) {
    if (delivery.recipients[i].stage != RecipientStage::Pending) continue;
    RecipientState state = delivery.recipients[i];
    state.stage = RecipientStage::Cancelled;
    settlement.changes.push_back({.index = static_cast<std::uint32_t>(i), .state = std::move(state)});
    settlement.events.push_back(make_cancel_event(message, message.envelope.recipients[i], now));
  }
  return apply_settlement(spool, settlement, capture_retention);
}

}  // namespace postern::store
