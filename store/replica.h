// A directory as one node's copy of what a cluster shares (docs/cluster.md): which tables are shared, where in the common history
// the copy stands, changes as write sets, and held facts: what this node knows and the common history does not have yet.
//
// Held facts only ever add: "this key is revoked", "this address is suppressed". They are in force here at once, in the tables
// where reads look anyway, and are taken back for a moment, inside the transaction, whenever the common history moves on; so the
// copy plus nothing is the history's, octet by octet, and no read asks in two places. A node holds them while nobody can be asked,
// after `key revoke --here`, and when the history that it followed turns out to have been lost.
#pragma once

#include "core/result.h"
#include "lmdb/write_set.h"
#include "store/directory.h"
#include "store/directory_log.h"
#include "store/schema.h"
#include "store/spool.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace postern::store {

// Uses, counters, progress of webhooks and what is only this copy's are a node's own.
bool is_shared(DirectoryTable table);
// As kDirectoryTables names it; nullopt: there is none such, or it is not shared.
std::optional<DirectoryTable> find_shared_table(std::string_view name);

struct SharedRow {
  DirectoryTable table;
  std::string key;
  std::optional<std::string> value;  // nullopt: it is gone

  friend bool operator==(const SharedRow&, const SharedRow&) = default;
};

using ClusterUuid = std::array<std::uint8_t, 16>;

struct Membership {
  ClusterUuid cluster{};
  std::uint16_t node = 0;

  friend bool operator==(const Membership&, const Membership&) = default;
};

// A place in the common history: a version, and which change made it. Version 0 is before everything.
struct ReplicaCursor {
  std::uint64_t version = 0;
  ClusterUuid change{};

  friend bool operator==(const ReplicaCursor&, const ReplicaCursor&) = default;
};

// Facts that nobody could be told: some hours of bounces of an installation that is all spam. Above it no more are held.
inline constexpr std::size_t kMaxHeldFacts = 100'000;
// Of those, so many go into one change.
inline constexpr std::size_t kFactsOfAChange = 1'000;

// Any thread; none of it on an I/O thread. Errors: CorruptRecord, IoError, those of a commit, and what stands with a function.
class Replica {
 public:
  // `spool`: of the same store; it may be null where nobody sends webhooks. A webhook that comes from another node begins here with
  // the events that are this node's next: they get no number below the one that it begins with.
  explicit Replica(Directory& directory, Spool* spool = nullptr) : directory_(directory), spool_(spool) {}

  // nullopt: a directory of its own.
  Result<std::optional<Membership>> membership() const;
  Result<ReplicaCursor> cursor() const;
  // Two places are one transaction: whoever reads the cursor here sees what it stands for.
  Result<void> join(const Membership& membership, const ReplicaCursor& cursor);
  // How many nodes there are, as this one heard last; 0: it never heard.
  Result<std::size_t> nodes() const;
  Result<void> note_nodes(std::size_t count);
  // The directory is its own again, with all that it has.
  Result<void> leave();

  // What `change` would write, over the copy without held facts; nothing of it stays. Shared rows and the node's own ones.
  // Errors: what `change` says.
  Result<lmdb::WriteSet> propose(const DirectoryChange& change, const Actor& actor);
  // The same of several, each behind those before it; one that fails writes nothing and says so in its `outcome`.
  struct Proposal {
    const DirectoryChange& change;
    const Actor& actor;
    Result<void> outcome = {};
  };
  Result<lmdb::WriteSet> propose(std::span<Proposal> proposals);
  // Puts the rows and moves from `from` to `to`, in one commit. What this node keeps beside a row that goes, goes with it. False:
  // the copy does not stand at `from`, and nothing happened.
  Result<bool> advance(const ReplicaCursor& from, const std::vector<SharedRow>& rows, const ReplicaCursor& to);
  // The same with the outcome of propose(), the node's own rows among it.
  Result<bool> advance(const ReplicaCursor& from, const lmdb::WriteSet& rows, const ReplicaCursor& to);
  // Makes the copy exactly `rows`, each shared row there is. Where `holds_facts`, facts that only the old state had are held from
  // now on.
  Result<bool> replace(const ReplicaCursor& from, std::vector<SharedRow> rows, const ReplicaCursor& to, bool holds_facts);

  // Of rows that were written, those that are facts; holds them, and they are in force. LimitExceeded above kMaxHeldFacts.
  Result<void> hold(const lmdb::WriteSet& rows);
  Result<bool> has_held_facts() const;
  // The change that tells the history the first of them.
  DirectoryChange tell_held_facts() const;

  // Shared rows strictly after (table, key), in order, held facts not among them. At most `limit`.
  Result<std::vector<SharedRow>> list_rows(const std::optional<std::pair<DirectoryTable, std::string>>& after,
                                           std::size_t limit) const;

 private:
  struct Webhooks;
  Result<Webhooks> before_webhooks() const;
  Result<void> number_events(const Webhooks& webhooks);

  Directory& directory_;
  Spool* spool_;
};

// The shared ones.
std::vector<SharedRow> shared_rows(const lmdb::WriteSet& rows);
bool has_facts(const lmdb::WriteSet& rows);

// In a transaction of the directory. True: it belongs to a cluster.
bool is_member(lmdb::Transaction& transaction);

}  // namespace postern::store
