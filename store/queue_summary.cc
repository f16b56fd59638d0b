#include "store/queue_summary.h"

#include "store/lane.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace postern::store {
namespace {

constexpr std::size_t kEntriesAtOnce = 1'024;  // of one read transaction

bool is_of_tests(std::string_view lane) { return lane == kTestLane || is_clock_lane(lane); }

}  // namespace

void WaitingByAge::add(Instant accepted, Instant now) {
  const auto bound = std::upper_bound(kAgeBounds.begin(), kAgeBounds.end(), now - accepted);
  ++by_age[static_cast<std::size_t>(bound - kAgeBounds.begin())];
  ++messages;
  oldest = std::min(oldest, accepted);
}

Result<QueueSummary> summarise_queue(const Spool& spool, Instant now, std::size_t max_entries) {
  QueueSummary summary;
  std::optional<DueEntry> after;
  for (std::size_t read = 0; summary.is_whole;) {
    const std::size_t wanted = std::min(kEntriesAtOnce, max_entries - read + 1);
    const auto entries = spool.queued(after, wanted);
    if (!entries) return entries.error();
    for (const DueEntry& entry : *entries) {
      if (read++ == max_entries) {
        summary.is_whole = false;
        break;
      }
      if (is_of_tests(entry.lane)) continue;
      auto& lanes = summary.destinations;
      if (lanes.empty() || lanes.back().destination != entry.lane) lanes.push_back({.destination = entry.lane});
      lanes.back().add(entry.id.created(), now);
      summary.all.add(entry.id.created(), now);
    }
    if (entries->size() < wanted) break;
    after = entries->back();
  }
  std::ranges::stable_sort(summary.destinations, std::greater{}, &WaitingByAge::messages);
  return summary;
}

}  // namespace postern::store
