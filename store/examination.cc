// First every message with what follows from it, then every index the other way round.
#include "store/examination.h"

#include "store/codec.h"
#include "store/due_index.h"
#include "store/examination_walk.h"
#include "store/message_table.h"
#include "store/octets.h"
#include "store/spool.h"
#include "store/spool_content.h"
#include "store/tables.h"

#include <algorithm>
#include <array>

namespace postern::store {
namespace {

constexpr std::size_t kOwnerOctets = 10;  // in front of a message id or a sequence
constexpr std::size_t kRunOctets = 18;     // the same and the hash of the run's name
constexpr std::size_t kInstantOctets = 8;   // in front of an idempotency key
constexpr std::uint32_t kNoChunk = ~std::uint32_t{0};  // behind every chunk of a message

// What follows the first `count` octets of a key. A damaged key may have fewer: then nothing, which no table has as a key.
std::string_view behind(std::string_view key, std::size_t count) { return key.substr(std::min(count, key.size())); }

class Examination {
 public:
  Examination(Transaction& transaction, const ReportFinding& report) : transaction_(transaction), report_(report) {}

  void examine_messages();
  void examine_due_index();
  void examine_settled();
  void examine_captured();
  void examine_events();
  void examine_message_events();
  void examine_account_rows();
  void examine_idempotency();
  void examine_content_owners();

 private:
  void examine_message(std::string_view key, std::string_view record);
  void examine_content(const MessageRecord& message, const DeliveryRecord& delivery);
  void examine_due(const DueEntry& entry);
  void examine_index_row(SpoolTable table, std::string_view key, std::optional<Instant> DeliveryRecord::*field);
  void examine_event(std::string_view key, std::string_view record);
  template <class Visit>
  void walk(SpoolTable table, Visit visit);
  bool has_row(SpoolTable table, std::string_view key);
  void find(std::string sentence) { report_(std::move(sentence)); }

  Transaction& transaction_;
  const ReportFinding& report_;
};

std::string name_of(const MessageId& id) { return "message " + format_message_id(id); }

void Examination::examine_messages() {
  walk(SpoolTable::Messages, [this](auto key, auto value) { examine_message(key, value); });
}

void Examination::examine_due_index() {
  walk(SpoolTable::Due, [this](auto key, auto) {
    const std::optional<DueEntry> entry = read_due_row(key);
    if (!entry) return find("an entry of the due index is damaged");
    examine_due(*entry);
  });
}

void Examination::examine_settled() {
  walk(SpoolTable::Settled, [this](auto key, auto) {
    examine_index_row(SpoolTable::Settled, key, &DeliveryRecord::settled_at);
  });
}

void Examination::examine_captured() {
  std::uint64_t octets = 0;
  walk(SpoolTable::Captured, [&](auto key, auto value) {
    octets += KeyReader(value).number(8);
    examine_index_row(SpoolTable::Captured, key, &DeliveryRecord::content_until);
  });
  Result<SpoolTotals> totals = load_totals(transaction_);
  if (!totals) {
    find(totals.error().message());
  } else if (totals->captured_octets != octets) {
    find("the total of captured octets is " + std::to_string(totals->captured_octets) + ", the rows say " + std::to_string(octets));
  }
}

void Examination::examine_events() {
  walk(SpoolTable::Events, [this](auto key, auto value) { examine_event(key, value); });
}

void Examination::examine_message_events() {
  walk(SpoolTable::MessageEvents, [this](auto key, auto) {
    if (!has_row(SpoolTable::Events, behind(key, 16))) find("an event of a message is listed but not there");
  });
}

void Examination::examine_message(std::string_view key, std::string_view record) {
  const MessageId id{KeyReader(key).octets<16>()};
  Result<MessageRecord> message = decode<MessageRecord>(record);
  Result<DeliveryRecord> delivery = load_delivery(transaction_, id);
  if (!message) return find(name_of(id) + ": " + message.error().message());
  if (!delivery) return find(name_of(id) + ": " + delivery.error().message());
  if (message->id != id) find(name_of(id) + " is stored under another id");
  if (message->envelope.recipients.size() != delivery->recipients.size()) {
    find(name_of(id) + " has " + std::to_string(message->envelope.recipients.size()) + " recipients and " +
         std::to_string(delivery->recipients.size()) + " delivery states");
  }
  if (delivery->due) {
    for (const DueRow& row : due_rows(*message, *delivery)) {
      Result<bool> is_there = has_due(transaction_, row.lane, {row.due, id});
      if (!is_there || !*is_there) find(name_of(id) + " is pending and not in the due index");
    }
  } else if (!delivery->settled_at || !has_row(SpoolTable::Settled, KeyOctets().add(*delivery->settled_at).add(id.octets))) {
    find(name_of(id) + " is settled and not in the settled index");
  }
  if (is_listed_with_account(*message) &&
      !has_row(SpoolTable::AccountMessages, KeyOctets().add(message->account.octets).add(id.octets))) {
    find(name_of(id) + " is not listed with its account");
  }
  if (!run_of(*message).empty() && has_row(SpoolTable::Meta, kRunsIndexedKey) &&
      !has_row(SpoolTable::RunMessages,
               KeyOctets().add(message->account.octets).add(run_hash(message->user_name)).add(id.octets))) {
    find(name_of(id) + " is not listed with its run");
  }
  if (has_row(SpoolTable::Open, key)) find(name_of(id) + " is committed and still marked as open");
  examine_content(*message, *delivery);
}

void Examination::examine_content(const MessageRecord& message, const DeliveryRecord& delivery) {
  const bool has_content = delivery.due || delivery.content_until;
  const std::string name = name_of(message.id);
  std::uint64_t octets = 0;
  for (std::uint32_t i = 0; has_content && i < message.chunk_count; ++i) {
    Result<std::string> chunk = load_chunk(transaction_, message.id, i);
    if (!chunk) return find(name + ": " + chunk.error().message());
    octets += chunk->size();
  }
  if (has_content && octets != message.content_octets) {
    find(name + " has " + std::to_string(octets) + " octets of content instead of " +
         std::to_string(message.content_octets));
  }
  const std::uint32_t first_too_many = has_content ? message.chunk_count : 0;
  if (has_row(SpoolTable::Content, KeyOctets().add(message.id.octets).add(first_too_many))) {
    find(name + " has content that should be gone");
  }
}

void Examination::examine_due(const DueEntry& entry) {
  const Result<std::optional<StoredMessage>> stored = find_message(transaction_, entry.id);
  const auto has_entry = [&entry](const StoredMessage& found) {
    return std::ranges::count(due_rows(found.message, found.delivery), DueRow{entry.lane, entry.due}) > 0;
  };
  if (!stored || !*stored || !has_entry(**stored)) find("the due index disagrees with " + name_of(entry.id));
}

void Examination::examine_index_row(SpoolTable table, std::string_view key, std::optional<Instant> DeliveryRecord::*field) {
  KeyReader reader(key);
  const Instant at = reader.instant();
  const MessageId id{reader.octets<16>()};
  Result<DeliveryRecord> delivery = load_delivery(transaction_, id);
  if (!delivery || (*delivery).*field != at) {
    find("the index \"" + std::string(kSpoolTables[static_cast<std::size_t>(table)]) + "\" disagrees with " + name_of(id));
  }
}

void Examination::examine_event(std::string_view key, std::string_view record) {
  const std::uint64_t sequence = KeyReader(key).number(8);
  Result<Event> event = decode<Event>(record);
  if (!event) return find("event " + std::to_string(sequence) + ": " + event.error().message());
  if (event->sequence != sequence) find("event " + std::to_string(sequence) + " is stored under another number");
  if (event->account != AccountId{} &&
      !has_row(SpoolTable::AccountEvents, KeyOctets().add(event->account.octets).add(sequence))) {
    find("event " + std::to_string(sequence) + " is not listed with its account");
  }
  if (!belongs_to_message(event->type)) return;
  if (!has_row(SpoolTable::MessageEvents, KeyOctets().add(event->message.octets).add(sequence))) {
    find("event " + std::to_string(sequence) + " is not listed with its message");
  }
}

void Examination::examine_account_rows() {
  walk(SpoolTable::AccountMessages, [this](auto key, auto) {
    if (!has_row(SpoolTable::Messages, behind(key, kOwnerOctets))) find("a message of an account is listed but not there");
  });
  walk(SpoolTable::RunMessages, [this](auto key, auto) {
    if (!has_row(SpoolTable::Messages, behind(key, kRunOctets))) find("a message of a run is listed but not there");
  });
  walk(SpoolTable::Runs, [this](auto, auto value) {
    if (Result<RunRecord> run = decode<RunRecord>(value); !run) find(run.error().message());
  });
  walk(SpoolTable::RunMemories, [this](auto key, auto) {
    if (!has_row(SpoolTable::Runs, key)) find("the memory of a run is there but the run is not");
  });
  walk(SpoolTable::Transcripts, [this](auto key, auto) {
    if (!has_row(SpoolTable::Messages, key)) find("a transcript is there but its message is not");
  });
  walk(SpoolTable::AccountEvents, [this](auto key, auto) {
    if (!has_row(SpoolTable::Events, behind(key, kOwnerOctets))) find("an event of an account is listed but not there");
  });
}

void Examination::examine_idempotency() {
  walk(SpoolTable::Idempotency, [this](auto key, auto value) {
    Result<IdempotencyRecord> record = decode<IdempotencyRecord>(value);
    if (!record) return find(record.error().message());
    if (!has_row(SpoolTable::IdempotencyAges, std::string(KeyOctets().add(record->at)).append(key))) {
      find("the idempotency key of " + name_of(record->message) + " has no age");
    }
  });
  walk(SpoolTable::IdempotencyAges, [this](auto key, auto) {
    if (!has_row(SpoolTable::Idempotency, behind(key, kInstantOctets))) find("an idempotency key has an age but no record");
  });
}

// Jumps from message to message: the chunks of a known one were counted before.
void Examination::examine_content_owners() {
  Cursor cursor(Table(transaction_, SpoolTable::Content));
  bool found = cursor.first();
  while (found) {
    KeyReader reader(cursor.key());
    const MessageId id{reader.octets<16>()};
    const std::uint64_t chunk = reader.number(4);
    if (!reader.is_complete() || chunk == kNoChunk) {
      find("there is content under a key that is damaged");
      found = cursor.next();
      continue;
    }
    if (!has_row(SpoolTable::Messages, octets_of(id.octets)) && !has_row(SpoolTable::Open, octets_of(id.octets))) {
      find("there is content of " + name_of(id) + ", which is not there");
    }
    found = cursor.seek(KeyOctets().add(id.octets).add(kNoChunk));
  }
  if (Result<void> walked = cursor.status(); !walked) find("the table content: " + walked.error().message());
}

template <class Visit>
void Examination::walk(SpoolTable table, Visit visit) {
  walk_counting(transaction_, table, kSpoolTables[static_cast<std::size_t>(table)], report_, visit);
}

bool Examination::has_row(SpoolTable table, std::string_view key) {
  Result<std::optional<std::string_view>> row = Table(transaction_, table).find(key);
  return row && row->has_value();
}

constexpr std::array<std::string_view, 9> kSpoolSteps = {
    "messages, their deliveries and content", "due times", "settled messages", "captured content", "events", "events of messages",
    "messages and events of accounts", "idempotency keys", "owners of content"};
constexpr std::array<void (Examination::*)(), kSpoolSteps.size()> kSpoolWork = {
    &Examination::examine_messages,     &Examination::examine_due_index,   &Examination::examine_settled,
    &Examination::examine_captured,     &Examination::examine_events,      &Examination::examine_message_events,
    &Examination::examine_account_rows, &Examination::examine_idempotency, &Examination::examine_content_owners};

}  // namespace

std::span<const std::string_view> spool_examination_steps() { return kSpoolSteps; }

void examine_spool(Transaction& transaction, std::size_t step, const ReportFinding& report) {
  Examination examination(transaction, report);
  (examination.*kSpoolWork.at(step))();
}

std::vector<std::string> examine_all(Transaction& transaction, std::span<const std::string_view> steps,
                                     void (*examine)(Transaction&, std::size_t, const ReportFinding&)) {
  std::vector<std::string> findings;
  for (std::size_t step = 0; step < steps.size(); ++step) {
    examine(transaction, step, [&](std::string finding) {
      if (findings.size() < kMaxFindings) findings.push_back(std::move(finding));
    });
  }
  return findings;
}

}  // namespace postern::store
