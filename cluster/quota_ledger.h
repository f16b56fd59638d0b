// What the nodes have leased of the accounts' quotas, and what each is asked for of their rates, as PostgreSQL keeps it. Statements
// and nothing else: cluster/lease_book has the rules, cluster/quota_keeper the protocol.
#pragma once

#include "cluster/lease_book.h"
#include "cluster/postgres.h"
#include "cluster/rate_shares.h"
#include "core/result.h"
#include "store/replica.h"

#include <cstdint>
#include <set>
#include <span>
#include <vector>

namespace postern::cluster {

// One thread at a time. Errors: those of PostgresConnection; Conflict: the database is of another cluster.
class QuotaLedger {
 public:
  // `connection` outlives this.
  QuotaLedger(PostgresConnection& connection, const store::Membership& membership)
      : connection_(connection), membership_(membership), node_(membership.node) {}

  struct Look {
    std::uint32_t format = 0;   // of the database; below kQuotaFormat there are no leases in it
    bool is_member = false;     // false: this node was removed
    std::size_t nodes = 0;
  };
  Result<Look> look();
  // Accounts that another node lately found nothing of.
  Result<std::set<AccountId>> find_wanted();

  // Holds all leases of the cluster, waits for them some seconds at most, until commit().
  Result<void> begin();
  // For each question the rows of its account's day and month.
  Result<std::vector<std::vector<LeaseRow>>> read(std::span<const LeaseQuestion> questions);
  Result<void> write(std::span<const LeaseQuestion> questions, std::span<const LeaseAnswer> answers);
  // All that this node had leased counts as spent, since whoever had the leases is gone.
  Result<void> spend_all(Instant day);
  // What this node counted by itself: its rows say that at least.
  struct Counted {
    AccountId account;
    QuotaUse use;
  };
  Result<void> report(const std::vector<Counted>& counted, Instant day);
  // False: the server did not say that it lasts, or nothing at all.
  Result<bool> commit();
  void roll_back();

  // What is asked for here goes in, what the others ask for of the same comes out. Lasts for no restart of the server.
  Result<std::vector<RateShares::Demand>> exchange(const std::vector<RateShares::Demand>& own);

 private:
  PostgresConnection& connection_;
  const store::Membership membership_;
  const std::uint16_t node_;
};

}  // namespace postern::cluster
