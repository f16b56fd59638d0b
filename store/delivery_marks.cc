#include "store/delivery_marks.h"

#include "store/codec.h"
#include "store/octets.h"
#include "store/tables.h"

#include <algorithm>
#include <string>

namespace postern::store {
namespace {

std::string mark_of(const AccountId& account) { return std::string(kDeliveriesMarkedKey).append(octets_of(account.octets)); }

Result<bool> is_there(Transaction& transaction, std::string_view key) {
  Result<std::optional<std::string_view>> found = Table(transaction, SpoolTable::Meta).find(key);
  if (!found) return found.error();
  return found->has_value();
}

bool is_delivered(const DeliveryRecord& delivery) {
  return std::ranges::any_of(delivery.recipients, [](const RecipientState& state) {
    return state.stage == RecipientStage::Delivered || state.stage == RecipientStage::Complained;
  });
}

}  // namespace

Result<void> mark_delivered(WriteTransaction& transaction, const AccountId& account) {
  const std::string mark = mark_of(account);
  Result<bool> is_marked = is_there(transaction, mark);
  if (!is_marked) return is_marked.error();
  if (*is_marked) return {};
  return WritableTable(transaction, SpoolTable::Meta).put(mark, {});
}

Result<bool> is_marked_delivered(Transaction& transaction, const AccountId& account) {
  return is_there(transaction, mark_of(account));
}

Result<void> mark_earlier_deliveries(WriteTransaction& transaction) {
  Result<bool> is_done = is_there(transaction, kDeliveriesMarkedKey);
  if (!is_done) return is_done.error();
  if (*is_done) return {};
  const Table deliveries(transaction, SpoolTable::Deliveries);
  Cursor cursor(Table(transaction, SpoolTable::Messages));
  for (bool found = cursor.first(); found; found = cursor.next()) {
    Result<MessageRecord> message = decode<MessageRecord>(cursor.value());
    // Damage is examine()'s business: here it only means one mark less.
    const bool counts =
        message && message->environment == postern::Environment::Live && message->origin == MessageOrigin::Submission;
    if (!counts) continue;
    Result<std::optional<std::string_view>> record = deliveries.find(cursor.key());
    if (!record) return record.error();
    Result<DeliveryRecord> delivery = *record ? decode<DeliveryRecord>(**record) : Result<DeliveryRecord>(DeliveryRecord{});
    if (!delivery || !is_delivered(*delivery)) continue;
    if (Result<void> marked = mark_delivered(transaction, message->account); !marked) return marked;
  }
  if (Result<void> walked = cursor.status(); !walked) return walked;
  return WritableTable(transaction, SpoolTable::Meta).put(kDeliveriesMarkedKey, {});
}

}  // namespace postern::store
