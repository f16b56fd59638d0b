// Idempotency keys as PostgreSQL keeps them: whose each is, and whether its message is stored. Statements and nothing else:
// cluster/claim_keeper has the protocol.
#pragma once

#include "cluster/postgres.h"
#include "core/result.h"
#include "store/claim_log.h"
#include "store/replica.h"

#include <cstdint>
#include <span>
#include <vector>

namespace postern::cluster {

// One thread at a time. Errors: those of PostgresConnection; ConnectionReset too where the server did not say that it lasts.
class ClaimLedger {
 public:
  // `connection` outlives this.
  ClaimLedger(PostgresConnection& connection, const store::Membership& membership)
      : connection_(connection), membership_(membership) {}

  // False: the format of the database knows no claims. Conflict: it is of another cluster. NotFound: this node was removed.
  Result<bool> look();
  // Each key that nobody has, or whose time is over, or that only this node or one that was removed had claimed and not settled,
  // becomes the message's. For each what is so then: Free, Taken or Busy. No key twice.
  Result<std::vector<store::ClaimOutcome>> claim(std::span<const store::SharedClaim> wanted);
  Result<std::vector<store::ClaimOutcome>> find(std::span<const store::SharedClaim> keys);
  // Their messages are stored. Which of them another message has, which is stored too: it came first there.
  Result<std::vector<std::optional<MessageId>>> put_stored(std::span<const store::SharedClaim> claimed);
  // Their messages will not be.
  Result<void> drop(std::span<const store::SharedClaim> claimed);
  // What this node has claimed and not settled: at its start, what its predecessor left.
  Result<std::vector<store::SharedClaim>> list_open();
  Result<void> forget_what_is_old();

 private:
  // `absent`: what a key is that is not there.
  Result<std::vector<store::ClaimOutcome>> read(std::span<const store::SharedClaim> keys, store::ClaimOutcome::Kind absent);

  PostgresConnection& connection_;
  const store::Membership membership_;
};

}  // namespace postern::cluster
