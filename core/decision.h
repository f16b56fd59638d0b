// Decision: what a policy answers to "allowed?". A value, not a reply: it decides and never
// records, and each door words it once (submission/reply for SMTP, api/decision_problem for HTTP).
#pragma once

#include "core/refusals.h"
#include "core/status.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace postern {

struct Accepted {};

struct Refused {
  Refusal refusal = Refusal::StorageUnavailable;
  std::string detail = {};       // in place of the table's text; it must not hold client octets
  std::chrono::seconds wait{0};  // until a new attempt is worth it; 0: nobody can say
  std::optional<std::uint64_t> limit = {};  // the rate or quota that is used up
};

// A test key's scenario made the answer up; it may be a positive one.
struct Simulated {
  Status status;
  std::optional<Refusal> rehearsed = {};  // the refusal of the table that it plays
};

class [[nodiscard]] Decision {
 public:
  Decision(Accepted accepted = {}) : value_(accepted) {}
  Decision(Refused refused) : value_(std::move(refused)) {}
  Decision(Simulated simulated) : value_(std::move(simulated)) {}

  bool is_accepted() const {
    const Simulated* const made_up = simulated();
    return !refused() && (!made_up || made_up->status.is_positive());
  }
  // Null unless it is that.
  const Refused* refused() const { return std::get_if<Refused>(&value_); }
  const Simulated* simulated() const { return std::get_if<Simulated>(&value_); }

 private:
  std::variant<Accepted, Refused, Simulated> value_;
};

// For people, whatever the door: the detail or the table's text, and how long to wait.
std::string words_of(const Refused& refused);

}  // namespace postern
