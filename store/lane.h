// Lanes of the due index: what waits for one destination stands in one lane, in order of its due
// times, so that nobody reads another destination's. A lane is the normalised domain of the
// recipients, which no change of the routes alters: which next hop a domain has is relay's to say,
// and several lanes may have the same one. All test mail is in one lane of its own, but for runs that
// have clocks of their own.
//
// A lane key is 0 to kMaxLaneOctets octets, none of them below 0x21. A message has a row in each
// lane in which a recipient of it is pending, at the earliest of their next attempts
// (docs/decisions/0009-due-index-by-lane.md).
#pragma once

#include "store/records.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::store {

inline constexpr std::size_t kMaxLaneOctets =
    255;  // RFC 5321 §4.5.3.1.2: a domain; LMDB keys end at 511
inline constexpr std::string_view kTestLane = "<test>";  // no domain has these octets
inline constexpr std::string_view kClockLanePrefix = "<run>";  // of the lanes of runs with clocks of their own, one each

// A lane that the live queue leaves alone: its times are those of a run's clock (relay/run_clock).
inline bool is_clock_lane(std::string_view lane) { return lane.starts_with(kClockLanePrefix); }
std::string clock_lane(const AccountId& account, std::string_view run);

std::string lane_of(std::string_view normalised_domain);
std::string lane_of(const MessageRecord& message, const RecipientState& state, std::size_t recipient);
inline std::string lane_of(const StoredMessage& stored, std::size_t recipient) {
  return lane_of(stored.message, stored.delivery.recipients[recipient], recipient);
}
// Of what an operator moved to another route: ">route>domain". Routes whose names have such an octet, or more than
// kMaxRouteOctets, nothing is moved to.
inline constexpr std::size_t kMaxRouteOctets = 60;
bool is_lane_route(std::string_view route);
struct LaneParts {
  std::string_view route;  // empty: nobody moved it
  std::string_view domain;
};
// Into `lane`.
LaneParts parts_of_lane(std::string_view lane);

// For DeliveryRecord::lane: the lane of the pending recipients; empty where they are in several.
std::string lane_of_pending(const MessageRecord& message, const DeliveryRecord& delivery);

// One row of a message in the due index.
struct DueRow {
  std::string lane;
  Instant due;

  friend bool operator==(const DueRow&, const DueRow&) = default;
};
// All of them; none of what is settled. Recipients beyond the envelope's are left out.
std::vector<DueRow> due_rows(const MessageRecord& message, const DeliveryRecord& delivery);

// Of one lane: what is due by some instant, and when what was left out is.
struct DueSlice {
  std::vector<DueKey> keys;
  std::optional<Instant> next;
};

struct LaneHead {
  std::string lane;
  DueKey first;
};

}  // namespace postern::store
