// SourceBook: what is known of the addresses that mail leaves from, over all next hops: which of them this machine has not, and how
// much of a day's share a source that warms up has used. It waits for nothing and reads no clock, so tables test it.
#pragma once

#include "core/clock.h"
#include "core/ip_address.h"
#include "relay/egress.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace postern::relay {

// "2026-11-30 out1 google": where a day's count is kept.
std::string warm_up_key(Instant now, std::string_view source, std::string_view provider);

// On the queue's executor.
class SourceBook {
 public:
  // An address that could not be bound is tried again after so long, and named in the log again after so long.
  static constexpr Duration kMissingFor = std::chrono::minutes(1);
  static constexpr Duration kNamedEvery = std::chrono::hours(1);

  // Each may fail silently. `prefix`: of keys.
  struct Memory {
    std::function<std::optional<std::string>(const std::string& key)> find;
    std::function<void(const std::string& key, std::string value)> put;
    std::function<void(const std::string& prefix)> erase;
  };
  explicit SourceBook(Memory memory) : memory_(std::move(memory)) {}

  // This machine has not the address: logged, and remembered for kMissingFor.
  void note_missing(std::string_view source, const IpAddress& address, Instant now);
  bool is_missing(const IpAddress& address, Instant now) const;
  // All of its addresses are.
  bool is_missing(const EgressSource& source, Instant now) const;

  // False: the source may send no more to the provider today.
  bool has_share(const EgressSource& source, std::string_view provider, Instant now);
  // A message that has_share() of; given back where no session was had for it.
  void take_share(const EgressSource& source, std::string_view provider, Instant now);
  void give_back(const EgressSource& source, std::string_view provider, Instant now);

 private:
  struct Missing {
    Instant until;
    Instant named_at;
  };

  using Count = std::map<std::string, std::uint64_t>::value_type;
  // Null: it has no bound.
  Count* count_of(const EgressSource& source, std::string_view provider, Instant now);

  Memory memory_;
  std::map<IpAddress, Missing> missing_;
  std::chrono::sys_days day_{};
  std::map<std::string, std::uint64_t> counts_;  // of day_, by key
};

// The next midnight, UTC: when shares begin anew.
Instant end_of_day(Instant now);

}  // namespace postern::relay
