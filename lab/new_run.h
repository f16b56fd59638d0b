// A run as somebody asks for it → its record. Pure.
#pragma once

#include "core/random.h"
#include "core/result.h"
#include "lab/checked_json.h"
#include "store/runs.h"

namespace postern::lab {

inline constexpr std::chrono::seconds kLongestRun = std::chrono::days(7);
inline constexpr std::chrono::seconds kUsualRun = std::chrono::hours(1);
inline constexpr std::chrono::seconds kShortestRun = std::chrono::minutes(1);

// InvalidArgument with all that is wrong. What is not said is made up: a name ("run_" and 16 characters), a seed.
Result<store::RunRecord> read_new_run(const json::value& body, const AccountId& account, Instant now, Random& random);

}  // namespace postern::lab
