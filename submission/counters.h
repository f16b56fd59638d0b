// What the way in counts, beside what it logs: messages taken in, refusals and failed credentials, each by its door. HTTP's
// refusals are counted where they become problems (api/dispatcher). Any thread.
#pragma once

#include <string_view>

namespace postern::submission {

enum class Door { Smtp, Http };

// Synced to disk and acknowledged.
void count_accepted(Door door);
void count_auth_failure(Door door);
// `token`: of core/refusals or smtp/replies.
void count_refused_over_smtp(std::string_view token);

}  // namespace postern::submission
