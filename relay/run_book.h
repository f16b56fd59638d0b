// The runs that were made, as whoever plays their part asks for them: the submission in the session, the simulated next hop, and
// what drives their clocks. The record is the store's; what a script was asked so far, and the journal of it, live here, and are
// written behind.
#pragma once

#include "core/clock.h"
#include "core/result.h"
#include "sandbox/script.h"
#include "store/spool.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::relay {

// A rule that matched.
struct ScriptMatch {
  Instant at;  // of the run's time
  std::size_t rule = 0;
  sandbox::Stage stage = sandbox::Stage::Delivery;
  std::string from;
  std::string to;
  std::uint32_t attempt = 0;
};

inline constexpr std::size_t kMaxScriptMatches = 5'000;  // of one run; the oldest go
inline constexpr std::size_t kMaxRunSuppressions = 10'000;  // of one run; those beyond are not heeded
inline constexpr std::size_t kMaxBookedRuns = 4'000;     // whose scripts are remembered; the one that was made first goes

class RunBook;

// A run that was made, as it was when it was asked for. Cheap to copy; outlives neither its book nor the store.
class ActiveRun {
 public:
  const store::RunRecord& record() const { return record_; }
  // Its own, or `wall` where it has none.
  Instant now(Instant wall) const { return record_.clock.value_or(wall); }
  const sandbox::Script& script() const;
  // The rule that fits first; null: none. Counts the question, and puts the match down. Valid while this lives.
  const sandbox::ScriptRule* decide(const sandbox::ScriptQuestion& question) const;
  std::vector<ScriptMatch> matches() const;
  // How often each rule matched, in their order; also what matches() has forgotten.
  std::vector<std::uint32_t> match_counts() const;
  // How many messages the run was given in sessions; counts one more.
  std::uint32_t count_message() const;

  // Of a run with a clock: addresses that its own mail bounced at for good, or that called it spam (relay/suppression), at most
  // kMaxRunSuppressions. `recall` says what the run's events suppressed; it is asked once in a process.
  using Recall = std::function<std::vector<store::SuppressionRecord>()>;
  void recall_suppressions(const Recall& recall) const;
  void suppress(const std::vector<store::SuppressionRecord>& suppressions) const;
  bool is_suppressed(const Mailbox& mailbox, Instant now) const;
  std::vector<store::SuppressionRecord> suppressions() const;

 private:
  friend class RunBook;
  struct State;
  store::RunRecord record_;
  std::shared_ptr<State> state_;
};

// Any thread.
class RunBook {
 public:
  // The text of a record's script → the script. It was checked before it was stored.
  using Compile = std::function<Result<sandbox::Script>(std::string_view text)>;

  RunBook(store::Spool& spool, Compile compile) : spool_(spool), compile_(std::move(compile)) {}

  // nullopt: nobody made it, or it cannot be read. One look at the store.
  std::optional<ActiveRun> find(const AccountId& account, std::string_view name);
  // That of a test message.
  std::optional<ActiveRun> find(const store::MessageRecord& message);
  // Writes what was asked since the last time; blocks until synced. What is lost by a crash is what was asked since.
  Result<void> save();
  // The place of a message among those that were submitted to its run, in the order of their acceptance, from 1; 0: it is not
  // there. Walks the run where the message is new.
  std::uint32_t ordinal_of(const store::MessageRecord& message);

 private:
  using Key = std::pair<AccountId, std::string>;

  void number_new(const store::RunRecord& run, std::map<MessageId, std::uint32_t>& ordinals) const;
  std::shared_ptr<ActiveRun::State> make_state(const store::RunRecord& record) const;

  store::Spool& spool_;
  const Compile compile_;
  std::mutex mutex_;
  std::map<Key, std::shared_ptr<ActiveRun::State>> states_;
};

// In lower case and normalised, as rules have it; "" of the null reverse-path.
std::string script_address(const std::optional<Mailbox>& mailbox);

}  // namespace postern::relay
