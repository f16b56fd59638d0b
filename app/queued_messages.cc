#include "app/queued_messages.h"

#include "store/lane.h"

#include <iterator>
#include <map>
#include <optional>
#include <set>

namespace postern::app {
namespace {

constexpr std::size_t kDueAtOnce = 256;

// Calls `visit` with each entry of the due index until it says false.
Result<void> for_each_entry(store::Spool& spool, const std::function<Result<bool>(const store::DueEntry&)>& visit) {
  std::optional<store::DueEntry> after;
  for (;;) {
    const auto entries = spool.queued(after, kDueAtOnce);
    if (!entries) return entries.error();
    for (const auto& entry : *entries) {
      const auto goes_on = visit(entry);
      if (!goes_on) return goes_on.error();
      if (!*goes_on) return {};
    }
    if (entries->size() < kDueAtOnce) return {};
    after = entries->back();
  }
}

// Of a message in several lanes one entry stands for all.
bool stands_for_message(const store::DueEntry& entry, const store::StoredMessage& stored) {
  if (!stored.delivery.lane.empty()) return true;
  const auto rows = store::due_rows(stored.message, stored.delivery);
  return rows.size() <= 1 || rows.front().lane == entry.lane;
}

}  // namespace

Result<void> for_each_queued(store::Spool& spool, const VisitQueued& visit) {
  return for_each_entry(spool, [&](const store::DueEntry& entry) -> Result<bool> {
    const auto stored = spool.find(entry.id);
    if (!stored) return stored.error();
    if (!*stored || !stands_for_message(entry, **stored)) return true;
    return visit(**stored);
  });
}

Result<std::vector<store::DueKey>> soonest_queued(store::Spool& spool, std::size_t limit) {
  std::set<store::DueKey> soonest;
  std::map<MessageId, Instant> due_of;  // of those in `soonest`
  const auto visited = for_each_entry(spool, [&](const store::DueEntry& entry) -> Result<bool> {
    const auto [known, is_new] = due_of.try_emplace(entry.id, entry.due);
    if (!is_new && known->second <= entry.due) return true;
    if (!is_new) soonest.erase({known->second, entry.id});
    known->second = entry.due;
    soonest.insert(entry.key());
    if (soonest.size() <= limit) return true;
    due_of.erase(soonest.rbegin()->id);
    soonest.erase(std::prev(soonest.end()));
    return true;
  });
  if (!visited) return visited.error();
  return std::vector<store::DueKey>(soonest.begin(), soonest.end());
}

Result<std::vector<MessageId>> queued_messages(CommandContext& context,
                                               const std::function<bool(const store::StoredMessage&)>& is_wanted) {
  std::vector<MessageId> ids;
  const auto visited =
      for_each_queued(context.spool(), [&](const store::StoredMessage& stored) -> Result<bool> {
        if (is_wanted(stored)) ids.push_back(stored.message.id);
        return true;
      });
  if (!visited) return visited.error();
  return ids;
}

}  // namespace postern::app
