// The common history as PostgreSQL keeps it (docs/cluster.md has the tables): the head, which one writer at a time holds; rows by
// the version that wrote them last; the nodes and how far each has come. Statements and nothing else: whoever calls has the
// protocol.
#pragma once

#include "cluster/postgres.h"
#include "cluster/row_seal.h"
#include "core/random.h"
#include "core/result.h"
#include "store/replica.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::cluster {

// Of what is in the database. A program reads those from kOldestFormat to kFormat and writes what is there; `upgrade` raises it.
inline constexpr std::uint32_t kFormat = 2;
inline constexpr std::uint32_t kOldestFormat = 1;
inline constexpr std::uint32_t kQuotaFormat = 2;  // from here on leases of quotas, shares of rates and claims of idempotency keys
inline constexpr std::uint32_t kMaxNodes = 255;  // a message id has one octet for the node that made it
inline constexpr std::size_t kMaxNodeName = 64;
inline constexpr std::size_t kRowsOfAStatement = 2'000;  // some hundred KiB of text

// What there is behind a place.
struct Reading {
  store::ReplicaCursor head;
  std::vector<store::SharedRow> rows;  // as they are at the head, those that are gone among them
  enum class Path {
    Onward,     // `rows` lead from the place to the head
    Forgotten,  // the place is older than what the database remembers of rows that went
    Lost,       // this history never was at the place
  };
  Path path = Path::Onward;
};

struct NodeState {
  std::uint16_t id = 0;
  std::string name;
  std::uint64_t applied = 0;                // version
  std::uint32_t format_max = 0;             // that its program knows
  std::chrono::milliseconds silent_for{0};  // since its last word, by the database's clock
};

// One thread at a time. Errors: those of PostgresConnection; Conflict: the database is of another cluster; SchemaMismatch: of a
// format that this program does not know; CorruptRecord: a row was not sealed with this key.
class History {
 public:
  // All outlive this. `cluster`: all zeros where it is not known yet.
  History(PostgresConnection& connection, const RowSeal& seal, Random& random, const store::ClusterUuid& cluster)
      : connection_(connection), seal_(seal), random_(random), cluster_(cluster) {}

  // Makes the tables and an empty history of version 1 with a new id, and enters its first node; within begin() and commit().
  // AlreadyExists: there is a cluster in this database.
  Result<store::Membership> create(std::string_view node_name);
  // Which cluster it is. NotFound: there is none in this database. CorruptRecord: this node's key is not the cluster's.
  Result<store::ClusterUuid> identify();

  Result<void> begin();
  // Within begin(): waits, some seconds at most, until nobody else writes, and holds the head until the transaction ends.
  Result<store::ReplicaCursor> lock_head();
  // The rows become part of version `next`; within lock_head().
  Result<void> put_rows(const std::vector<store::SharedRow>& rows, std::uint64_t version);
  Result<void> move_head(const store::ReplicaCursor& next, std::uint16_t node);
  // False: the server did not say that it lasts, or nothing at all; settle it with find_change().
  Result<bool> commit();
  void roll_back();
  // Whether that change is in the history; lasts, as all that it rests on does, when this returns.
  Result<bool> find_change(const store::ClusterUuid& change);
  // Returns once a commit of ours has been acknowledged: this server has not been left behind.
  Result<void> confirm();

  // Raises the format to kFormat, with the tables that this brings; which one it was. Conflict: a node runs a program that does not
  // know it.
  Result<std::uint32_t> upgrade();

  // In one snapshot.
  Result<Reading> read(const store::ReplicaCursor& from);

  // AlreadyExists: there is a node of that name. LimitExceeded above kMaxNodes. Within lock_head().
  Result<std::uint16_t> add_node(std::string_view name);
  // False: this node was removed.
  Result<bool> beat(std::uint16_t node, std::uint64_t applied);
  Result<std::vector<NodeState>> list_nodes();
  Result<std::uint64_t> latest();  // version
  // False: there is none.
  Result<bool> remove_node(std::string_view name);
  // Forgets rows that went, and changes, from before 30 days. A node that was away for longer reads all anew.
  Result<void> forget_what_is_old();

 private:
  Result<void> check_identity(std::string_view id, std::uint64_t format) const;

  PostgresConnection& connection_;
  const RowSeal& seal_;
  Random& random_;
  store::ClusterUuid cluster_;
};

}  // namespace postern::cluster
