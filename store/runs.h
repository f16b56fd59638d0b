// Runs: the test mail of one AUTH user name. A run that nobody made is its messages only; one that was made has a record too, with
// what it was given: a script, a clock, an end. Messages are found by the run's index; both are of one account and no other's.
#pragma once

#include "core/clock.h"
#include "core/ids.h"
#include "core/message_id.h"
#include "store/records.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::store {

inline constexpr std::size_t kMaxRunNameOctets = 64;        // of one that is made; a user name of AUTH may be longer
inline constexpr std::size_t kMaxRunScriptOctets = 64 * 1024;  // 256 rules, as JSON
inline constexpr std::uint64_t kMaxRunsOfAccount = 1'000;   // with records; 200 at once in a pipeline, and those before them

struct RunRecord {
  AccountId account;
  std::string name;
  std::string label;   // for people; may be empty
  std::uint64_t seed = 0;
  std::string script;  // JSON, checked when it was given; empty: none
  Instant created;     // of the wall clock, as is the next one
  Instant expires_at;  // with its messages
  std::optional<Instant> clock;  // what the run's own clock says; nullopt: it goes by the wall clock
  Instant clock_start;           // what it said first
  // Since record version 2:
  std::uint64_t told_up_to = 0;  // events of its messages up to here were offered to webhooks, in the run's own time

  friend bool operator==(const RunRecord&, const RunRecord&) = default;
};

// A rule of a run's script that matched.
struct RuleMatch {
  Instant at;  // of the run's time
  std::uint32_t rule = 0;
  std::uint8_t stage = 0;  // sandbox::Stage
  std::string from;
  std::string to;
  std::uint32_t attempt = 0;

  friend bool operator==(const RuleMatch&, const RuleMatch&) = default;
};
// How often somebody tried to send to a recipient.
struct AskedPair {
  std::string from;
  std::string to;
  std::uint32_t attempts = 0;

  friend bool operator==(const AskedPair&, const AskedPair&) = default;
};
// What a run's script was asked so far, as of some second ago; apart from RunRecord, which is read at every login.
struct RunMemory {
  AccountId account;
  std::string name;
  Instant created;  // of the run that it belongs to: one that is made again begins anew
  std::uint32_t messages = 0;
  std::vector<std::uint32_t> used;  // by rule
  std::vector<AskedPair> pairs;
  std::vector<RuleMatch> matches;

  friend bool operator==(const RunMemory&, const RunMemory&) = default;
};

// What was said in the session in which a test message came; never what AUTH said. Goes with the message's content.
struct SessionTranscript {
  std::string text;

  friend bool operator==(const SessionTranscript&, const SessionTranscript&) = default;
};
inline constexpr std::size_t kMaxTranscriptOctets = 16 * 1024;  // a session of some hundred recipients

// FNV-1a: rows of the index are as long for every name. Two names may have one: whoever reads the index compares names.
constexpr std::uint64_t run_hash(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char octet : name) hash = (hash ^ static_cast<unsigned char>(octet)) * 0x100000001b3ULL;
  return hash;
}

// The run that a message belongs to; empty: none. Notices about a run's messages belong to it, too.
inline std::string_view run_of(const MessageRecord& message) {
  return message.environment == Environment::Test ? std::string_view(message.user_name) : std::string_view();
}

// A run as lists show it: by its newest message, or by its record where it has none yet.
struct RunOutline {
  std::string name;
  std::optional<RunRecord> record;
  std::uint64_t messages = 0;  // notices included; counted up to kMaxCountedRunMessages
  std::optional<Instant> first;
  std::optional<Instant> last;
};
inline constexpr std::uint64_t kMaxCountedRunMessages = 10'000;

}  // namespace postern::store
