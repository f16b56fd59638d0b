// The examination behind `postern doctor`: every record is readable and every index agrees with the records. One snapshot, which
// pins its pages for as long as it runs: for people, not for a timer.
#pragma once

#include "store/transaction.h"

#include <string>
#include <vector>

namespace postern::store {

inline constexpr std::size_t kMaxFindings = 1'000;  // a report is read by a person

// One sentence per finding, at most kMaxFindings.
Result<std::vector<std::string>> examine_spool(Transaction& transaction);

}  // namespace postern::store
