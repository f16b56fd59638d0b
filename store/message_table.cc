// A message's records and the indexes that follow from its delivery; docs/storage.md draws the states.
#include "store/message_table.h"

#include "store/due_index.h"
#include "store/inbound_table.h"
#include "store/octets.h"
#include "store/run_table.h"
#include "store/spool_content.h"
#include "store/tables.h"

#include <algorithm>

namespace postern::store {
namespace {

Error no_message(const MessageId& id) { return Error(ErrorCode::NotFound, "no message " + format_message_id(id)); }

constexpr std::size_t kHolderOctets = 10;  // in front of the message id

KeyOctets account_row(const AccountId& account, const MessageId& id) {
  return KeyOctets().add(account.octets).add(id.octets);
}

KeyOctets index_key(Instant at, const MessageId& id) { return KeyOctets().add(at).add(id.octets); }

// The record's octets: NotFound if it is not there.
Result<std::string_view> load(Transaction& transaction, SpoolTable table, const MessageId& id) {
  Result<std::optional<std::string_view>> record = Table(transaction, table).find(octets_of(id.octets));
  if (!record) return record.error();
  if (!*record) return no_message(id);
  return **record;
}

Result<void> put_delivery(SpoolTransaction spool, const MessageId& id, const DeliveryRecord& delivery) {
  encode(delivery, spool.buffer);
  return WritableTable(spool.transaction, SpoolTable::Deliveries).put(octets_of(id.octets), spool.buffer);
}

// The rows of a message that has nothing left to deliver. Content of test mail and what came in is kept until `content_until`, that
// of live mail goes.
Result<void> settle_content(SpoolTransaction spool, const MessageFacts& facts, DeliveryRecord& delivery,
                            Duration capture_retention) {
  const Instant settled_at = *delivery.settled_at;
  WritableTable settled(spool.transaction, SpoolTable::Settled);
  const KeyOctets owner = KeyOctets().add(facts.account.octets).add(static_cast<std::uint8_t>(facts.environment));
  if (Result<void> put = settled.put(index_key(settled_at, facts.id), owner); !put) return put;
  const bool keeps_content = facts.environment == Environment::Test || delivery.content_until;
  if (!keeps_content) return erase_content(spool.transaction, facts.id);
  if (!delivery.content_until) delivery.content_until = settled_at + capture_retention;
  spool.totals.captured_octets += facts.content_octets;
  const KeyOctets octets = KeyOctets().add(facts.content_octets).add(facts.account.octets);
  WritableTable captured(spool.transaction, SpoolTable::Captured);
  return captured.put(index_key(*delivery.content_until, facts.id), octets);
}

std::optional<Instant> earliest_attempt(const DeliveryRecord& delivery) {
  std::optional<Instant> earliest;
  for (const RecipientState& state : delivery.recipients) {
    if (state.stage != RecipientStage::Pending) continue;
    if (!earliest || state.next_attempt < *earliest) earliest = state.next_attempt;
  }
  return earliest;
}

Error damaged_states(const MessageId& id) {
  return Error(ErrorCode::CorruptRecord, "message " + format_message_id(id) + " has more states than recipients");
}

// Of a message whose rows its delivery record does not tell.
Result<std::vector<DueRow>> load_rows(Transaction& transaction, const MessageId& id, const DeliveryRecord& delivery) {
  Result<MessageRecord> message = load_message(transaction, id);
  if (!message) return message.error();
  if (delivery.recipients.size() > message->envelope.recipients.size()) return damaged_states(id);
  return due_rows(*message, delivery);
}

Result<void> put_rows(WriteTransaction& transaction, const MessageId& id, const std::vector<DueRow>& rows) {
  for (const DueRow& row : rows) {
    if (Result<void> put = put_due(transaction, row.lane, {row.due, id}); !put) return put;
  }
  return {};
}

// `several`: its rows where its record does not tell the lane.
Result<void> erase_rows(WriteTransaction& transaction, const MessageId& id, const DeliveryRecord& delivery,
                        const std::vector<DueRow>& several) {
  if (!delivery.lane.empty()) return erase_due(transaction, delivery.lane, {*delivery.due, id});
  for (const DueRow& row : several) {
    if (Result<void> erased = erase_due(transaction, row.lane, {row.due, id}); !erased) return erased;
  }
  return {};
}

// Puts the rows of what is pending, and their lane into `delivery`.
Result<void> put_pending_rows(WriteTransaction& transaction, const MessageId& id, DeliveryRecord& delivery) {
  // Whatever is left of what was in one lane is in that lane.
  if (!delivery.lane.empty()) return put_due(transaction, delivery.lane, {*delivery.due, id});
  Result<std::vector<DueRow>> rows = load_rows(transaction, id, delivery);
  if (!rows) return rows.error();
  if (rows->size() == 1) delivery.lane = rows->front().lane;
  return put_rows(transaction, id, *rows);
}

Result<std::optional<IndexedMessage>> oldest(Transaction& transaction, SpoolTable index) {
  Cursor cursor(Table(transaction, index));
  if (!cursor.first()) {
    if (Result<void> walked = cursor.status(); !walked) return walked.error();
    return std::optional<IndexedMessage>();
  }
  KeyReader reader(cursor.key());
  IndexedMessage entry;
  entry.at = reader.instant();
  entry.id.octets = reader.octets<16>();
  return std::optional<IndexedMessage>(entry);
}

// Adds the message that a row of account_messages names; one that is not there is examine()'s to report.
Result<void> add_listed(Transaction& transaction, std::string_view row, std::vector<StoredMessage>& messages) {
  KeyReader reader(row.substr(kHolderOctets));
  Result<std::optional<StoredMessage>> message = find_message(transaction, MessageId{reader.octets<16>()});
  if (!message) return message.error();
  if (*message) messages.push_back(std::move(**message));
  return {};
}

// What waits in a lane of test mail is its accounts'.
Result<void> count_lane(SpoolTransaction spool, std::string_view lane) {
  constexpr std::size_t kAtOnce = 1'024;
  std::optional<DueKey> after;
  for (;;) {
    Result<DueSlice> slice = list_due(spool.transaction, lane, after, Instant::max(), kAtOnce);
    if (!slice) return slice.error();
    for (const DueKey& key : slice->keys) {
      Result<MessageFacts> facts = load_message_facts(spool.transaction, key.id);
      if (facts) spool.test_mail.add(facts->account, facts->content_octets);
    }
    if (!slice->next || slice->keys.empty()) return {};
    after = slice->keys.back();
  }
}

// Takes a message out of the captured index. Requires: content_until is set.
Result<void> erase_captured_row(SpoolTransaction spool, const MessageId& id, const DeliveryRecord& delivery) {
  const KeyOctets key = index_key(*delivery.content_until, id);
  Result<std::optional<std::string_view>> row = Table(spool.transaction, SpoolTable::Captured).find(key);
  if (!row) return row.error();
  if (!*row) return {};
  const std::uint64_t octets = KeyReader(**row).number(8);
  spool.totals.captured_octets -= std::min(octets, spool.totals.captured_octets);
  Result<IndexedOwner> owner = owner_of_captured(spool.transaction, key, **row);
  if (owner) spool.test_mail.remove(owner->account, octets);
  Result<bool> erased = WritableTable(spool.transaction, SpoolTable::Captured).erase(key);
  if (!erased) return erased.error();
  return {};
}

Result<void> erase_transcript(WriteTransaction& transaction, const MessageId& id) {
  if (Result<bool> erased = WritableTable(transaction, SpoolTable::Transcripts).erase(octets_of(id.octets)); !erased) {
    return erased.error();
  }
  return {};
}

}  // namespace

Result<std::optional<StoredMessage>> find_message(Transaction& transaction, const MessageId& id) {
  Result<std::optional<StoredMessage>> found;
  Result<std::string_view> message = load(transaction, SpoolTable::Messages, id);
  if (!message && message.error().code() == ErrorCode::NotFound) return found;
  if (!message) return message.error();
  StoredMessage& stored = found->emplace();
  if (Result<void> decoded = decode_into(*message, stored.message); !decoded) return decoded.error();
  Result<std::string_view> delivery = load(transaction, SpoolTable::Deliveries, id);
  if (!delivery) return delivery.error();
  if (Result<void> decoded = decode_into(*delivery, stored.delivery); !decoded) return decoded.error();
  if (stored.message.origin != MessageOrigin::Inbound) return found;
  Result<std::optional<InboundRecord>> inbound = find_inbound(transaction, stored.message.account, id);
  if (!inbound) return inbound.error();
  stored.inbound = std::move(*inbound);
  return found;
}

Result<bool> has_message(Transaction& transaction, const MessageId& id) {
  Result<std::optional<std::string_view>> record =
      Table(transaction, SpoolTable::Messages).find(octets_of(id.octets));
  if (!record) return record.error();
  return record->has_value();
}

Result<MessageFacts> load_message_facts(Transaction& transaction, const MessageId& id) {
  Result<std::string_view> record = load(transaction, SpoolTable::Messages, id);
  if (!record) return record.error();
  return decode<MessageFacts>(*record);
}

Result<MessageRecord> load_message(Transaction& transaction, const MessageId& id) {
  Result<std::string_view> record = load(transaction, SpoolTable::Messages, id);
  if (!record) return record.error();
  return decode<MessageRecord>(*record);
}

Result<DeliveryRecord> load_delivery(Transaction& transaction, const MessageId& id) {
  Result<std::string_view> record = load(transaction, SpoolTable::Deliveries, id);
  if (!record) return record.error();
  return decode<DeliveryRecord>(*record);
}

Result<std::vector<StoredMessage>> list_messages(Transaction& transaction, const std::optional<MessageId>& before,
                                                 std::size_t limit) {
  std::vector<StoredMessage> messages;
  Cursor cursor(Table(transaction, SpoolTable::Messages));
  const bool is_behind_all = !before || !cursor.seek(octets_of(before->octets));
  bool found = is_behind_all ? cursor.last() : cursor.previous();
  for (; found && messages.size() < limit; found = cursor.previous()) {
    Result<MessageRecord> message = decode<MessageRecord>(cursor.value());
    if (!message) return message.error();
    Result<DeliveryRecord> delivery = load_delivery(transaction, message->id);
    if (!delivery) return delivery.error();
    messages.push_back(StoredMessage{.message = std::move(*message), .delivery = std::move(*delivery)});
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return messages;
}

Result<std::vector<StoredMessage>> list_messages_of(Transaction& transaction, const AccountId& account,
                                                    const std::optional<MessageId>& before, std::size_t limit) {
  constexpr MessageId kBeyondAll = [] {
    MessageId id;
    id.octets.fill(0xff);
    return id;
  }();
  std::vector<StoredMessage> messages;
  const std::string_view prefix = octets_of(account.octets);
  Cursor cursor(Table(transaction, SpoolTable::AccountMessages));
  bool found = cursor.seek_before(account_row(account, before.value_or(kBeyondAll)));
  for (; found && cursor.key().starts_with(prefix) && messages.size() < limit; found = cursor.previous()) {
    if (Result<void> added = add_listed(transaction, cursor.key(), messages); !added) return added.error();
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return messages;
}

Result<std::vector<StoredMessage>> list_newer_messages_of(Transaction& transaction, const AccountId& account,
                                                          const MessageId& after, std::size_t limit) {
  std::vector<StoredMessage> messages;
  const std::string_view prefix = octets_of(account.octets);
  const KeyOctets bound = account_row(account, after);
  Cursor cursor(Table(transaction, SpoolTable::AccountMessages));
  bool found = cursor.seek(bound);
  if (found && cursor.key() == std::string_view(bound)) found = cursor.next();
  for (; found && cursor.key().starts_with(prefix) && messages.size() < limit; found = cursor.next()) {
    if (Result<void> added = add_listed(transaction, cursor.key(), messages); !added) return added.error();
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return messages;
}

Result<std::size_t> index_messages_by_account(WriteTransaction& transaction) {
  std::size_t count = 0;
  WritableTable rows(transaction, SpoolTable::AccountMessages);
  Cursor cursor(Table(transaction, SpoolTable::Messages));
  for (bool found = cursor.first(); found; found = cursor.next()) {
    Result<MessageRecord> message = decode<MessageRecord>(cursor.value());
    if (!message) return message.error();
    if (!is_listed_with_account(*message)) continue;
    if (Result<void> put = rows.put(account_row(message->account, message->id), {}); !put) return put.error();
    ++count;
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return count;
}

Result<void> insert_message(SpoolTransaction spool, const MessageRecord& message, DeliveryRecord delivery,
                            Duration capture_retention) {
  const MessageId id = message.id;
  if (is_kept_for_reading(message)) spool.test_mail.add(message.account, message.content_octets);
  encode(message, spool.buffer);
  WritableTable messages(spool.transaction, SpoolTable::Messages);
  if (Result<void> put = messages.put(octets_of(id.octets), spool.buffer); !put) return put;
  if (is_listed_with_account(message)) {
    WritableTable rows(spool.transaction, SpoolTable::AccountMessages);
    if (Result<void> put = rows.put(account_row(message.account, id), {}); !put) return put;
  }
  if (Result<void> indexed = index_run_message(spool.transaction, message); !indexed) return indexed;
  if (delivery.due) {
    delivery.settled_at.reset();
    Result<void> put = delivery.lane.empty() ? put_rows(spool.transaction, id, due_rows(message, delivery))
                                             : put_due(spool.transaction, delivery.lane, {*delivery.due, id});
    if (!put) return put;
    return put_delivery(spool, id, delivery);
  }
  if (!delivery.settled_at) delivery.settled_at = message.accepted_at;
  const MessageFacts facts{.id = id,
                           .account = message.account,
                           .environment = message.environment,
                           .content_octets = message.content_octets,
                           .chunk_count = message.chunk_count};
  if (Result<void> settled = settle_content(spool, facts, delivery, capture_retention); !settled) return settled;
  return put_delivery(spool, id, delivery);
}

Result<std::vector<DueRow>> rows_beside_lane(Transaction& transaction, const MessageId& id, const DeliveryRecord& delivery) {
  if (delivery.is_settled() || !delivery.lane.empty()) return std::vector<DueRow>();
  return load_rows(transaction, id, delivery);
}

Result<void> update_delivery(SpoolTransaction spool, Redelivery redelivery) {
  const MessageId id = redelivery.facts.id;
  DeliveryRecord& delivery = redelivery.delivery;
  if (delivery.is_settled()) return put_delivery(spool, id, delivery);
  if (Result<void> erased = erase_rows(spool.transaction, id, delivery, redelivery.rows); !erased) return erased;
  delivery.due = earliest_attempt(delivery);
  if (redelivery.is_moved) delivery.lane.clear();
  if (delivery.due) {
    if (Result<void> put = put_pending_rows(spool.transaction, id, delivery); !put) return put;
    return put_delivery(spool, id, delivery);
  }
  delivery.settled_at = redelivery.now;
  Result<void> settled = settle_content(spool, redelivery.facts, delivery, redelivery.capture_retention);
  if (!settled) return settled;
  return put_delivery(spool, id, delivery);
}

Result<void> erase_message(SpoolTransaction spool, const MessageId& id) {
  Result<MessageFacts> facts = load_message_facts(spool.transaction, id);
  if (!facts) return facts.error();
  Result<DeliveryRecord> delivery = load_delivery(spool.transaction, id);
  if (!delivery) return delivery.error();
  WritableTable rows(spool.transaction, SpoolTable::AccountMessages);
  Result<bool> was_listed = rows.erase(account_row(facts->account, id));
  if (!was_listed) return was_listed.error();
  if (!*was_listed) {
    if (Result<void> erased = erase_inbound(spool.transaction, facts->account, id); !erased) return erased;
  }
  if (facts->environment == Environment::Test) {
    Result<MessageRecord> message = load_message(spool.transaction, id);
    if (!message) return message.error();
    if (Result<void> erased = unindex_run_message(spool.transaction, *message); !erased) return erased;
    if (Result<void> erased = erase_transcript(spool.transaction, id); !erased) return erased;
  }
  if (delivery->due) {
    Result<std::vector<DueRow>> due = rows_beside_lane(spool.transaction, id, *delivery);
    if (!due) return due.error();
    if (Result<void> erased = erase_rows(spool.transaction, id, *delivery, *due); !erased) return erased;
    if (facts->environment == Environment::Test) spool.test_mail.remove(facts->account, facts->content_octets);
  }
  if (delivery->settled_at) {
    WritableTable settled(spool.transaction, SpoolTable::Settled);
    if (Result<bool> erased = settled.erase(index_key(*delivery->settled_at, id)); !erased) return erased.error();
  }
  if (delivery->content_until) {
    if (Result<void> erased = erase_captured_row(spool, id, *delivery); !erased) return erased;
  }
  if (Result<void> erased = erase_content(spool.transaction, id); !erased) return erased;
  for (const SpoolTable table : {SpoolTable::Messages, SpoolTable::Deliveries}) {
    Result<bool> erased = WritableTable(spool.transaction, table).erase(octets_of(id.octets));
    if (!erased) return erased.error();
  }
  return {};
}

Result<void> erase_captured_content(SpoolTransaction spool, const MessageId& id) {
  Result<DeliveryRecord> delivery = load_delivery(spool.transaction, id);
  if (!delivery) return delivery.error();
  if (!delivery->content_until) return Error(ErrorCode::CorruptRecord, "captured content without an end");
  if (Result<void> erased = erase_captured_row(spool, id, *delivery); !erased) return erased;
  if (Result<void> erased = erase_content(spool.transaction, id); !erased) return erased;
  if (Result<void> erased = erase_transcript(spool.transaction, id); !erased) return erased;
  delivery->content_until.reset();
  return put_delivery(spool, id, *delivery);
}

Result<IndexedOwner> owner_of_settled(Transaction& transaction, std::string_view key, std::string_view value) {
  IndexedOwner owner;
  KeyReader in_key(key);
  (void)in_key.instant();
  owner.id.octets = in_key.octets<16>();
  KeyReader in_value(value);
  owner.account.octets = in_value.octets<10>();
  owner.environment = in_value.number(1) == static_cast<std::uint64_t>(Environment::Test) ? Environment::Test : Environment::Live;
  if (in_value.is_complete()) return owner;
  Result<MessageFacts> facts = load_message_facts(transaction, owner.id);
  if (!facts) return facts.error();
  owner.account = facts->account;
  owner.environment = facts->environment;
  return owner;
}

Result<IndexedOwner> owner_of_captured(Transaction& transaction, std::string_view key, std::string_view value) {
  IndexedOwner owner{.id = {}, .account = {}, .environment = Environment::Test, .weight = 0};
  KeyReader in_key(key);
  (void)in_key.instant();
  owner.id.octets = in_key.octets<16>();
  KeyReader in_value(value);
  owner.weight = in_value.number(8);
  owner.account.octets = in_value.octets<10>();
  if (in_value.is_complete()) return owner;
  Result<MessageFacts> facts = load_message_facts(transaction, owner.id);
  if (!facts) return facts.error();
  owner.account = facts->account;
  return owner;
}

Result<void> count_test_mail(SpoolTransaction spool) {
  Cursor captured(Table(spool.transaction, SpoolTable::Captured));
  for (bool found = captured.first(); found; found = captured.next()) {
    Result<IndexedOwner> owner = owner_of_captured(spool.transaction, captured.key(), captured.value());
    if (owner) spool.test_mail.add(owner->account, owner->weight);
  }
  if (Result<void> walked = captured.status(); !walked) return walked;
  if (Result<void> counted = count_lane(spool, kTestLane); !counted) return counted;
  // The lanes of runs stand together: their names begin alike.
  std::string lane(kClockLanePrefix);
  for (;;) {
    Result<std::vector<LaneHead>> next = list_lanes(spool.transaction, lane, 1);
    if (!next) return next.error();
    if (next->empty() || !is_clock_lane(next->front().lane)) return {};
    lane = next->front().lane;
    if (Result<void> counted = count_lane(spool, lane); !counted) return counted;
  }
}

Result<std::optional<IndexedMessage>> oldest_settled(Transaction& transaction) {
  return oldest(transaction, SpoolTable::Settled);
}

Result<std::optional<IndexedMessage>> oldest_captured(Transaction& transaction) {
  return oldest(transaction, SpoolTable::Captured);
}

}  // namespace postern::store
