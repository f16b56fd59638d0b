// What became of a day's live mail: every account's counts, the destinations and refusals that stand out, and what needs a look
// now. Of this machine's own mail. Printed and mailed by `postern report daily`, GET /v1/report shows it.
#pragma once

#include "core/clock.h"
#include "core/result.h"
#include "store/queue_summary.h"
#include "store/statistics.h"
#include "store/store.h"

#include <boost/json/object.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace postern::operation {

// Of each list; what is beyond them is left out.
inline constexpr std::size_t kMostReportedNames = 10;
// A quota of which so much is used is told.
inline constexpr std::uint64_t kReportedQuotaPercent = 80;

struct DailyReport {
  struct OfAccount {
    std::string name;
    store::StatsCounts counts;
  };
  Instant day;                       // its midnight, UTC
  store::StatsRow sum;               // of all accounts
  std::vector<OfAccount> accounts;   // those that had mail, by recipients delivered, the most first
  store::QueueSummary queue;         // now
  std::vector<std::pair<std::string, std::string>> looks;  // what needs one: about what, and why
};

// `day`: a midnight. Reads a row for each account, and at most `max_entries` of the due index.
Result<DailyReport> sum_up_day(store::Store& store, Instant day, Instant now, std::size_t max_entries);

// Where mail failed, and why it was refused: the most first.
std::vector<store::DomainStats> troubled_domains(const DailyReport& report);
std::vector<store::RefusalStats> refusals_of(const DailyReport& report);

boost::json::object daily_report_json(const DailyReport& report);

}  // namespace postern::operation
