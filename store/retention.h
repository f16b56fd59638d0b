// Retention: what has outlived its time goes, oldest first, found through the indexes. What is above a bound goes by account: each
// has a fair share, nobody below it loses anything to somebody above it, and of one account test mail goes before live mail.
#pragma once

#include "store/spool.h"
#include "store/spool_transaction.h"

#include <deque>
#include <map>

namespace postern::store {

// Removes at most `limit` things that have outlived their retention.
Result<Expiry> apply_expiry(SpoolTransaction spool, const SpoolLimits& limits, Instant now, std::size_t limit);

// What is above its bound and goes, the oldest of each account first.
struct Excess {
  std::deque<MessageId> contents;
  std::deque<MessageId> messages;
  std::deque<std::uint64_t> events;
  std::deque<std::string> claims;  // keys of the index by age

  std::size_t size() const { return contents.size() + messages.size() + events.size() + claims.size(); }
  // Moves at most `limit` of it into the answer.
  Excess take(std::size_t limit);
};
// Walks an index only where its bound is exceeded; then so much goes that it is not for a while. A walk of seconds for millions of
// rows: not on the commit thread.
// `capacity`: what the spool can hold, SpaceGuard::capacity().
Result<Excess> find_excess(Transaction& transaction, const SpoolLimits& limits, std::uint64_t capacity);
// What is gone meanwhile is no error.
Result<Expiry> erase_excess(SpoolTransaction spool, const Excess& excess);

using Holdings = std::map<AccountId, std::uint64_t>;
// The most that an account may hold if all together are to hold `total`: who has less keeps all of it.
std::uint64_t fair_share(const Holdings& holdings, std::uint64_t total);

}  // namespace postern::store
