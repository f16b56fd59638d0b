// The event log; see the header.
#include "store/event_log.h"

#include "store/octets.h"
#include "store/record_table.h"
#include "store/retention.h"
#include "store/tables.h"

#include <algorithm>

namespace postern::store {
namespace {

constexpr std::size_t kAccountOctets = 10;  // in front of the sequence

KeyOctets event_key(std::uint64_t sequence) { return KeyOctets().add(sequence); }

KeyOctets message_row(const MessageId& id, std::uint64_t sequence) {
  return KeyOctets().add(id.octets).add(sequence);
}

KeyOctets account_row(const AccountId& account, std::uint64_t sequence) {
  return KeyOctets().add(account.octets).add(sequence);
}

// The event that a row of account_events names; nullopt: examine() reports it.
Result<std::optional<Event>> load_event(Transaction& transaction, std::string_view sequence_octets) {
  return find_record<Event>(transaction, sequence_octets);
}

AccountId account_of_row(std::string_view key) { return AccountId{KeyReader(key).octets<kAccountOctets>()}; }

Result<void> erase_event_rows(WriteTransaction& transaction, const EventFacts& event) {
  Result<bool> erased = WritableTable(transaction, SpoolTable::Events).erase(event_key(event.sequence));
  if (!erased) return erased.error();
  erased = WritableTable(transaction, SpoolTable::MessageEvents).erase(message_row(event.message, event.sequence));
  if (!erased) return erased.error();
  erased = WritableTable(transaction, SpoolTable::AccountEvents).erase(account_row(event.account, event.sequence));
  if (!erased) return erased.error();
  return {};
}

// The first event whose sequence is not below `at_least`; nullopt: none.
Result<std::optional<EventFacts>> first_event(Transaction& transaction, std::uint64_t at_least) {
  Cursor cursor(Table(transaction, SpoolTable::Events));
  if (!cursor.seek(event_key(at_least))) {
    if (Result<void> walked = cursor.status(); !walked) return walked.error();
    return std::optional<EventFacts>();
  }
  Result<EventFacts> facts = decode<EventFacts>(cursor.value());
  if (!facts) return facts.error();
  return std::optional<EventFacts>(*facts);
}

}  // namespace

Result<void> append_event(SpoolTransaction spool, Event event) {
  event.sequence = spool.totals.next_sequence++;
  encode(event, spool.buffer);
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
    Result<Event> event = decode<Event>(**record);
    if (!event) return event.error();
    events.push_back(std::move(*event));
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return events;
}

Result<std::vector<Event>> list_events_of_after(Transaction& transaction, const MessageId& id, std::uint64_t after,
                                                std::size_t limit) {
  std::vector<Event> events;
  if (after == ~std::uint64_t{0}) return events;
  const std::string_view prefix = octets_of(id.octets);
  Cursor cursor(Table(transaction, SpoolTable::MessageEvents));
  bool found = cursor.seek(message_row(id, after + 1));
  for (; found && cursor.key().starts_with(prefix) && events.size() < limit; found = cursor.next()) {
    Result<std::optional<Event>> event = load_event(transaction, cursor.key().substr(prefix.size()));
    if (!event) return event.error();
    if (*event) events.push_back(std::move(**event));
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return events;
}

Result<std::vector<Event>> list_events_of_before(Transaction& transaction, const MessageId& id, std::uint64_t before,
                                                 std::size_t limit) {
  std::vector<Event> events;
  const std::string_view prefix = octets_of(id.octets);
  Cursor cursor(Table(transaction, SpoolTable::MessageEvents));
  bool found = cursor.seek_before(message_row(id, before));
  for (; found && cursor.key().starts_with(prefix) && events.size() < limit; found = cursor.previous()) {
    Result<std::optional<Event>> event = load_event(transaction, cursor.key().substr(prefix.size()));
    if (!event) return event.error();
    if (*event) events.push_back(std::move(**event));
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return events;
}

Result<std::vector<Event>> list_events_after(Transaction& transaction, std::uint64_t after, std::size_t limit) {
  std::vector<Event> events;
  if (after == ~std::uint64_t{0}) return events;
  Cursor cursor(Table(transaction, SpoolTable::Events));
  for (bool found = cursor.seek(event_key(after + 1)); found && events.size() < limit; found = cursor.next()) {
    Result<Event> event = decode<Event>(cursor.value());
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
    Result<EventFacts> facts = decode<EventFacts>(cursor.value());
    if (!facts) return facts.error();
    if (facts->account == AccountId{}) continue;
    if (Result<void> put = rows.put(account_row(facts->account, facts->sequence), {}); !put) return put.error();
    ++count;
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return count;
}

Result<std::size_t> expire_events(WriteTransaction& transaction, Instant before, std::size_t limit) {
  std::size_t removed = 0;
  std::uint64_t from = 0;
  while (removed < limit) {
    Result<std::optional<EventFacts>> oldest = first_event(transaction, from);
    if (!oldest) return oldest.error();
    if (!*oldest || (*oldest)->at > before) break;
    if (Result<void> erased = erase_event_rows(transaction, **oldest); !erased) return erased.error();
    from = (*oldest)->sequence + 1;
    ++removed;
  }
  return removed;
}

Result<bool> erase_event(WriteTransaction& transaction, std::uint64_t sequence) {
  Result<std::optional<EventFacts>> facts =
      find_record<EventFacts>(transaction, event_key(sequence));
  if (!facts) return facts.error();
  if (!*facts) return false;
  if (Result<void> erased = erase_event_rows(transaction, **facts); !erased) return erased.error();
  return true;
}

Result<std::deque<std::uint64_t>> find_excess_events(Transaction& transaction, std::uint64_t max_count, std::uint64_t total) {
  std::deque<std::uint64_t> excess;
  Result<std::uint64_t> count = Table(transaction, SpoolTable::Events).count();
  if (!count) return count.error();
  if (*count <= max_count) return excess;
  Holdings held;
  std::uint64_t owned = 0;
  Cursor cursor(Table(transaction, SpoolTable::AccountEvents));
  for (bool found = cursor.first(); found; found = cursor.next(), ++owned) ++held[account_of_row(cursor.key())];
  held[AccountId{}] = *count - std::min(owned, *count);  // those that are nobody's
  const std::uint64_t share = fair_share(held, total);
  for (const auto& [account, events] : held) {
    std::uint64_t budget = events - std::min(events, share);
    if (account == AccountId{}) {
      for (std::uint64_t from = 0; budget > 0;) {
        Result<std::optional<EventFacts>> next = first_event(transaction, from);
        if (!next) return next.error();
        if (!*next) break;
        from = (*next)->sequence + 1;
        if ((*next)->account != AccountId{}) continue;
        excess.push_back((*next)->sequence);
        --budget;
      }
      continue;
    }
    for (bool found = budget > 0 && cursor.seek(octets_of(account.octets)); found && budget > 0; found = cursor.next(), --budget) {
      excess.push_back(KeyReader(cursor.key().substr(kAccountOctets)).number(8));
    }
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return excess;
}

}  // namespace postern::store
