// Tables are named by name in what lasts: their numbers are a program's.
#include "store/replica.h"

#include "store/directory_index.h"
#include "store/leftovers.h"

#include <algorithm>
#include <map>

namespace postern::store {
namespace {

using lmdb::WriteSet;

constexpr std::array kSharedTables = {
    DirectoryTable::Accounts,        DirectoryTable::AccountNames, DirectoryTable::Keys,
    DirectoryTable::KeyDigests,      DirectoryTable::AccountKeys,  DirectoryTable::Whitelist,
    DirectoryTable::Users,           DirectoryTable::UserEmails,   DirectoryTable::AccountUsers,
    DirectoryTable::Domains,         DirectoryTable::DomainNames,  DirectoryTable::Webhooks,
    DirectoryTable::AccountWebhooks, DirectoryTable::Suppressions, DirectoryTable::ProductionRequests,
    DirectoryTable::Confirmations,   DirectoryTable::Sessions,     DirectoryTable::AccountSessions,
    DirectoryTable::Audit,           DirectoryTable::AccountAudit, DirectoryTable::Orders};
constexpr std::size_t kAccountOctets = 10;
constexpr std::size_t kNodeOctets = 2;

std::string_view name_of_table(DirectoryTable table) {
  return kDirectoryTables[static_cast<std::size_t>(table)];
}

std::string place_of(DirectoryTable table, std::string_view key) {
  return std::string(name_of_table(table)).append(1, '\0').append(key);
}

// Also of tables that are not shared: what a held fact touches beside its own row is taken back with it.
std::optional<std::pair<DirectoryTable, std::string>> read_place(std::string_view place) {
  const std::size_t end = place.find('\0');
  const auto named = std::ranges::find(kDirectoryTables, place.substr(0, end));
  if (end == std::string_view::npos || named == kDirectoryTables.end()) return std::nullopt;
  return std::pair(static_cast<DirectoryTable>(named - kDirectoryTables.begin()), std::string(place.substr(end + 1)));
}

Result<ReplicaCursor> read_cursor(Transaction& transaction) {
  const auto stored = Table(transaction, DirectoryTable::Meta).find(kReplicaCursorKey);
  if (!stored) return stored.error();
  if (!*stored) return ReplicaCursor{};
  KeyReader reader(**stored);
  ReplicaCursor cursor;
  cursor.version = reader.number(sizeof cursor.version);
  cursor.change = reader.octets<16>();
  if (!reader.is_complete()) return Error(ErrorCode::CorruptRecord, "the place in the cluster's history");
  return cursor;
}

Result<void> write_cursor(WriteTransaction& transaction, const ReplicaCursor& cursor) {
  return WritableTable(transaction, DirectoryTable::Meta)
      .put(kReplicaCursorKey, KeyOctets().add(cursor.version).add(cursor.change));
}

Result<std::optional<Membership>> read_membership(Transaction& transaction) {
  const auto stored = Table(transaction, DirectoryTable::Meta).find(kMembershipKey);
  if (!stored) return stored.error();
  if (!*stored) return std::optional<Membership>();
  KeyReader reader(**stored);
  Membership membership;
  membership.cluster = reader.octets<16>();
  membership.node = static_cast<std::uint16_t>(reader.number(kNodeOctets));
  if (!reader.is_complete()) return Error(ErrorCode::CorruptRecord, "whose node this is");
  return std::optional(membership);
}

Result<void> put_or_erase(WriteTransaction& transaction, DirectoryTable table, std::string_view key,
                          const std::optional<std::string>& value) {
  if (value) return WritableTable(transaction, table).put(key, *value);
  return erase_row(transaction, table, key);
}

// --- Facts ---

// A row that says something which nobody will ever deny: what it says is to be in every history.
bool is_fact(DirectoryTable table, std::string_view key, std::string_view value) {
  if (table == DirectoryTable::Suppressions) return key.size() > kAccountOctets;  // else it counts them
  if (table != DirectoryTable::Keys) return false;
  const Result<KeyRecord> record = decode<KeyRecord>(value);
  return record && record->revoked_at.has_value();
}

Result<bool> enact_revocation(DirectoryWriter& writer, const KeyRecord& held) {
  const auto known = writer.find_key(held.id);
  if (!known) return known.error();
  if (!*known || (*known)->key.revoked_at) return false;
  KeyRecord revoked = std::move((*known)->key);
  revoked.revoked_at = held.revoked_at;
  const Result<void> put = writer.put_key(revoked);
  if (!put) return put.error();
  return true;
}

Result<bool> enact_suppression(DirectoryWriter& writer, std::string_view key, const SuppressionRecord& held) {
  const AccountId account{KeyReader(key.substr(0, kAccountOctets)).octets<kAccountOctets>()};
  const auto known = writer.find_suppression(account, suppression_entry(held.address, held.stream));
  if (!known) return known.error();
  if (*known && (*known)->until.value_or(Instant::max()) >= held.until.value_or(Instant::max())) return false;
  const Result<void> put = writer.put_suppression(account, held);
  if (!put) return put.error();
  return true;
}

// False: it is so already, or of something that is gone. Errors of the medium only.
Result<bool> enact(DirectoryWriter& writer, std::string_view place, std::string_view value) {
  const auto at = read_place(place);
  if (!at) return false;
  Result<bool> done = false;
  if (at->first == DirectoryTable::Keys) {
    const Result<KeyRecord> held = decode<KeyRecord>(value);
    if (held) done = enact_revocation(writer, *held);
  } else {
    const Result<SuppressionRecord> held = decode<SuppressionRecord>(value);
    if (held) done = enact_suppression(writer, at->second, *held);
  }
  const bool is_refused = !done && (done.error().code() == ErrorCode::NotFound || done.error().code() == ErrorCode::LimitExceeded);
  if (is_refused) return false;
  return done;
}

// A held fact in force: in a transaction of its own first, to learn what it writes and what stood there.
Result<bool> put_in_force(WriteTransaction& transaction, std::string_view place, std::string_view value) {
  WriteSet set;
  {
    WriteTransaction trial(transaction.environment());
    if (int code = trial.begin(&transaction); code != 0) return lmdb_error(code, "begin a fact");
    trial.record_in(set);
    DirectoryWriter writer(trial);
    const Result<bool> done = enact(writer, place, value);
    if (!done || !*done) return done;
  }
  WritableTable undo(transaction, DirectoryTable::HeldUndo);
  for (const auto& [at, written] : set.rows()) {
    const auto table = static_cast<DirectoryTable>(at.first);
    const auto before = Table(transaction, table).find(at.second);
    if (!before) return before.error();
    const std::string old = *before ? std::string(1, '\x01').append(**before) : std::string();
    const Result<bool> noted = undo.insert(place_of(table, at.second), old);  // what stood there before the first
    if (!noted) return noted.error();
    if (Result<void> put = put_or_erase(transaction, table, at.second, written); !put) return put.error();
  }
  return true;
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

Result<Pairs> read_pairs(Transaction& transaction, DirectoryTable table, std::size_t limit = ~std::size_t{0}) {
  Pairs pairs;
  Cursor cursor(Table(transaction, table));
  for (bool found = cursor.first(); found && pairs.size() < limit; found = cursor.next()) {
    pairs.emplace_back(cursor.key(), cursor.value());
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return pairs;
}

Result<void> take_facts_back(WriteTransaction& transaction) {
  const Result<Pairs> undo = read_pairs(transaction, DirectoryTable::HeldUndo);
  if (!undo) return undo.error();
  for (const auto& [place, old] : *undo) {
    Result<void> erased = erase_row(transaction, DirectoryTable::HeldUndo, place);
    if (!erased) return erased;
    const auto at = read_place(place);
    if (!at) continue;
    const std::optional<std::string> value = old.empty() ? std::nullopt : std::optional(old.substr(1));
    if (Result<void> put = put_or_erase(transaction, at->first, at->second, value); !put) return put;
  }
  return {};
}

// Those that the history has by now are held no longer.
Result<void> put_facts_back(WriteTransaction& transaction) {
  const Result<Pairs> facts = read_pairs(transaction, DirectoryTable::HeldFacts);
  if (!facts) return facts.error();
  for (const auto& [place, value] : *facts) {
    const Result<bool> is_needed = put_in_force(transaction, place, value);
    if (!is_needed) return is_needed.error();
    if (*is_needed) continue;
    if (Result<void> erased = erase_row(transaction, DirectoryTable::HeldFacts, place); !erased) return erased;
  }
  return {};
}

// --- Moving on ---

// What this node keeps beside a row that goes.
Result<void> let_go(WriteTransaction& transaction, DirectoryTable table, std::string_view key) {
  Result<void> done;
  if (table == DirectoryTable::Keys) {
    done = erase_row(transaction, DirectoryTable::KeyUsages, key);
    if (done) done = erase_row(transaction, DirectoryTable::KeyRefusals, key);
  } else if (table == DirectoryTable::Webhooks) {
    done = erase_row(transaction, DirectoryTable::WebhookProgress, key);
    if (done) done = leave_rows(transaction, key);
  } else if (table == DirectoryTable::Accounts) {
    done = leave_rows(transaction, key);
  }
  return done;
}

}  // namespace

// What webhooks that come from elsewhere find here.
struct Replica::Webhooks {
  std::uint64_t last_event = 0;   // of this node, before they came
  std::uint64_t begins_with = 0;  // the greatest that any of them names
};

namespace {

// Its events are those behind the last that was here before it. One that is known has its progress already.
template <class Webhooks>
Result<void> begin_webhook(WriteTransaction& transaction, std::string_view key, std::string_view value, Webhooks& webhooks) {
  const Result<WebhookRecord> webhook = decode<WebhookRecord>(value);
  const Result<bool> is_known = has_row(transaction, DirectoryTable::WebhookProgress, key);
  if (!is_known) return is_known.error();
  if (!webhook || *is_known) return {};
  webhooks.begins_with = std::max(webhooks.begins_with, webhook->first_sequence);
  return put_record(transaction, key, WebhookProgress{.cursor = webhooks.last_event, .failing_since = std::nullopt});
}

template <class Webhooks>
Result<void> put_row(WriteTransaction& transaction, DirectoryTable table, std::string_view key,
                     const std::optional<std::string>& value, Webhooks& webhooks) {
  if (Result<void> put = put_or_erase(transaction, table, key, value); !put) return put;
  if (!value) return let_go(transaction, table, key);
  return table == DirectoryTable::Webhooks ? begin_webhook(transaction, key, *value, webhooks) : Result<void>();
}

using Step = std::function<Result<void>(WriteTransaction&)>;

// `step` between two places, without held facts. False: the copy stands elsewhere.
Result<bool> move_on(WriteTransaction& transaction, const ReplicaCursor& from, const ReplicaCursor& to, const Step& step) {
  const Result<ReplicaCursor> here = read_cursor(transaction);
  if (!here) return here.error();
  if (*here != from) return false;
  Result<void> done = take_facts_back(transaction);
  if (done) done = step(transaction);
  if (done) done = write_cursor(transaction, to);
  if (done) done = put_facts_back(transaction);
  if (!done) return done.error();
  return true;
}

using NewRows = std::map<std::string_view, std::string_view>;

// One table as it is to be. Rows that differ are few, but for a copy that is new.
template <class Webhooks>
Result<void> replace_table(WriteTransaction& transaction, DirectoryTable table, const NewRows& rows, bool holds_facts,
                           Webhooks& webhooks) {
  std::vector<std::string> gone;
  Pairs facts;
  {
    Cursor cursor(Table(transaction, table));
    for (bool found = cursor.first(); found; found = cursor.next()) {
      const auto row = rows.find(cursor.key());
      if (row == rows.end()) gone.emplace_back(cursor.key());
      const bool is_same = row != rows.end() && row->second == cursor.value();
      if (holds_facts && !is_same && is_fact(table, cursor.key(), cursor.value())) {
        facts.emplace_back(place_of(table, cursor.key()), cursor.value());
      }
    }
    if (Result<void> walked = cursor.status(); !walked) return walked;
  }
  for (const std::string& key : gone) {
    if (Result<void> put = put_row(transaction, table, key, std::nullopt, webhooks); !put) return put;
  }
  for (const auto& [key, value] : rows) {
    const auto before = Table(transaction, table).find(key);
    if (!before) return before.error();
    if (*before == value) continue;
    if (Result<void> put = put_row(transaction, table, key, std::string(value), webhooks); !put) return put;
  }
  for (const auto& [place, value] : facts) {
    if (Result<void> held = WritableTable(transaction, DirectoryTable::HeldFacts).put(place, value); !held) return held;
  }
  return {};
}

}  // namespace

bool is_shared(DirectoryTable table) {
  return std::ranges::find(kSharedTables, table) != kSharedTables.end();
}

std::optional<DirectoryTable> find_shared_table(std::string_view name) {
  const auto named = std::ranges::find_if(kSharedTables, [&](DirectoryTable table) { return name_of_table(table) == name; });
  return named == kSharedTables.end() ? std::nullopt : std::optional(*named);
}

std::vector<SharedRow> shared_rows(const WriteSet& rows) {
  std::vector<SharedRow> shared;
  for (const auto& [at, value] : rows.rows()) {
    const auto table = static_cast<DirectoryTable>(at.first);
    if (is_shared(table)) shared.push_back({table, at.second, value});
  }
  return shared;
}

bool has_facts(const WriteSet& rows) {
  return std::ranges::any_of(rows.rows(), [](const auto& row) {
    return row.second && is_fact(static_cast<DirectoryTable>(row.first.first), row.first.second, *row.second);
  });
}

bool is_member(Transaction& transaction) {
  const auto stored = Table(transaction, DirectoryTable::Meta).find(kMembershipKey);
  return stored && stored->has_value();
}

Result<std::optional<Membership>> Replica::membership() const {
  return directory_.look([](Transaction& transaction) { return read_membership(transaction); });
}

Result<ReplicaCursor> Replica::cursor() const {
  return directory_.look([](Transaction& transaction) { return read_cursor(transaction); });
}

Result<void> Replica::join(const Membership& membership, const ReplicaCursor& cursor) {
  return directory_.run([&](WriteTransaction& transaction) -> Result<void> {
    const KeyOctets octets = KeyOctets().add(membership.cluster).add(membership.node);
    Result<void> put = WritableTable(transaction, DirectoryTable::Meta).put(kMembershipKey, octets);
    return put ? write_cursor(transaction, cursor) : put;
  });
}

Result<std::size_t> Replica::nodes() const {
  return directory_.look([](Transaction& transaction) -> Result<std::size_t> {
    const auto stored = Table(transaction, DirectoryTable::Meta).find(kClusterNodesKey);
    if (!stored) return stored.error();
    if (!*stored) return std::size_t{0};
    KeyReader reader(**stored);
    return static_cast<std::size_t>(reader.number(kNodeOctets));
  });
}

Result<void> Replica::note_nodes(std::size_t count) {
  return directory_.run([count](WriteTransaction& transaction) -> Result<void> {
    return WritableTable(transaction, DirectoryTable::Meta)
        .put(kClusterNodesKey, KeyOctets().add(static_cast<std::uint16_t>(count)));
  });
}

Result<void> Replica::leave() {
  return directory_.run([](WriteTransaction& transaction) -> Result<void> {
    for (const DirectoryTable table : {DirectoryTable::HeldUndo, DirectoryTable::HeldFacts}) {
      const Result<Pairs> rows = read_pairs(transaction, table);
      if (!rows) return rows.error();
      for (const auto& row : *rows) {
        if (Result<void> erased = erase_row(transaction, table, row.first); !erased) return erased;
      }
    }
    Result<void> done = erase_row(transaction, DirectoryTable::Meta, kReplicaCursorKey);
    if (done) done = erase_row(transaction, DirectoryTable::Meta, kClusterNodesKey);
    return done ? erase_row(transaction, DirectoryTable::Meta, kMembershipKey) : done;
  });
}

Result<WriteSet> Replica::propose(const DirectoryChange& change, const Actor& actor) {
  Proposal one{change, actor};
  Result<WriteSet> rows = propose(std::span(&one, 1));
  if (rows && !one.outcome) return one.outcome.error();
  return rows;
}

Result<WriteSet> Replica::propose(std::span<Proposal> proposals) {
  WriteSet all;
  const Result<void> tried = directory_.run([&](WriteTransaction& parent) -> Result<void> {
    all = {};
    WriteTransaction trial(parent.environment());
    if (int code = parent.note(trial.begin(&parent)); code != 0) return lmdb_error(code, "begin a proposal");
    if (Result<void> taken = take_facts_back(trial); !taken) return taken;
    for (Proposal& proposal : proposals) {
      WriteSet rows;
      WriteTransaction one(parent.environment());
      if (int code = parent.note(one.begin(&trial)); code != 0) return lmdb_error(code, "begin a change");
      one.record_in(rows);
      DirectoryWriter writer(one, proposal.actor);
      proposal.outcome = proposal.change(writer);
      if (parent.note(one.broken()) != 0) return lmdb_error(one.broken(), "try a change");
      if (!proposal.outcome) continue;
      if (int code = parent.note(one.commit()); code != 0) return lmdb_error(code, "end a change");
      all.add(rows);
    }
    return {};
  });
  if (!tried) return tried.error();
  return all;
}

Result<Replica::Webhooks> Replica::before_webhooks() const {
  if (spool_ == nullptr) return Webhooks{};
  const Result<std::uint64_t> last = spool_->last_sequence();
  if (!last) return last.error();
  return Webhooks{.last_event = *last};
}

// After a kill in between, the next start does it (store/backup.h).
Result<void> Replica::number_events(const Webhooks& webhooks) {
  if (spool_ == nullptr || webhooks.begins_with <= webhooks.last_event + 1) return {};
  return spool_->raise_last_sequence(webhooks.begins_with - 1);
}

Result<bool> Replica::advance(const ReplicaCursor& from, const std::vector<SharedRow>& rows, const ReplicaCursor& to) {
  Result<Webhooks> webhooks = before_webhooks();
  if (!webhooks) return webhooks.error();
  Result<bool> moved = false;
  const Result<void> written = directory_.run([&](WriteTransaction& transaction) -> Result<void> {
    moved = move_on(transaction, from, to, [&](WriteTransaction& inner) -> Result<void> {
      for (const SharedRow& row : rows) {
        if (Result<void> put = put_row(inner, row.table, row.key, row.value, *webhooks); !put) return put;
      }
      return {};
    });
    return moved ? Result<void>() : moved.error();
  });
  if (!written) return written.error();
  if (Result<void> numbered = number_events(*webhooks); !numbered) return numbered.error();
  return moved;
}

Result<bool> Replica::advance(const ReplicaCursor& from, const WriteSet& rows, const ReplicaCursor& to) {
  std::vector<SharedRow> all;
  for (const auto& [at, value] : rows.rows()) all.push_back({static_cast<DirectoryTable>(at.first), at.second, value});
  return advance(from, all, to);
}

Result<bool> Replica::replace(const ReplicaCursor& from, std::vector<SharedRow> rows, const ReplicaCursor& to, bool holds_facts) {
  std::map<DirectoryTable, NewRows> by_table;
  for (const DirectoryTable table : kSharedTables) by_table[table];
  for (const SharedRow& row : rows) {
    if (row.value) by_table[row.table].insert_or_assign(row.key, *row.value);
  }
  Result<Webhooks> webhooks = before_webhooks();
  if (!webhooks) return webhooks.error();
  Result<bool> moved = false;
  const Result<void> written = directory_.run([&](WriteTransaction& transaction) -> Result<void> {
    moved = move_on(transaction, from, to, [&](WriteTransaction& inner) -> Result<void> {
      for (const auto& [table, wanted] : by_table) {
        Result<void> replaced = replace_table(inner, table, wanted, holds_facts, *webhooks);
        if (!replaced) return replaced;
      }
      return {};
    });
    return moved ? Result<void>() : moved.error();
  });
  if (!written) return written.error();
  if (Result<void> numbered = number_events(*webhooks); !numbered) return numbered.error();
  return moved;
}

Result<void> Replica::hold(const WriteSet& rows) {
  return directory_.run([&](WriteTransaction& transaction) -> Result<void> {
    WritableTable facts(transaction, DirectoryTable::HeldFacts);
    for (const auto& [at, value] : rows.rows()) {
      const auto table = static_cast<DirectoryTable>(at.first);
      if (!value || !is_fact(table, at.second, *value)) continue;
      const Result<std::uint64_t> held = Table(transaction, DirectoryTable::HeldFacts).count();
      if (!held) return held.error();
      if (*held >= kMaxHeldFacts) return Error(ErrorCode::LimitExceeded, "too much waits to be told to the cluster");
      const std::string place = place_of(table, at.second);
      const Result<bool> is_new = put_in_force(transaction, place, *value);
      if (!is_new) return is_new.error();
      if (!*is_new) continue;
      if (Result<void> put = facts.put(place, *value); !put) return put;
    }
    return {};
  });
}

Result<bool> Replica::has_held_facts() const {
  return directory_.look([](Transaction& transaction) -> Result<bool> {
    const Result<std::uint64_t> held = Table(transaction, DirectoryTable::HeldFacts).count();
    if (!held) return held.error();
    return *held > 0;
  });
}

DirectoryChange Replica::tell_held_facts() const {
  return [this](DirectoryWriter& writer) -> Result<void> {
    const Result<Pairs> facts = directory_.look(
        [](Transaction& transaction) { return read_pairs(transaction, DirectoryTable::HeldFacts, kFactsOfAChange); });
    if (!facts) return facts.error();
    for (const auto& [place, value] : *facts) {
      if (const Result<bool> told = enact(writer, place, value); !told) return told.error();
    }
    return {};
  };
}

Result<std::vector<SharedRow>> Replica::list_rows(const std::optional<std::pair<DirectoryTable, std::string>>& after,
                                                  std::size_t limit) const {
  return directory_.look([&](Transaction& transaction) -> Result<std::vector<SharedRow>> {
    std::vector<SharedRow> rows;
    for (const DirectoryTable table : kSharedTables) {
      if (after && table < after->first) continue;
      Cursor cursor(Table(transaction, table));
      bool found = after && table == after->first ? cursor.seek(after->second) : cursor.first();
      if (found && after && table == after->first && cursor.key() == after->second) found = cursor.next();
      for (; found && rows.size() < limit; found = cursor.next()) {
        rows.push_back({table, std::string(cursor.key()), std::string(cursor.value())});
      }
      if (Result<void> walked = cursor.status(); !walked) return walked.error();
    }
    return rows;
  });
}

}  // namespace postern::store
