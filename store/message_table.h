// Messages and their delivery records, with the indexes that follow from a delivery: due, settled, captured. Everything that
// moves a message from one state of docs/storage.md to the next is here.
#pragma once

#include "store/lane.h"
#include "store/records.h"
#include "store/spool_transaction.h"

#include <optional>
#include <vector>

namespace postern::store {

Result<std::optional<StoredMessage>> find_message(Transaction& transaction, const MessageId& id);
Result<bool> has_message(Transaction& transaction, const MessageId& id);
// NotFound, CorruptRecord.
Result<MessageFacts> load_message_facts(Transaction& transaction, const MessageId& id);
Result<MessageRecord> load_message(Transaction& transaction, const MessageId& id);
Result<DeliveryRecord> load_delivery(Transaction& transaction, const MessageId& id);
Result<std::vector<StoredMessage>> list_messages(Transaction& transaction, const std::optional<MessageId>& before,
                                                 std::size_t limit);

// A notification is about an account's mail, but the relay's own: no account's list has it.
inline bool is_listed_with_account(const MessageRecord& message) { return message.origin == MessageOrigin::Submission; }

// Content that stays once nothing is left to deliver: each account has its share of the room for it.
inline bool is_kept_for_reading(const MessageRecord& message) {
  return message.environment == Environment::Test || message.origin == MessageOrigin::Inbound;
}

// The account's: newest first, strictly older than `before` if given; and oldest first, strictly newer than `after`.
Result<std::vector<StoredMessage>> list_messages_of(Transaction& transaction, const AccountId& account,
                                                    const std::optional<MessageId>& before, std::size_t limit);
Result<std::vector<StoredMessage>> list_newer_messages_of(Transaction& transaction, const AccountId& account,
                                                          const MessageId& after, std::size_t limit);
// Fills the index by account for messages that were stored before there was one. Returns how many.
Result<std::size_t> index_messages_by_account(WriteTransaction& transaction);

// open → committed. Requires: no message of that id; its content is written in the same transaction. A delivery with no due
// time is stored as settled; `capture_retention` is for test content that names no end of its own.
Result<void> insert_message(SpoolTransaction spool, const MessageRecord& message, DeliveryRecord delivery,
                            Duration capture_retention);

// The rows of the due index that a delivery record does not tell by itself: of a message in several lanes, or written before there
// were lanes. Reads the message's record for those, nothing for others.
Result<std::vector<DueRow>> rows_beside_lane(Transaction& transaction, const MessageId& id, const DeliveryRecord& delivery);

// committed → committed or settled. Stores `delivery`, whose recipients have changed, moves its rows of the due index to the next
// attempts and settles at `now` if none is left. `facts`, `rows` and the delivery's due and lane are as stored.
struct Redelivery {
  MessageFacts facts;
  DeliveryRecord delivery;
  std::vector<DueRow> rows;  // rows_beside_lane() from before the change
  Instant now;
  Duration capture_retention;
  bool is_moved = false;  // to other lanes
};
Result<void> update_delivery(SpoolTransaction spool, Redelivery redelivery);

// settled, or committed → removed, content and all. Its events stay until their own retention.
Result<void> erase_message(SpoolTransaction spool, const MessageId& id);
// Removes captured content whose time has come; the records stay.
Result<void> erase_captured_content(SpoolTransaction spool, const MessageId& id);

struct IndexedMessage {
  Instant at;
  MessageId id;
};
// Whose a row of the settled (weight 1) or of the captured index (weight: octets) is.
struct IndexedOwner {
  MessageId id;
  AccountId account;
  Environment environment = Environment::Live;
  std::uint64_t weight = 1;
};
Result<IndexedOwner> owner_of_settled(Transaction& transaction, std::string_view key, std::string_view value);
Result<IndexedOwner> owner_of_captured(Transaction& transaction, std::string_view key, std::string_view value);

// Counts what is captured and queued as test mail of its accounts, at the start of a server. Of the queue only their lane is read.
Result<void> count_test_mail(SpoolTransaction spool);

// The oldest entry of the settled and of the captured index.
Result<std::optional<IndexedMessage>> oldest_settled(Transaction& transaction);
Result<std::optional<IndexedMessage>> oldest_captured(Transaction& transaction);

}  // namespace postern::store
