// The examination behind `postern doctor`: every record is readable and every index agrees with the records. In steps, a table or
// two each, so that what is behind a table that cannot be read is looked at all the same. One snapshot, which pins its pages for
// as long as it runs: for people, not for a timer.
#pragma once

#include "store/tables.h"

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postern::store {

inline constexpr std::size_t kMaxFindings = 1'000;  // a report is read by a person

// Gets each finding, one sentence, as it is made.
using ReportFinding = std::function<void(std::string)>;

// What each step looks at, for people.
std::span<const std::string_view> spool_examination_steps();
std::span<const std::string_view> directory_examination_steps();

// `step`: an index into those.
void examine_spool(Transaction& transaction, std::size_t step, const ReportFinding& report);
void examine_directory(Transaction& transaction, std::size_t step, const ReportFinding& report);

// All steps; at most kMaxFindings.
std::vector<std::string> examine_all(Transaction& transaction, std::span<const std::string_view> steps,
                                     void (*examine)(Transaction&, std::size_t, const ReportFinding&));

}  // namespace postern::store
