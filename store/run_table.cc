#include "store/run_table.h"

#include "store/message_table.h"
#include "store/octets.h"
#include "store/record_table.h"

#include <algorithm>

namespace postern::store {
namespace {

constexpr std::size_t kRunOctets = 18;  // account id and hash, in front of the message id

KeyOctets run_key(const AccountId& account, std::string_view run) { return KeyOctets().add(account.octets).add(run_hash(run)); }
KeyOctets run_row(const AccountId& account, std::string_view run, const MessageId& id) {
  return run_key(account, run).add(id.octets);
}
KeyOctets end_row(const RunRecord& run) {
  return KeyOctets().add(run.expires_at).add(run.account.octets).add(run_hash(run.name));
}

// Adds the message of the row if it is of the run; one that is not there is examine()'s to report.
Result<void> add_of_run(Transaction& transaction, std::string_view row, std::string_view run,
                        std::vector<StoredMessage>& messages) {
  KeyReader reader(row.substr(kRunOctets));
  Result<std::optional<StoredMessage>> message = find_message(transaction, MessageId{reader.octets<16>()});
  if (!message) return message.error();
  if (*message && run_of((*message)->message) == run) messages.push_back(std::move(**message));
  return {};
}

// The name stands in the messages only. Counts the rows that begin with `prefix`, whose first one the cursor is at.
Result<RunOutline> outline_at(Transaction& transaction, Cursor& cursor, const std::string& prefix) {
  RunOutline outline;
  std::string newest;
  for (bool found = true; found && cursor.key().starts_with(prefix); found = cursor.next()) {
    if (++outline.messages == 1 || outline.messages > kMaxCountedRunMessages) {
      if (outline.messages > kMaxCountedRunMessages) break;
      Result<MessageRecord> oldest = load_message(transaction, MessageId{KeyReader(cursor.key().substr(kRunOctets)).octets<16>()});
      if (!oldest) return oldest.error();
      outline.name = oldest->user_name;
      outline.first = outline.last = oldest->accepted_at;
    }
    newest = cursor.key().substr(kRunOctets);
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  Result<MessageRecord> last = load_message(transaction, MessageId{KeyReader(newest).octets<16>()});
  if (!last) return last.error();
  outline.last = last->accepted_at;
  return outline;
}

}  // namespace

Result<void> index_run_message(WriteTransaction& transaction, const MessageRecord& message) {
  const std::string_view run = run_of(message);
  if (run.empty()) return {};
  return WritableTable(transaction, SpoolTable::RunMessages).put(run_row(message.account, run, message.id), {});
}

Result<void> unindex_run_message(WriteTransaction& transaction, const MessageRecord& message) {
  const std::string_view run = run_of(message);
  if (run.empty()) return {};
  Result<bool> erased = WritableTable(transaction, SpoolTable::RunMessages).erase(run_row(message.account, run, message.id));
  if (!erased) return erased.error();
  return {};
}

Result<void> index_all_run_messages(WriteTransaction& transaction) {
  Cursor cursor(Table(transaction, SpoolTable::Messages));
  for (bool found = cursor.first(); found; found = cursor.next()) {
    Result<MessageFacts> facts = decode<MessageFacts>(cursor.value());
    if (!facts) return facts.error();
    if (facts->environment != Environment::Test) continue;
    Result<MessageRecord> message = decode<MessageRecord>(cursor.value());
    if (!message) return message.error();
    if (Result<void> put = index_run_message(transaction, *message); !put) return put;
  }
  return cursor.status();
}

Result<std::vector<StoredMessage>> list_run_after(Transaction& transaction, const AccountId& account, std::string_view run,
                                                  const std::optional<MessageId>& after, std::size_t limit) {
  std::vector<StoredMessage> messages;
  const std::string prefix(run_key(account, run));
  const KeyOctets bound = run_row(account, run, after.value_or(MessageId{}));
  Cursor cursor(Table(transaction, SpoolTable::RunMessages));
  bool found = cursor.seek(bound);
  if (found && after && cursor.key() == std::string_view(bound)) found = cursor.next();
  for (; found && cursor.key().starts_with(prefix) && messages.size() < limit; found = cursor.next()) {
    if (Result<void> added = add_of_run(transaction, cursor.key(), run, messages); !added) return added.error();
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return messages;
}

Result<std::vector<StoredMessage>> list_run_before(Transaction& transaction, const AccountId& account, std::string_view run,
                                                   const std::optional<MessageId>& before, std::size_t limit) {
  constexpr MessageId kBeyondAll = [] {
    MessageId id;
    id.octets.fill(0xff);
    return id;
  }();
  std::vector<StoredMessage> messages;
  const std::string prefix(run_key(account, run));
  Cursor cursor(Table(transaction, SpoolTable::RunMessages));
  bool found = cursor.seek_before(run_row(account, run, before.value_or(kBeyondAll)));
  for (; found && cursor.key().starts_with(prefix) && messages.size() < limit; found = cursor.previous()) {
    if (Result<void> added = add_of_run(transaction, cursor.key(), run, messages); !added) return added.error();
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return messages;
}

Result<std::vector<RunOutline>> list_runs(Transaction& transaction, const AccountId& account, std::size_t limit) {
  std::vector<RunOutline> runs;
  Cursor cursor(Table(transaction, SpoolTable::RunMessages));
  bool found = cursor.seek(octets_of(account.octets));
  while (found && cursor.key().starts_with(octets_of(account.octets)) && runs.size() < limit) {
    const std::string prefix(cursor.key().substr(0, kRunOctets));
    Result<RunOutline> outline = outline_at(transaction, cursor, prefix);
    if (!outline) return outline.error();
    runs.push_back(std::move(*outline));
    const std::string behind = prefix + std::string(16, '\xff');
    found = cursor.seek(behind);
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  Result<std::vector<RunRecord>> records = list_records<RunRecord>(transaction, octets_of(account.octets));
  if (!records) return records.error();
  for (RunRecord& record : *records) {
    auto met = std::ranges::find(runs, record.name, &RunOutline::name);
    if (met == runs.end() && runs.size() >= limit) break;
    if (met == runs.end()) met = runs.insert(runs.end(), RunOutline{.name = record.name, .record = {}, .first = {}, .last = {}});
    met->record = std::move(record);
  }
  return runs;
}

Result<std::optional<RunRecord>> find_run(Transaction& transaction, const AccountId& account, std::string_view run) {
  Result<std::optional<RunRecord>> found = find_record<RunRecord>(transaction, run_key(account, run));
  if (found && *found && (*found)->name != run) return std::optional<RunRecord>();
  return found;
}

Result<void> insert_run(WriteTransaction& transaction, const RunRecord& run) {
  const KeyOctets key = run_key(run.account, run.name);
  Result<std::optional<std::string_view>> taken = Table(transaction, SpoolTable::Runs).find(key);
  if (!taken) return taken.error();
  if (*taken) return Error(ErrorCode::AlreadyExists, "there is a run of that name");
  std::uint64_t count = 0;
  Cursor cursor(Table(transaction, SpoolTable::Runs));
  const std::string_view owner = octets_of(run.account.octets);
  for (bool found = cursor.seek(owner); found && cursor.key().starts_with(owner); found = cursor.next()) {
    if (++count >= kMaxRunsOfAccount) {
      return Error(ErrorCode::LimitExceeded, "the account has " + std::to_string(kMaxRunsOfAccount) + " runs; delete some");
    }
  }
  if (Result<void> walked = cursor.status(); !walked) return walked;
  if (Result<void> put = put_record(transaction, key, run); !put) return put;
  return WritableTable(transaction, SpoolTable::RunEnds).put(end_row(run), {});
}

Result<void> set_run_clock(WriteTransaction& transaction, const AccountId& account, std::string_view run, Instant clock) {
  Result<std::optional<RunRecord>> found = find_run(transaction, account, run);
  if (!found) return found.error();
  if (!*found || !(*found)->clock) return Error(ErrorCode::NotFound, "the run has no clock of its own");
  if (clock < *(*found)->clock) return Error(ErrorCode::InvalidArgument, "a run's clock goes forward only");
  (*found)->clock = clock;
  return put_record(transaction, run_key(account, run), **found);
}

Result<void> set_run_told(WriteTransaction& transaction, const AccountId& account, std::string_view run, std::uint64_t sequence) {
  Result<std::optional<RunRecord>> found = find_run(transaction, account, run);
  if (!found) return found.error();
  if (!*found) return Error(ErrorCode::NotFound, "the run was not made");
  (*found)->told_up_to = std::max((*found)->told_up_to, sequence);
  return put_record(transaction, run_key(account, run), **found);
}

Result<void> put_run_memory(WriteTransaction& transaction, const RunMemory& memory) {
  Result<std::optional<RunRecord>> run = find_run(transaction, memory.account, memory.name);
  if (!run) return run.error();
  if (!*run || (*run)->created != memory.created) return {};
  return put_record(transaction, run_key(memory.account, memory.name), memory);
}

Result<std::optional<RunMemory>> find_run_memory(Transaction& transaction, const AccountId& account, std::string_view run) {
  Result<std::optional<RunMemory>> found = find_record<RunMemory>(transaction, run_key(account, run));
  if (found && *found && (*found)->name != run) return std::optional<RunMemory>();
  return found;
}

Result<void> erase_run(WriteTransaction& transaction, const AccountId& account, std::string_view run) {
  Result<std::optional<RunRecord>> found = find_run(transaction, account, run);
  if (!found) return found.error();
  if (!*found) return Error(ErrorCode::NotFound, "the run was not made");
  Result<bool> erased = WritableTable(transaction, SpoolTable::RunEnds).erase(end_row(**found));
  for (const SpoolTable table : {SpoolTable::Runs, SpoolTable::RunMemories}) {
    if (erased) erased = WritableTable(transaction, table).erase(run_key(account, run));
  }
  if (!erased) return erased.error();
  return {};
}

Result<std::optional<RunRecord>> find_ended_run(Transaction& transaction, Instant now) {
  Cursor cursor(Table(transaction, SpoolTable::RunEnds));
  if (!cursor.first()) {
    if (Result<void> walked = cursor.status(); !walked) return walked.error();
    return std::optional<RunRecord>();
  }
  KeyReader reader(cursor.key());
  if (reader.instant() > now) return std::optional<RunRecord>();
  return find_record<RunRecord>(transaction, cursor.key().substr(8));
}

}  // namespace postern::store
