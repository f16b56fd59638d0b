// Retention; see the header.
#include "store/retention.h"

#include "store/event_log.h"
#include "store/idempotency_table.h"
#include "store/message_table.h"
#include "store/schema.h"
#include "store/table.h"

namespace postern::store {
namespace {

Result<std::size_t> expire_contents(SpoolTransaction spool, const SpoolLimits& limits, Instant now, std::size_t limit) {
  std::size_t removed = 0;
  while (removed < limit) {
    Result<std::optional<IndexedMessage>> oldest = oldest_captured(spool.transaction);
    if (!oldest) return oldest.error();
    if (!*oldest) break;
    if ((*oldest)->at > now && spool.totals.captured_octets <= limits.capture_max_octets) break;
    if (Result<void> erased = erase_captured_content(spool, (*oldest)->id); !erased) return erased.error();
    ++removed;
  }
  return removed;
}

Result<std::size_t> expire_messages(SpoolTransaction spool, const SpoolLimits& limits, Instant now, std::size_t limit) {
  Result<std::uint64_t> count = Table(spool.transaction, SpoolTable::Settled).count();
  if (!count) return count.error();
  std::size_t removed = 0;
  while (removed < limit) {
    Result<std::optional<IndexedMessage>> oldest = oldest_settled(spool.transaction);
    if (!oldest) return oldest.error();
    if (!*oldest) break;
    const bool has_aged = (*oldest)->at + limits.settled_retention <= now;
    if (!has_aged && *count - removed <= limits.settled_max_messages) break;
    if (Result<void> erased = erase_message(spool, (*oldest)->id); !erased) return erased.error();
    ++removed;
  }
  return removed;
}

}  // namespace

Result<Expiry> apply_expiry(SpoolTransaction spool, const SpoolLimits& limits, Instant now, std::size_t limit) {
  Expiry expiry;
  Result<std::size_t> contents = expire_contents(spool, limits, now, limit);
  if (!contents) return contents.error();
  expiry.contents = *contents;
  Result<std::size_t> messages = expire_messages(spool, limits, now, limit - expiry.contents);
  if (!messages) return messages.error();
  expiry.messages = *messages;
  Result<std::size_t> events = expire_events(spool.transaction, now - limits.event_retention, limits.event_max_count,
                                             limit - expiry.contents - expiry.messages);
  if (!events) return events.error();
  expiry.events = *events;
  Result<std::size_t> claims = expire_idempotency(spool.transaction, now - kIdempotencyRetention, limits.idempotency_max_count,
                                                  limit - expiry.contents - expiry.messages - expiry.events);
  if (!claims) return claims.error();
  expiry.idempotency = *claims;
  return expiry;
}

}  // namespace postern::store
