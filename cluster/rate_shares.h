// Which part of an account's or a key's messages a second is this node's, where several nodes share them: by what each was asked
// for of late, told to the others once a second. Pure: the time is an argument.
//
// Who was idle everywhere has all of its rate on each node until the nodes have heard of each other, for a second; from then on the
// parts add up to the whole. While nobody can be asked, the last parts stay.
#pragma once

#include "core/recent_map.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

namespace postern::cluster {

using RatedId = std::array<std::uint8_t, 10>;  // of an account or a key

inline constexpr std::chrono::seconds kDemandKnown{3};  // behind it a node asks for nothing
inline constexpr std::size_t kMaxRated = 65'536;
inline constexpr std::size_t kRatedOfAnExchange = 5'000;

// Not for several threads at once.
class RateShares {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // In (0, 1]. Counts `messages` as asked for, whether or not they will be granted; 0 only looks.
  double share(const RatedId& who, double messages, Time at);

  struct Demand {
    RatedId who{};
    double per_second = 0;
  };
  // What was asked for here of late. Once a second or so.
  std::vector<Demand> take_demand(Time at);
  // What the other nodes said of these; who is not among them is not asked for elsewhere.
  void told(const std::vector<Demand>& own, const std::vector<Demand>& others);

 private:
  struct Entry {
    double counted = 0;
    double demand = 0;  // a second
    double share = 1;
    Time used_at{};
  };

  RecentMap<RatedId, Entry> entries_;
  Time taken_at_{};
};

}  // namespace postern::cluster
