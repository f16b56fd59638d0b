// Retention; see the header. A row of the indexes "settled" and "captured" names its account; one that was written before it did is
// looked up.
#include "store/retention.h"

#include "store/event_log.h"
#include "store/idempotency_table.h"
#include "store/message_table.h"
#include "store/octets.h"
#include "store/schema.h"
#include "store/tables.h"

#include <algorithm>

namespace postern::store {
namespace {

constexpr std::uint64_t kCapturePart = 4;  // of the spool
constexpr std::uint64_t kReliefPart = 20;  // of a bound: so much below it, so that the next walk is not due at once

std::uint64_t below(std::uint64_t bound) { return bound - bound / kReliefPart; }

Result<std::size_t> expire_contents(SpoolTransaction spool, Instant now, std::size_t limit) {
  std::size_t removed = 0;
  while (removed < limit) {
    Result<std::optional<IndexedMessage>> oldest = oldest_captured(spool.transaction);
    if (!oldest) return oldest.error();
    if (!*oldest || (*oldest)->at > now) break;
    if (Result<void> erased = erase_captured_content(spool, (*oldest)->id); !erased) return erased.error();
    ++removed;
  }
  return removed;
}

Result<std::size_t> expire_messages(SpoolTransaction spool, const SpoolLimits& limits, Instant now, std::size_t limit) {
  std::size_t removed = 0;
  while (removed < limit) {
    Result<std::optional<IndexedMessage>> oldest = oldest_settled(spool.transaction);
    if (!oldest) return oldest.error();
    if (!*oldest || (*oldest)->at + limits.settled_retention > now) break;
    if (Result<void> erased = erase_message(spool, (*oldest)->id); !erased) return erased.error();
    ++removed;
  }
  return removed;
}

// `visit` (→ bool: go on) gets each row's account, weight and key.
template <class Visit>
Result<void> walk_rows(Transaction& transaction, SpoolTable index, Result<IndexedOwner> (*owner)(Transaction&, std::string_view,
                       std::string_view), Visit visit) {
  Cursor cursor(Table(transaction, index));
  for (bool found = cursor.first(); found; found = cursor.next()) {
    Result<IndexedOwner> row = owner(transaction, cursor.key(), cursor.value());
    if (!row) continue;  // damaged: examine() reports it
    if (!visit(*row)) break;
  }
  return cursor.status();
}

// Of each account what is above the share, test mail first: two budgets to spend on rows, oldest first.
struct Budget {
  std::uint64_t test = 0;
  std::uint64_t live = 0;
};
using Budgets = std::map<AccountId, Budget>;

Result<std::deque<MessageId>> find_excess_rows(Transaction& transaction, SpoolTable index,
                                               Result<IndexedOwner> (*owner)(Transaction&, std::string_view, std::string_view),
                                               std::uint64_t total) {
  Holdings held;
  Holdings held_by_tests;
  Result<void> walked = walk_rows(transaction, index, owner, [&](const IndexedOwner& row) {
    held[row.account] += row.weight;
    if (row.environment == Environment::Test) held_by_tests[row.account] += row.weight;
    return true;
  });
  if (!walked) return walked.error();
  const std::uint64_t share = fair_share(held, total);
  Budgets budgets;
  for (const auto& [account, weight] : held) {
    if (weight <= share) continue;
    const std::uint64_t of_tests = std::min(weight - share, held_by_tests[account]);
    budgets[account] = {.test = of_tests, .live = weight - share - of_tests};
  }
  std::deque<MessageId> excess;
  walked = walk_rows(transaction, index, owner, [&](const IndexedOwner& row) {
    const auto found = budgets.find(row.account);
    if (found == budgets.end()) return true;
    std::uint64_t& budget = row.environment == Environment::Test ? found->second.test : found->second.live;
    if (budget == 0) return true;
    budget -= std::min(budget, row.weight);
    excess.push_back(row.id);
    if (found->second.test == 0 && found->second.live == 0) budgets.erase(found);
    return !budgets.empty();
  });
  if (!walked) return walked.error();
  return excess;
}

template <class Value>
void move_some(std::deque<Value>& from, std::deque<Value>& to, std::size_t limit) {
  const auto end = from.begin() + static_cast<std::ptrdiff_t>(std::min(limit, from.size()));
  to.assign(std::make_move_iterator(from.begin()), std::make_move_iterator(end));
  from.erase(from.begin(), end);
}

}  // namespace

std::uint64_t fair_share(const Holdings& holdings, std::uint64_t total) {
  std::vector<std::uint64_t> held;
  for (const auto& [account, weight] : holdings) held.push_back(weight);
  std::ranges::sort(held);
  std::uint64_t left = total;
  for (std::size_t i = 0; i < held.size(); ++i) {
    const std::uint64_t share = left / (held.size() - i);
    if (held[i] > share) return share;
    left -= held[i];
  }
  return ~std::uint64_t{0};
}

Result<Expiry> apply_expiry(SpoolTransaction spool, const SpoolLimits& limits, Instant now, std::size_t limit) {
  Expiry expiry;
  Result<std::size_t> contents = expire_contents(spool, now, limit);
  if (!contents) return contents.error();
  expiry.contents = *contents;
  Result<std::size_t> messages = expire_messages(spool, limits, now, limit - expiry.contents);
  if (!messages) return messages.error();
  expiry.messages = *messages;
  Result<std::size_t> events =
      expire_events(spool.transaction, now - limits.event_retention, limit - expiry.contents - expiry.messages);
  if (!events) return events.error();
  expiry.events = *events;
  Result<std::size_t> claims = expire_idempotency(spool.transaction, now - kIdempotencyRetention,
                                                  limit - expiry.contents - expiry.messages - expiry.events);
  if (!claims) return claims.error();
  expiry.idempotency = *claims;
  return expiry;
}

Excess Excess::take(std::size_t limit) {
  Excess part;
  move_some(contents, part.contents, limit);
  move_some(messages, part.messages, limit - part.size());
  move_some(events, part.events, limit - part.size());
  move_some(claims, part.claims, limit - part.size());
  return part;
}

Result<Excess> find_excess(Transaction& transaction, const SpoolLimits& limits, std::uint64_t capacity) {
  Excess excess;
  // Whatever is configured, content of test messages is never more than a part of the spool.
  const std::uint64_t capture_bound = std::min(limits.capture_max_octets, capacity / kCapturePart);
  Result<SpoolTotals> totals = load_totals(transaction);
  if (!totals) return totals.error();
  Result<std::uint64_t> settled = Table(transaction, SpoolTable::Settled).count();
  if (!settled) return settled.error();
  if (totals->captured_octets > capture_bound) {
    auto rows = find_excess_rows(transaction, SpoolTable::Captured, owner_of_captured, below(capture_bound));
    if (!rows) return rows.error();
    excess.contents = std::move(*rows);
  }
  if (*settled > limits.settled_max_messages) {
    auto rows = find_excess_rows(transaction, SpoolTable::Settled, owner_of_settled, below(limits.settled_max_messages));
    if (!rows) return rows.error();
    excess.messages = std::move(*rows);
  }
  auto events = find_excess_events(transaction, limits.event_max_count, below(limits.event_max_count));
  if (!events) return events.error();
  excess.events = std::move(*events);
  auto claims = find_excess_claims(transaction, limits.idempotency_max_count, below(limits.idempotency_max_count));
  if (!claims) return claims.error();
  excess.claims = std::move(*claims);
  return excess;
}

Result<Expiry> erase_excess(SpoolTransaction spool, const Excess& excess) {
  Expiry expiry;
  for (const MessageId& id : excess.contents) {
    Result<DeliveryRecord> delivery = load_delivery(spool.transaction, id);
    if (!delivery && delivery.error().code() != ErrorCode::NotFound) return delivery.error();
    if (!delivery || !delivery->content_until) continue;
    if (Result<void> erased = erase_captured_content(spool, id); !erased) return erased.error();
    ++expiry.contents;
  }
  for (const MessageId& id : excess.messages) {
    Result<bool> exists = has_message(spool.transaction, id);
    if (!exists) return exists.error();
    if (!*exists) continue;
    if (Result<void> erased = erase_message(spool, id); !erased) return erased.error();
    ++expiry.messages;
  }
  for (const std::uint64_t sequence : excess.events) {
    Result<bool> erased = erase_event(spool.transaction, sequence);
    if (!erased) return erased.error();
    expiry.events += *erased ? 1 : 0;
  }
  for (const std::string& key : excess.claims) {
    if (Result<void> erased = erase_claim(spool.transaction, key); !erased) return erased.error();
    ++expiry.idempotency;
  }
  return expiry;
}

}  // namespace postern::store
