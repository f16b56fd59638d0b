// A run's script: ordered rules that say what goes wrong, where and how often. It acts towards the client, in the session, and as
// the simulated next hop. Deterministic: what chance there is comes of the run's seed and of what is asked, so that the same
// questions have the same answers. Pure; lab/script_text reads it.
#pragma once

#include "core/clock.h"
#include "core/status.h"

#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::sandbox {

inline constexpr std::size_t kMaxRules = 256;
inline constexpr Duration kLongestScriptDelay = std::chrono::seconds(60);  // in a session: clients wait minutes for a reply

// Where a rule acts. A run is known from AUTH on; the two before it are asked where a listener belongs to one run.
enum class Stage : std::uint8_t {
  Connect,  // before the greeting
  Ehlo,
  Auth,
  Mail,
  Rcpt,
  Data,      // DATA or the first BDAT
  Content,   // the end of the content
  Delivery,  // each attempt of the simulated next hop, recipient by recipient
};
std::string_view stage_name(Stage stage);
std::optional<Stage> parse_stage(std::string_view name);

// From which to which; both count.
struct CountRange {
  std::uint32_t first = 1;
  std::uint32_t last = std::numeric_limits<std::uint32_t>::max();

  bool holds(std::uint32_t number) const { return number >= first && number <= last; }
};

// How a connection ends instead of an answer.
enum class Hangup : std::uint8_t { None, Fin, Rst };

// What is wrong with the simulated next hop's TLS: what live mail to a route with required TLS meets then.
enum class NextHopTls : std::uint8_t { Good, Missing, BadCertificate };

struct ScriptRule {
  std::string name;  // in the journal
  Stage stage = Stage::Delivery;
  // What it fits; all that is given.
  std::optional<std::string> to;          // a pattern (sandbox/glob), in lower case; at Rcpt and Delivery
  std::optional<std::string> from;        // the same, of the reverse-path; "" is the null one
  std::optional<CountRange> attempt;      // Delivery: the recipient's; Rcpt: of this sender for this recipient, in the run
  std::optional<CountRange> message;      // the run's n-th
  std::optional<std::uint32_t> above;     // only what comes above so many at this stage within a minute of the run's time
  double chance = 1;
  std::uint32_t times = 0;                // so often at most; 0: always
  // What it does.
  std::optional<Status> reply;            // 4yz or 5yz; nullopt: as if there were no rule, but for the others
  Duration delay{0};                      // in the session, before the answer
  Hangup hangup = Hangup::None;           // in the session, without the answer; at Content the message is kept all the same
  bool complains = false;                 // at Delivery: delivered, and then called spam
  NextHopTls tls = NextHopTls::Good;      // at Delivery, of a next hop to which TLS is required
};

struct Script {
  std::string name;
  std::vector<ScriptRule> rules;

  // Some rule needs to know which message of the run it is asked about.
  bool counts_messages_at(Stage stage) const;
};

struct ScriptQuestion {
  Stage stage = Stage::Delivery;
  std::string_view from;       // the reverse-path, normalised and in lower case; "" for the null one
  std::string_view to;         // the same; empty where no recipient is asked about
  std::uint32_t attempt = 1;   // at Delivery
  std::uint32_t message = 0;   // 0: not known
  Instant at;                  // of the run's time
};

// What a run's script was asked so far. One thread at a time; bounded.
class ScriptState {
 public:
  static constexpr std::size_t kMaxPairs = 10'000;    // senders and recipients whose attempts are counted
  static constexpr std::size_t kMaxRecent = 10'000;   // questions of the last minute, a stage

  // The first rule that fits, by its index; nullopt: none. Counts the question.
  std::optional<std::size_t> decide(const Script& script, ScriptQuestion question, std::uint64_t seed);

  // What a restart has to keep; the last minute's questions are forgotten by it.
  using Attempts = std::map<std::pair<std::string, std::string>, std::uint32_t>;
  std::uint32_t used(std::size_t rule) const;
  const Attempts& attempts() const { return attempts_; }
  void restore(std::map<std::size_t, std::uint32_t> used, Attempts attempts) {
    used_ = std::move(used);
    attempts_ = std::move(attempts);
  }

 private:
  bool fits(const ScriptRule& rule, std::size_t index, const ScriptQuestion& question, std::size_t recent, std::uint64_t seed);
  std::size_t count_recent(const ScriptQuestion& question);
  std::uint32_t count_attempt(const ScriptQuestion& question);

  std::map<std::size_t, std::uint32_t> used_;  // by rule
  Attempts attempts_;  // at Rcpt
  std::map<Stage, std::deque<Instant>> recent_;
};

// In [0, 1): the same for the same seed and question.
double chance_of(std::uint64_t seed, std::size_t rule, const ScriptQuestion& question);

}  // namespace postern::sandbox
