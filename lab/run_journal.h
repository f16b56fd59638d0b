// The journal of a run: its mail and what happened to it, in the order in which it did and in the run's own time. It names no id
// and no wall clock: the same script, seed, mail and advances make the same octets.
#pragma once

#include "core/result.h"
#include "lab/checked_json.h"
#include "relay/run_book.h"
#include "store/spool.h"

#include <string_view>

namespace postern::lab {

inline constexpr std::size_t kMaxJournalMessages = 2'000;  // the oldest; notices count

// `runs`: null, it knows of no script. NotFound: there is no such run. Blocking; in proportion to the run.
Result<json::object> make_journal(const store::Spool& spool, relay::RunBook* runs, const AccountId& account, std::string_view run);

}  // namespace postern::lab
