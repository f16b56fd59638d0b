// Greylisting: who was never here before is asked to come again later, which those who send what nobody asked for rarely do. What
// is remembered is the network, the sender and the recipient; a network that came again once is known. In memory, bounded; not for
// several threads at once. Time is a parameter.
#pragma once

#include "core/clock.h"
#include "core/ip_address.h"
#include "core/recent_map.h"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace postern::reception {

inline constexpr std::size_t kMaxNewcomers = 100'000;        // remembered; those that were longest quiet are asked again
inline constexpr Duration kNewcomerWindow = std::chrono::hours(24);  // who comes again later than that is new: retries last days
inline constexpr Duration kKnownFor = std::chrono::days(36);         // since it was last here: who writes monthly stays known
inline constexpr std::size_t kMaxNewcomerOctets = 600;       // of a sender and a recipient; longer ones share what is in front

struct Newcomer {
  IpAddress peer;
  std::string reverse_path;  // empty: the null one
  std::string recipient;
};

class Greylist {
 public:
  // How long until it may come again; nullopt: it may go on now, and its network is known from here on.
  std::optional<std::chrono::seconds> wait_of(const Newcomer& newcomer, Duration delay, Instant now);

 private:
  RecentMap<std::string, Instant> first_seen_;
  RecentMap<IpAddress, Instant> known_;  // networks → when they were last here
};

}  // namespace postern::reception
