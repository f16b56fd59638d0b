// The event log; see the header.
#include "store/event_log.h"

#include "store/octets.h"
#include "store/table.h"

namespace postern::store {
namespace {

KeyOctets event_key(std::uint64_t sequence) { return KeyOctets().add(sequence); }

KeyOctets message_row(const MessageId& id, std::uint64_t sequence) {
  return KeyOctets().add(id.octets).add(sequence);
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

Result<std::size_t> expire_events(WriteTransaction& transaction, Instant before, std::uint64_t max_count,
                                  std::size_t limit) {
  Result<std::uint64_t> count = Table(transaction, SpoolTable::Events).count();
  if (!count) return count.error();
  WritableTable events(transaction, SpoolTable::Events);
  WritableTable rows(transaction, SpoolTable::MessageEvents);
  std::size_t removed = 0;
  std::uint64_t from = 0;
  while (removed < limit) {
    Result<std::optional<EventFacts>> oldest = first_event(transaction, from);
    if (!oldest) return oldest.error();
    if (!*oldest || ((*oldest)->at > before && *count - removed <= max_count)) break;
    if (Result<bool> erased = events.erase(event_key((*oldest)->sequence)); !erased) return erased.error();
    Result<bool> erased = rows.erase(message_row((*oldest)->message, (*oldest)->sequence));
    if (!erased) return erased.error();
    from = (*oldest)->sequence + 1;
    ++removed;
  }
  return removed;
}

}  // namespace postern::store
