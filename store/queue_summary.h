// What waits, by destination and age, as qshape shows it. Read off the due index alone: no message is opened, so that a queue of a
// million is summed in seconds, beside the relay that empties it.
#pragma once

#include "core/clock.h"
#include "core/result.h"
#include "store/spool.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace postern::store {

// Since acceptance; the last band holds what is older than all of them. The first retries of a deferral are within the first three,
// a message that is in the last two is likely to be given up.
inline constexpr std::array<std::chrono::minutes, 6> kAgeBounds = {
    std::chrono::minutes(5),   std::chrono::minutes(30),   std::chrono::minutes(120),
    std::chrono::minutes(480), std::chrono::minutes(1'440), std::chrono::minutes(2'880)};
using AgeBands = std::array<std::uint64_t, kAgeBounds.size() + 1>;  // messages

struct WaitingByAge {
  std::string destination;  // a lane of the due index (store/lane.h)
  std::uint64_t messages = 0;
  AgeBands by_age{};
  Instant oldest = Instant::max();

  void add(Instant accepted, Instant now);
};

struct QueueSummary {
  WaitingByAge all;                         // a message to several destinations counts at each
  std::vector<WaitingByAge> destinations;   // by messages, the most first; no test mail
  bool is_whole = true;                     // false: the index has more than `max_entries`
};

// Reads at most `max_entries` of the index, lane by lane.
Result<QueueSummary> summarise_queue(const Spool& spool, Instant now, std::size_t max_entries);

}  // namespace postern::store
