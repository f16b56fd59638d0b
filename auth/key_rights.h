// What a key may hand on. A key that manages keys can only make, rotate or extend keys that may do no more than it may itself:
// else a leaked key that was narrowed (to a domain, a network, a day) would be as good as one that was not. Pure.
#pragma once

#include "store/records.h"

#include <optional>
#include <string_view>

namespace postern::auth {

// A test key knows test keys only: it can neither see nor touch what sends for real.
bool can_see_key(const store::KeyRecord& maker, const store::KeyRecord& key);
bool can_see_keys(const store::KeyRecord& maker, Environment environment);

// When `key` stops working, by date or because it was rotated; nullopt: never.
std::optional<Instant> end_of_key(const store::KeyRecord& key);

// From domains, networks, rate and end: what `draft` leaves open it takes from its maker.
void inherit_rights(const store::KeyRecord& maker, store::KeyRecord& draft);

// For people, the first right of `key` that `maker` has not; nullopt: none.
std::optional<std::string_view> excess_right(const store::KeyRecord& maker, const store::KeyRecord& key);

}  // namespace postern::auth
