// A run as a file: its seed, script and clock, the mail that it took in and when, and its journal. Another version plays the mail
// again (lab/run_replay) and compares its journal with this one.
//
// What is played again is what was taken in, and what the simulated next hop made of it; what the script answered in sessions is in
// the journal only.
#pragma once

#include "core/clock.h"
#include "core/envelope.h"
#include "core/result.h"
#include "lab/checked_json.h"
#include "relay/run_book.h"
#include "store/spool.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::lab {

inline constexpr std::uint64_t kMaxExportedOctets = 64 * 1024 * 1024;  // of content; Base64 makes a third more of it
inline constexpr std::size_t kMaxDifferences = 50;                     // told of two journals

struct ExportedMail {
  Duration at{0};  // after the start of the run's clock
  Envelope envelope;
  std::string content;
};

struct RunExport {
  std::string run;
  std::uint64_t seed = 0;
  json::value script;  // null: none
  Duration clock{0};   // how far it has gone
  std::vector<ExportedMail> mails;
  json::object journal;
};

// NotFound; InvalidArgument: the run has no clock of its own, and nothing could be played at its time; LimitExceeded: its mail is
// beyond the bound, or some of it has lost its content. Blocking; in proportion to the run.
Result<json::object> export_run(const store::Spool& spool, relay::RunBook& runs, const AccountId& account, std::string_view run);
// InvalidArgument with all that is wrong.
Result<RunExport> read_run_export(const json::value& value);

// What differs of two journals, one sentence each, the first kMaxDifferences: messages and their events one by one, suppressions,
// and what the script did as the next hop. Pure.
std::vector<std::string> journal_differences(const json::object& before, const json::object& after);

}  // namespace postern::lab
