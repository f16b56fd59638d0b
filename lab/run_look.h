// A look at a run's mail: what fits a pattern, and what comes near. `wait` looks again whenever something happened: then at what
// it happened to, and at nothing else.
#pragma once

#include "core/clock.h"
#include "lab/captured_mail.h"
#include "lab/mail_pattern.h"
#include "store/spool.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace postern::lab {

inline constexpr std::size_t kMaxLookedAt = 100'000;  // messages of the run, the oldest first; notices count
inline constexpr std::size_t kMaxMet = 100;          // that a look keeps
inline constexpr std::size_t kMaxNearMisses = 10;

struct NearMiss {
  store::StoredMessage stored;
  std::string differs_in;  // the pattern's member that does not fit
};

struct RunLook {
  std::uint64_t seen = 0;                  // messages of the run that were looked at
  std::uint64_t count = 0;                 // that fit
  std::vector<store::StoredMessage> met;   // the first of them, oldest first
  std::optional<store::StoredMessage> newest;  // the last of them
  std::vector<NearMiss> near_misses;       // nearest first: those that fit in most; only where nothing fits
};

class RunWatch {
 public:
  // `since` as for look_at_run().
  RunWatch(const AccountId& account, std::string run, MailPattern pattern, std::optional<Instant> since);
  // Blocking. The first look reads the run; each later one what has events since the last one.
  Result<RunLook> look(const store::Spool& spool);

 private:
  Result<void> read_run(const store::Spool& spool);
  Result<void> read_events(const store::Spool& spool);
  void note(const store::StoredMessage& stored);

  AccountId account_;
  std::string run_;
  MailPattern pattern_;
  std::optional<Instant> since_;
  std::optional<std::uint64_t> seen_up_to_;          // events; nullopt: never looked
  std::map<MessageId, std::string_view> mismatches_;  // by message: the member that does not fit, a literal; empty: all fits
};

// `since`: accepted then or later; nullopt: since the run began.
Result<RunLook> look_at_run(const store::Spool& spool, const AccountId& account, std::string_view run, const MailPattern& pattern,
                            const std::optional<Instant>& since = std::nullopt);
// "5 messages, none is mail to ann@example.org; 2 differ in the subject", for people.
std::string describe(const RunLook& look, const MailPattern& pattern);

// For HTTP and --json alike: an item of lists, with `codes`, `links` and `unsubscribe` where its content is there.
json::object found_mail_json(const store::Spool& spool, const store::StoredMessage& stored);
json::object extraction_json(const CapturedMail& mail);
json::array findings_json(const CapturedMail& mail);  // of lab/mail_check.h
json::array near_misses_json(const RunLook& look);
json::object run_json(const store::RunOutline& outline);

}  // namespace postern::lab
