// EventIds: what an account is told of an event's place in the log. The log counts for all accounts together; an id is that number
// and its account under a cipher of the installation's, so that it says nothing of how much others do, and only its own account can
// use it. Numbers that were given out before there were such ids are still read. Pure.
#pragma once

#include "core/ids.h"
#include "store/records.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postern::events {

class EventIds {
 public:
  // The numbers themselves, "evt_4711": for people on the machine, who see the whole log.
  EventIds() = default;
  explicit EventIds(const store::EventIdKey& key) : key_(key) {}

  // "evt_0hq3v1k0a2s8g6d4f0j2l4n6p8".
  std::string format(const AccountId& account, std::uint64_t sequence) const;
  // nullopt: no id that this account was ever given, and no number up to the key's last_numbered: those above would tell how many
  // there are.
  std::optional<std::uint64_t> parse(const AccountId& account, std::string_view text) const;

 private:
  std::optional<store::EventIdKey> key_;
};

}  // namespace postern::events
