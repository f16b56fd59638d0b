#include "cluster/claim_ledger.h"

#include "cluster/history.h"

#include <algorithm>
#include <string>

namespace postern::cluster {
namespace {

using store::ClaimOutcome;
using store::SharedClaim;

using Column = std::vector<std::optional<std::string>>;

// store::kIdempotencyRetention, by the database's clock.
constexpr const char* kRetention = "interval '24 hours'";

template <class Octets>
std::string bytea(const Octets& octets) {
  return hex_parameter({reinterpret_cast<const char*>(octets.data()), octets.size()});
}

template <class Octets>
void copy_octets(std::string_view text, Octets& octets) {
  if (text.size() == octets.size()) std::ranges::copy(text, octets.begin());
}

struct Columns {
  Column accounts, keys, fingerprints, messages;

  explicit Columns(std::span<const SharedClaim> claims) {
    for (const SharedClaim& one : claims) {
      accounts.emplace_back(bytea(one.account.octets));
      keys.emplace_back(bytea(one.claim.key_digest));
      fingerprints.emplace_back(bytea(one.claim.fingerprint));
      messages.emplace_back(bytea(one.message.octets));
    }
  }
};

}  // namespace

Result<bool> ClaimLedger::look() {
  const auto found = connection_.ask(
      "SELECT format::text, uuid_send(id), (SELECT count(*) FROM node WHERE id = $1::int)::text FROM cluster",
      {std::to_string(membership_.node)});
  if (!found) return found.error();
  store::ClusterUuid cluster{};
  if (found->size() == 1) copy_octets(found->text(0, 1), cluster);
  if (cluster != membership_.cluster) {
    return Error(ErrorCode::Conflict, "cluster_database is of another cluster than this node");
  }
  if (found->number(0, 2) == 0) return Error(ErrorCode::NotFound, "this node was removed from the cluster");
  const bool knows_claims = found->number(0, 0) >= kQuotaFormat;
  return knows_claims;
}

// A conflict waits for whoever inserts the same key just now, so what is read behind it is final.
Result<std::vector<ClaimOutcome>> ClaimLedger::claim(std::span<const SharedClaim> wanted) {
  const Columns columns(wanted);
  const auto put = connection_.ask(
      "INSERT INTO idempotency (account, key, fingerprint, message, node, is_done, at) "
      "SELECT a, k, f, m, $5::int, false, clock_timestamp() "
      "FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[]) AS rows (a, k, f, m) ORDER BY a, k "
      "ON CONFLICT (account, key) DO UPDATE SET fingerprint = excluded.fingerprint, message = excluded.message, "
      "node = excluded.node, is_done = false, at = excluded.at "
      "WHERE idempotency.at < clock_timestamp() - " + std::string(kRetention) +
      " OR (NOT idempotency.is_done AND (idempotency.node = excluded.node "
      "OR NOT EXISTS (SELECT 1 FROM node WHERE id = idempotency.node)))",
      {array_parameter(columns.accounts), array_parameter(columns.keys), array_parameter(columns.fingerprints),
       array_parameter(columns.messages), std::to_string(membership_.node)});
  if (!put) return put.error();
  if (!connection_.remark().empty()) return Error(ErrorCode::ConnectionReset, "PostgreSQL: " + connection_.remark());
  // What is not there any more was another's, who has given it up meanwhile.
  return read(wanted, ClaimOutcome::Kind::Busy);
}

Result<std::vector<ClaimOutcome>> ClaimLedger::find(std::span<const SharedClaim> keys) {
  return read(keys, ClaimOutcome::Kind::Free);
}

Result<std::vector<ClaimOutcome>> ClaimLedger::read(std::span<const SharedClaim> keys, ClaimOutcome::Kind absent) {
  const Columns columns(keys);
  const auto found = connection_.ask(
      "SELECT q.place::text, i.fingerprint, i.message, i.is_done::int::text "
      "FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY AS q (account, key, place) "
      "JOIN idempotency i ON i.account = q.account AND i.key = q.key WHERE i.at >= clock_timestamp() - " + std::string(kRetention),
      {array_parameter(columns.accounts), array_parameter(columns.keys)});
  if (!found) return found.error();
  std::vector<ClaimOutcome> outcomes(keys.size(), {.kind = absent});
  for (std::size_t i = 0; i < found->size(); ++i) {
    const std::size_t at = found->number(i, 0) - 1;
    if (at >= outcomes.size()) return Error(ErrorCode::ProtocolError, "PostgreSQL answered what was not asked");
    store::IdempotencyRecord& first = outcomes[at].first;
    copy_octets(found->text(i, 1), first.fingerprint);
    copy_octets(found->text(i, 2), first.message.octets);
    const bool is_stored = found->number(i, 3) == 1;
    const bool is_own = !is_stored && first.message == keys[at].message;
    outcomes[at].kind = is_stored ? ClaimOutcome::Kind::Taken : is_own ? ClaimOutcome::Kind::Free : ClaimOutcome::Kind::Busy;
  }
  return outcomes;
}

Result<std::vector<std::optional<MessageId>>> ClaimLedger::put_stored(std::span<const SharedClaim> claimed) {
  const Columns columns(claimed);
  const auto put = connection_.ask(
      "INSERT INTO idempotency (account, key, fingerprint, message, node, is_done, at) "
      "SELECT a, k, f, m, $5::int, true, clock_timestamp() "
      "FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[]) AS rows (a, k, f, m) ORDER BY a, k "
      "ON CONFLICT (account, key) DO UPDATE SET fingerprint = excluded.fingerprint, message = excluded.message, "
      "node = excluded.node, is_done = true "
      "WHERE NOT idempotency.is_done OR idempotency.at < clock_timestamp() - " + std::string(kRetention),
      {array_parameter(columns.accounts), array_parameter(columns.keys), array_parameter(columns.fingerprints),
       array_parameter(columns.messages), std::to_string(membership_.node)});
  if (!put) return put.error();
  const auto now = find(claimed);
  if (!now) return now.error();
  std::vector<std::optional<MessageId>> others(claimed.size());
  for (std::size_t i = 0; i < claimed.size(); ++i) {
    const store::ClaimOutcome& outcome = (*now)[i];
    if (outcome.kind == ClaimOutcome::Kind::Taken && outcome.first.message != claimed[i].message) {
      others[i] = outcome.first.message;
    }
  }
  return others;
}

Result<void> ClaimLedger::drop(std::span<const SharedClaim> claimed) {
  const Columns columns(claimed);
  const auto gone = connection_.ask(
      "DELETE FROM idempotency USING unnest($1::bytea[], $2::bytea[], $3::bytea[]) AS rows (a, k, m) "
      "WHERE account = a AND key = k AND message = m AND NOT is_done",
      {array_parameter(columns.accounts), array_parameter(columns.keys), array_parameter(columns.messages)});
  return gone ? Result<void>() : gone.error();
}

Result<std::vector<SharedClaim>> ClaimLedger::list_open() {
  const auto found =
      connection_.ask("SELECT account, key, fingerprint, message FROM idempotency WHERE node = $1::int AND NOT is_done",
                      {std::to_string(membership_.node)});
  if (!found) return found.error();
  std::vector<SharedClaim> open(found->size());
  for (std::size_t i = 0; i < open.size(); ++i) {
    copy_octets(found->text(i, 0), open[i].account.octets);
    copy_octets(found->text(i, 1), open[i].claim.key_digest);
    copy_octets(found->text(i, 2), open[i].claim.fingerprint);
    copy_octets(found->text(i, 3), open[i].message.octets);
  }
  return open;
}

Result<void> ClaimLedger::forget_what_is_old() {
  const auto gone = connection_.ask("DELETE FROM idempotency WHERE at < clock_timestamp() - " + std::string(kRetention));
  return gone ? Result<void>() : gone.error();
}

}  // namespace postern::cluster
