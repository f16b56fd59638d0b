// The event log; see the header.
#include "store/event_log.h"

#include "store/octets.h"
#include "store/record_table.h"
#include "store/table.h"

namespace postern::store {
namespace {

KeyOctets event_key(std::uint64_t sequence) { return KeyOctets().add(sequence); }

KeyOctets message_row(const MessageId& id, std::uint64_t sequence) {
  return KeyOctets().add(id.octets).add(sequence);
}

KeyOctets account_row(const AccountId& account, std::uint64_t sequence) {
  return KeyOctets().add(account.octets).add(sequence);
}

constexpr std::size_t kAccountOctets = 10;  // in front of the sequence

// The event that a row of account_events names; nullopt: examine() reports it.
Result<std::optional<Event>> load_event(Transaction& transaction, std::string_view sequence_octets) {
  return find_record(transaction, SpoolTable::Events, sequence_octets, decode_event);
}

// The first event whose sequence is not below `at_least`; nullopt: none.
Result<std::optional<EventFacts>> first_event(Transaction& transaction, std::uint64_t at_least) {
  Cursor cursor(Table(transaction, SpoolTable::Events));
  if (!cursor.seek(event_key(at_least))) {
    if (Result<void> walked = cursor.status(); !walked) return walked.error();
    return std::optional<EventFacts>();
  }
  Result<EventFacts> facts = decode_event_facts(cursor.value());
  if (!facts) return facts.error();
  return std::optional<EventFacts>(*facts);
}

}  // namespace

Result<void> append_event(SpoolTransaction spool, Event event) {
  event.sequence = spool.totals.next_sequence++;
  encode_event(event, spool.buffer);
  WritableTable events(spool.transaction, SpoolTable::Events);
  if (Result<void> put = events.append(event_key(event.sequence), spool.buffer); !put) return put;
  if (event.account != AccountId{}) {
    WritableTable accounts(spool.transaction, SpoolTable::AccountEvents);
    if (Result<void> put = accounts.put(account_row(event.account, event.sequence), {}); !put) return put;
  }
  if (!belongs_to_message(event.type)) return {};
  WritableTable rows(spool.transaction, SpoolTable::MessageEvents);
  return rows.put(message_row(event.message, event.sequence), {});
}

Result<std::vector<Event>> list_events_of(Transaction& transaction, const MessageId& id) {
  std::vector<Event> events;
  const std::string_view prefix = octets_of(id.octets);
  const Table table(transaction, SpoolTable::Events);
  Cursor cursor(Table(transaction, SpoolTable::MessageEvents));
  for (bool found = cursor.seek(prefix); found && cursor.key().starts_with(prefix); found = cursor.next()) {
    Result<std::optional<std::string_view>> record = table.find(cursor.key().substr(prefix.size()));
    if (!record) return record.error();
    if (!*record) continue;  // examine() reports it
    Result<Event> event = decode_event(**record);
    if (!event) return event.error();
    events.push_back(std::move(*event));
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return events;
}

Result<std::vector<Event>> list_events_after(Transaction& transaction, std::uint64_t after, std::size_t limit) {
  std::vector<Event> events;
  if (after == ~std::uint64_t{0}) return events;
  Cursor cursor(Table(transaction, SpoolTable::Events));
  for (bool found = cursor.seek(event_key(after + 1)); found && events.size() < limit; found = cursor.next()) {
    Result<Event> event = decode_event(cursor.value());
    if (!event) return event.error();
    events.push_back(std::move(*event));
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return events;
}

Result<std::optional<Event>> find_event(Transaction& transaction, std::uint64_t sequence) {
  return load_event(transaction, event_key(sequence));
}

Result<std::vector<Event>> list_events_of_account_after(Transaction& transaction, const AccountId& account,
                                                        std::uint64_t after, std::size_t limit) {
  std::vector<Event> events;
  if (after == ~std::uint64_t{0}) return events;
  const std::string_view prefix = octets_of(account.octets);
  Cursor cursor(Table(transaction, SpoolTable::AccountEvents));
  bool found = cursor.seek(account_row(account, after + 1));
  for (; found && cursor.key().starts_with(prefix) && events.size() < limit; found = cursor.next()) {
    Result<std::optional<Event>> event = load_event(transaction, cursor.key().substr(kAccountOctets));
    if (!event) return event.error();
    if (*event) events.push_back(std::move(**event));
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return events;
}

Result<std::vector<Event>> list_events_of_account_before(Transaction& transaction, const AccountId& account,
                                                         std::optional<std::uint64_t> before, std::size_t limit) {
  std::vector<Event> events;
  const std::string_view prefix = octets_of(account.octets);
  Cursor cursor(Table(transaction, SpoolTable::AccountEvents));
  bool found = cursor.seek_before(account_row(account, before.value_or(~std::uint64_t{0})));
  for (; found && cursor.key().starts_with(prefix) && events.size() < limit; found = cursor.previous()) {
    Result<std::optional<Event>> event = load_event(transaction, cursor.key().substr(kAccountOctets));
    if (!event) return event.error();
    if (*event) events.push_back(std::move(**event));
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return events;
}

Result<std::size_t> index_events_by_account(WriteTransaction& transaction) {
  std::size_t count = 0;
  WritableTable rows(transaction, SpoolTable::AccountEvents);
  Cursor cursor(Table(transaction, SpoolTable::Events));
  for (bool found = cursor.first(); found; found = cursor.next()) {
    Result<EventFacts> facts = decode_event_facts(cursor.value());
    if (!facts) return facts.error();
    if (facts->account == AccountId{}) continue;
    if (Result<void> put = rows.put(account_row(facts->account, facts->sequence), {}); !put) return put.error();
    ++count;
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return count;
}

Result<std::size_t> expire_events(WriteTransaction& transaction, Instant before, std::uint64_t max_count,
                                  std::size_t limit) {
  Result<std::uint64_t> count = Table(transaction, SpoolTable::Events).count();
  if (!count) return count.error();
  WritableTable events(transaction, SpoolTable::Events);
  WritableTable rows(transaction, SpoolTable::MessageEvents);
  WritableTable accounts(transaction, SpoolTable::AccountEvents);
  std::size_t removed = 0;
  std::uint64_t from = 0;
  while (removed < limit) {
    Result<std::optional<EventFacts>> oldest = first_event(transaction, from);
    if (!oldest) return oldest.error();
    if (!*oldest || ((*oldest)->at > before && *count - removed <= max_count)) break;
    if (Result<bool> erased = events.erase(event_key((*oldest)->sequence)); !erased) return erased.error();
    Result<bool> erased = rows.erase(message_row((*oldest)->message, (*oldest)->sequence));
    if (!erased) return erased.error();
    erased = accounts.erase(account_row((*oldest)->account, (*oldest)->sequence));
    if (!erased) return erased.error();
    from = (*oldest)->sequence + 1;
    ++removed;
  }
  return removed;
}

}  // namespace postern::store
