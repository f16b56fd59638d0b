#include "store/inbound_table.h"

#include "store/octets.h"
#include "store/record_table.h"

namespace postern::store {
namespace {

KeyOctets inbound_key(const AccountId& account, const MessageId& id) {
  return KeyOctets().add(account.octets).add(id.octets);
}

}  // namespace

Result<void> put_inbound(WriteTransaction& transaction, const InboundRecord& record) {
  WritableTable unread(transaction, SpoolTable::InboundUnread);
  if (record.is_unread()) {
    if (Result<void> put = unread.put(octets_of(record.id.octets), octets_of(record.account.octets)); !put) return put;
  } else if (Result<bool> erased = unread.erase(octets_of(record.id.octets)); !erased) {
    return erased.error();
  }
  return put_record(transaction, inbound_key(record.account, record.id), record);
}

Result<void> erase_inbound(WriteTransaction& transaction, const AccountId& account, const MessageId& id) {
  const Result<bool> erased = WritableTable(transaction, SpoolTable::Inbound).erase(inbound_key(account, id));
  if (!erased) return erased.error();
  const Result<bool> was_unread = WritableTable(transaction, SpoolTable::InboundUnread).erase(octets_of(id.octets));
  if (!was_unread) return was_unread.error();
  return {};
}

Result<std::optional<InboundRecord>> find_inbound(Transaction& transaction, const AccountId& account, const MessageId& id) {
  return find_record<InboundRecord>(transaction, inbound_key(account, id));
}

Result<std::vector<InboundRecord>> list_inbound(Transaction& transaction, const AccountId& account,
                                                const std::optional<MessageId>& before, std::size_t limit) {
  constexpr MessageId kAboveAll = [] {
    MessageId id;
    id.octets.fill(0xff);
    return id;
  }();
  std::vector<InboundRecord> records;
  const std::string_view prefix = octets_of(account.octets);
  Cursor cursor(Table(transaction, SpoolTable::Inbound));
  bool found = cursor.seek_before(inbound_key(account, before.value_or(kAboveAll)));
  for (; found && cursor.key().starts_with(prefix) && records.size() < limit; found = cursor.previous()) {
    Result<InboundRecord> record = decode<InboundRecord>(cursor.value());
    if (!record) return record.error();
    records.push_back(std::move(*record));
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return records;
}

Result<std::vector<InboundRecord>> list_unread_inbound(Transaction& transaction, const std::optional<MessageId>& after,
                                                       std::size_t limit) {
  std::vector<InboundRecord> records;
  Cursor cursor(Table(transaction, SpoolTable::InboundUnread));
  bool found = after ? cursor.seek(octets_of(after->octets)) : cursor.first();
  if (found && after && cursor.key() == octets_of(after->octets)) found = cursor.next();
  for (; found && records.size() < limit; found = cursor.next()) {
    const MessageId id{KeyReader(cursor.key()).octets<16>()};
    const AccountId account{KeyReader(cursor.value()).octets<10>()};
    Result<std::optional<InboundRecord>> record = find_inbound(transaction, account, id);
    if (!record) return record.error();
    if (*record) records.push_back(std::move(**record));
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return records;
}

}  // namespace postern::store
