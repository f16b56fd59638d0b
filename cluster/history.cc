#include "cluster/history.h"

#include <algorithm>

namespace postern::cluster {
namespace {

using store::ClusterUuid;
using store::ReplicaCursor;
using store::SharedRow;

constexpr std::string_view kProofPlace = "cluster";

constexpr const char* kTables = R"(
CREATE SCHEMA postern;
CREATE TABLE postern.cluster (
  single boolean PRIMARY KEY DEFAULT true CHECK (single), id uuid NOT NULL, format integer NOT NULL, version bigint NOT NULL,
  change uuid NOT NULL, purged_below bigint NOT NULL DEFAULT 0, next_node integer NOT NULL DEFAULT 1,
  confirmed bigint NOT NULL DEFAULT 0, proof bytea NOT NULL) WITH (fillfactor = 50);
CREATE TABLE postern.change (
  version bigint PRIMARY KEY, id uuid NOT NULL UNIQUE, at timestamptz NOT NULL DEFAULT clock_timestamp(), node smallint NOT NULL);
CREATE TABLE postern.directory (
  tbl text NOT NULL, key bytea NOT NULL, value bytea, version bigint NOT NULL, PRIMARY KEY (tbl, key));
CREATE INDEX directory_version ON postern.directory (version);
CREATE TABLE postern.node (
  id smallint PRIMARY KEY, name text NOT NULL UNIQUE, heartbeat bigint NOT NULL DEFAULT 0, applied bigint NOT NULL DEFAULT 0,
  format_max integer NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp()) WITH (fillfactor = 50);
)";

// What each format has beside those before it. `wants`: others are to give back. A start is in days from 1970.
constexpr const char* kTablesOfFormat2 = R"(
CREATE TABLE postern.quota_lease (
  account bytea NOT NULL, period smallint NOT NULL, start integer NOT NULL, node smallint NOT NULL, granted bigint NOT NULL,
  spent bigint NOT NULL, wants boolean NOT NULL, at timestamptz NOT NULL, PRIMARY KEY (account, period, start, node))
  WITH (fillfactor = 50);
CREATE INDEX quota_lease_wants ON postern.quota_lease (at) WHERE wants;
CREATE UNLOGGED TABLE postern.rate_demand (
  who bytea NOT NULL, node smallint NOT NULL, demand real NOT NULL, at timestamptz NOT NULL, PRIMARY KEY (who, node))
  WITH (fillfactor = 50);
CREATE TABLE postern.idempotency (
  account bytea NOT NULL, key bytea NOT NULL, fingerprint bytea NOT NULL, message bytea NOT NULL, node smallint NOT NULL,
  is_done boolean NOT NULL, at timestamptz NOT NULL, PRIMARY KEY (account, key)) WITH (fillfactor = 50);
CREATE INDEX idempotency_at ON postern.idempotency (at);
)";

std::string uuid_text(const ClusterUuid& uuid) {
  return hex_parameter({reinterpret_cast<const char*>(uuid.data()), uuid.size()}).substr(2);
}

ClusterUuid read_uuid(std::string_view octets) {
  ClusterUuid uuid{};
  if (octets.size() == uuid.size()) std::ranges::copy(octets, uuid.begin());
  return uuid;
}

std::string_view table_name(store::DirectoryTable table) {
  return store::kDirectoryTables[static_cast<std::size_t>(table)];
}

std::string place_of(std::string_view table, std::string_view key) {
  return std::string(table).append(1, '\0').append(key);
}

}  // namespace

Result<store::Membership> History::create(std::string_view node_name) {
  const auto there = connection_.ask("SELECT 1 FROM pg_namespace WHERE nspname = 'postern'");
  if (!there) return there.error();
  if (there->size() > 0) return Error(ErrorCode::AlreadyExists, "there is a cluster in this database");
  if (Result<void> made = connection_.run_script(std::string(kTables) + kTablesOfFormat2); !made) return made.error();
  ClusterUuid first{};
  random_.fill(cluster_);
  random_.fill(first);
  const std::string proof =
      seal_.seal(kProofPlace, std::string_view(reinterpret_cast<const char*>(cluster_.data()), cluster_.size()), random_);
  const auto put =
      connection_.ask("INSERT INTO cluster (id, format, version, change, proof) VALUES ($1::uuid, $2::int, 1, $3::uuid, $4::bytea)",
                      {uuid_text(cluster_), std::to_string(kFormat), uuid_text(first), hex_parameter(proof)});
  if (!put) return put.error();
  const Result<std::uint16_t> node = add_node(node_name);
  if (!node) return node.error();
  const auto noted = connection_.ask("INSERT INTO change (version, id, node) VALUES (1, $1::uuid, $2::int)",
                                     {uuid_text(first), std::to_string(*node)});
  if (!noted) return noted.error();
  return store::Membership{.cluster = cluster_, .node = *node};
}

Result<ClusterUuid> History::identify() {
  const auto there = connection_.ask("SELECT 1 FROM pg_namespace WHERE nspname = 'postern'");
  if (!there) return there.error();
  if (there->size() == 0) return Error(ErrorCode::NotFound, "there is no cluster in this database: postern cluster init makes one");
  const auto found = connection_.ask("SELECT uuid_send(id), format::text, proof FROM cluster");
  if (!found) return found.error();
  if (found->size() != 1) return Error(ErrorCode::CorruptRecord, "the cluster's database says nothing about the cluster");
  cluster_ = read_uuid(found->text(0, 0));
  if (Result<void> known = check_identity(found->text(0, 0), found->number(0, 1)); !known) return known.error();
  const Result<std::string> proof = seal_.unseal(kProofPlace, found->text(0, 2));
  if (!proof || *proof != found->text(0, 0)) {
    return Error(ErrorCode::CorruptRecord, "this node's dkim-seal.key is not the cluster's: copy that of one of its nodes");
  }
  return cluster_;
}

Result<void> History::check_identity(std::string_view id, std::uint64_t format) const {
  if (format < kOldestFormat || format > kFormat) {
    return Error(ErrorCode::SchemaMismatch, "the cluster's database has format " + std::to_string(format) +
                                                ", this program reads formats " + std::to_string(kOldestFormat) + " to " +
                                                std::to_string(kFormat));
  }
  if (read_uuid(id) != cluster_) return Error(ErrorCode::Conflict, "cluster_database is of another cluster than this node");
  return {};
}

Result<void> History::begin() {
  const auto begun = connection_.ask("BEGIN");
  return begun ? Result<void>() : begun.error();
}

Result<ReplicaCursor> History::lock_head() {
  const auto head = connection_.ask("SELECT version::text, uuid_send(change), uuid_send(id), format::text FROM cluster FOR UPDATE");
  if (!head) return head.error();
  if (head->size() != 1) return Error(ErrorCode::NotFound, "there is no cluster in this database");
  if (Result<void> known = check_identity(head->text(0, 2), head->number(0, 3)); !known) return known.error();
  return ReplicaCursor{.version = head->number(0, 0), .change = read_uuid(head->text(0, 1))};
}

Result<void> History::put_rows(const std::vector<SharedRow>& rows, std::uint64_t version) {
  for (std::size_t at = 0; at < rows.size(); at += kRowsOfAStatement) {
    std::vector<std::optional<std::string>> tables;
    std::vector<std::optional<std::string>> keys;
    std::vector<std::optional<std::string>> values;
    for (std::size_t i = at; i < std::min(rows.size(), at + kRowsOfAStatement); ++i) {
      const std::string_view table = table_name(rows[i].table);
      tables.emplace_back(table);
      keys.emplace_back(hex_parameter(rows[i].key));
      values.emplace_back();
      if (rows[i].value) values.back() = hex_parameter(seal_.seal(place_of(table, rows[i].key), *rows[i].value, random_));
    }
    const auto put = connection_.ask(
        "INSERT INTO directory (tbl, key, value, version) "
        "SELECT t, k, v, $4::bigint FROM unnest($1::text[], $2::bytea[], $3::bytea[]) AS rows (t, k, v) "
        "ON CONFLICT (tbl, key) DO UPDATE SET value = excluded.value, version = excluded.version",
        {array_parameter(tables), array_parameter(keys), array_parameter(values), std::to_string(version)});
    if (!put) return put.error();
  }
  return {};
}

Result<void> History::move_head(const ReplicaCursor& next, std::uint16_t node) {
  const auto moved = connection_.ask(
      "WITH noted AS (INSERT INTO change (version, id, node) VALUES ($1::bigint, $2::uuid, $3::int)) "
      "UPDATE cluster SET version = $1::bigint, change = $2::uuid",
      {std::to_string(next.version), uuid_text(next.change), std::to_string(node)});
  return moved ? Result<void>() : moved.error();
}

// A wait for the standby that is cut short ends with a remark and success (PostgreSQL's syncrep.c).
Result<bool> History::commit() {
  const auto done = connection_.ask("COMMIT");
  if (done) return connection_.remark().empty();
  if (connection_.is_open()) return done.error();
  return false;
}

void History::roll_back() {
  if (connection_.is_open()) (void)connection_.ask("ROLLBACK");
}

Result<bool> History::find_change(const ClusterUuid& change) {
  Result<void> begun = begin();
  if (!begun) return begun.error();
  // Whoever still waits for the standby holds it: behind it the answer is final.
  if (const auto head = lock_head(); !head) return head.error();
  const auto found = connection_.ask("SELECT 1 FROM change WHERE id = $1::uuid", {uuid_text(change)});
  if (!found) return found.error();
  if (const auto written = connection_.ask("UPDATE cluster SET confirmed = confirmed + 1"); !written) return written.error();
  const Result<bool> lasts = commit();
  if (!lasts) return lasts.error();
  if (!*lasts) return Error(ErrorCode::ConnectionReset, "PostgreSQL did not say that its commit lasts");
  const bool is_there = found->size() > 0;
  return is_there;
}

Result<void> History::confirm() {
  const auto written = connection_.ask("UPDATE cluster SET confirmed = confirmed + 1");
  if (!written) return written.error();
  if (!connection_.remark().empty()) return Error(ErrorCode::ConnectionReset, "PostgreSQL: " + connection_.remark());
  return {};
}

// Behind the head: nobody joins meanwhile.
Result<std::uint32_t> History::upgrade() {
  if (Result<void> begun = begin(); !begun) return begun.error();
  if (const auto head = lock_head(); !head) return head.error();
  const auto found = connection_.ask("SELECT format::text FROM cluster");
  if (!found) return found.error();
  const auto format = static_cast<std::uint32_t>(found->number(0, 0));
  const auto nodes = list_nodes();
  if (!nodes) return nodes.error();
  const auto old = std::ranges::find_if(*nodes, [](const NodeState& node) { return node.format_max < kFormat; });
  if (old != nodes->end()) {
    return Error(ErrorCode::Conflict, "node " + old->name + " runs a program that knows format " +
                                          std::to_string(old->format_max) + " at most: upgrade it first, or remove it");
  }
  if (format < 2) {
    if (Result<void> made = connection_.run_script(kTablesOfFormat2); !made) return made.error();
  }
  const auto put = connection_.ask("UPDATE cluster SET format = $1::int", {std::to_string(kFormat)});
  if (!put) return put.error();
  const Result<bool> lasts = commit();
  if (!lasts) return lasts.error();
  if (!*lasts) return Error(ErrorCode::StorageShedding, "PostgreSQL did not say that it lasts: try again");
  return format;
}

Result<Reading> History::read(const ReplicaCursor& from) {
  const auto found = connection_.ask(
      "SELECT c.version::text, uuid_send(c.change), c.purged_below::text, uuid_send(h.id), uuid_send(c.id), c.format::text, "
      "d.tbl, d.key, d.value FROM cluster c LEFT JOIN change h ON h.version = $1::bigint "
      "LEFT JOIN directory d ON d.version > $1::bigint",
      {std::to_string(from.version)});
  if (!found) return found.error();
  if (found->size() == 0) return Error(ErrorCode::NotFound, "there is no cluster in this database");
  if (Result<void> known = check_identity(found->text(0, 4), found->number(0, 5)); !known) return known.error();
  Reading reading;
  reading.head = {.version = found->number(0, 0), .change = read_uuid(found->text(0, 1))};
  if (from.version != 0 && (found->is_null(0, 3) || read_uuid(found->text(0, 3)) != from.change)) {
    reading.path = from.version < found->number(0, 2) ? Reading::Path::Forgotten : Reading::Path::Lost;
    return reading;
  }
  if (found->is_null(0, 6)) return reading;  // nothing new
  reading.rows.reserve(found->size());
  for (std::size_t i = 0; i < found->size(); ++i) {
    const auto table = store::find_shared_table(found->text(i, 6));
    if (!table) return Error(ErrorCode::SchemaMismatch, "the cluster's database has a table that this program does not know");
    SharedRow row{.table = *table, .key = std::string(found->text(i, 7)), .value = std::nullopt};
    if (!found->is_null(i, 8)) {
      Result<std::string> value = seal_.unseal(place_of(found->text(i, 6), row.key), found->text(i, 8));
      if (!value) return value.error();
      row.value = std::move(*value);
    }
    reading.rows.push_back(std::move(row));
  }
  return reading;
}

Result<std::uint16_t> History::add_node(std::string_view name) {
  const auto there = connection_.ask("SELECT 1 FROM node WHERE name = $1", {std::string(name)});
  if (!there) return there.error();
  if (there->size() > 0) return Error(ErrorCode::AlreadyExists, "the cluster has a node named " + std::string(name));
  const auto given = connection_.ask("UPDATE cluster SET next_node = next_node + 1 RETURNING (next_node - 1)::text");
  if (!given) return given.error();
  const std::uint64_t id = given->size() == 1 ? given->number(0, 0) : 0;
  if (id == 0 || id > kMaxNodes) {
    return Error(ErrorCode::LimitExceeded, "a cluster has had " + std::to_string(kMaxNodes) + " nodes at most");
  }
  const auto put = connection_.ask("INSERT INTO node (id, name, format_max) VALUES ($1::int, $2, $3::int)",
                                   {std::to_string(id), std::string(name), std::to_string(kFormat)});
  if (!put) return put.error();
  return static_cast<std::uint16_t>(id);
}

Result<bool> History::beat(std::uint16_t node, std::uint64_t applied) {
  const auto written = connection_.ask(
      "UPDATE node SET heartbeat = heartbeat + 1, applied = $2::bigint, format_max = $3::int, at = clock_timestamp() "
      "WHERE id = $1::int",
      {std::to_string(node), std::to_string(applied), std::to_string(kFormat)});
  if (!written) return written.error();
  if (!connection_.remark().empty()) return Error(ErrorCode::ConnectionReset, "PostgreSQL: " + connection_.remark());
  const bool is_known = written->affected() == 1;
  return is_known;
}

Result<std::vector<NodeState>> History::list_nodes() {
  const auto found = connection_.ask(
      "SELECT id::text, name, applied::text, greatest(0, extract(epoch FROM clock_timestamp() - at) * 1000)::bigint::text, "
      "format_max::text FROM node ORDER BY id");
  if (!found) return found.error();
  std::vector<NodeState> nodes;
  for (std::size_t i = 0; i < found->size(); ++i) {
    nodes.push_back({.id = static_cast<std::uint16_t>(found->number(i, 0)),
                     .name = std::string(found->text(i, 1)),
                     .applied = found->number(i, 2),
                     .format_max = static_cast<std::uint32_t>(found->number(i, 4)),
                     .silent_for = std::chrono::milliseconds(found->number(i, 3))});
  }
  return nodes;
}

Result<std::uint64_t> History::latest() {
  const auto found = connection_.ask("SELECT version::text FROM cluster");
  if (!found) return found.error();
  return found->size() == 1 ? found->number(0, 0) : 0;
}

Result<bool> History::remove_node(std::string_view name) {
  const auto removed = connection_.ask("DELETE FROM node WHERE name = $1", {std::string(name)});
  if (!removed) return removed.error();
  const bool was_there = removed->affected() > 0;
  return was_there;
}

Result<void> History::forget_what_is_old() {
  Result<void> forgotten = connection_.run_script(
      "UPDATE cluster SET purged_below = greatest(purged_below, coalesce("
      "(SELECT max(version) FROM change WHERE at < now() - interval '30 days'), 0)); "
      "DELETE FROM directory USING cluster WHERE value IS NULL AND directory.version <= purged_below; "
      "DELETE FROM change USING cluster WHERE change.version < purged_below AND change.version < cluster.version");
  if (!forgotten) return forgotten;
  const auto found = connection_.ask("SELECT format::text FROM cluster");
  if (!found) return found.error();
  if (found->number(0, 0) < kQuotaFormat) return {};
  // Of yesterday nobody asks any more, of the month before last neither.
  return connection_.run_script(
      "DELETE FROM quota_lease WHERE at < now() - CASE period WHEN 1 THEN interval '3 days' ELSE interval '62 days' END; "
      "DELETE FROM rate_demand WHERE at < now() - interval '1 hour'");
}

}  // namespace postern::cluster
