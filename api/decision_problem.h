// A decision that lets nothing through, as HTTP says it: the same token as over SMTP, with the
// status and the wait of the refusal table. Pure.
#pragma once

#include "api/api.h"
#include "core/decision.h"

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postern::api {

struct DecisionProblem {
  std::optional<Refusal> refusal;  // nullopt: a reply that a test key's scenario made up
  std::uint16_t http_status = 422;
  std::string_view name;  // a literal: the token, or "simulated"
  std::string message;    // without the token
  std::chrono::seconds wait{0};
  std::optional<std::uint64_t> limit = {};  // the rate or quota, where there is a wait

  // What decided, for people.
  std::string_view rule() const;
};

// Requires a decision that is not accepted. A simulated reply has the HTTP status of the table's
// refusal with the same codes, or else of its class: 422 for good, 503 for now. One that rehearses
// a refusal of the table is that refusal.
DecisionProblem problem_of(const Decision& decision);

// `where` ("[3]") goes before the message.
ApiResponse response_of(const DecisionProblem& problem, std::string_view where = {});
// Adds name, statusCode and message.
void add_problem(boost::json::object& object, const DecisionProblem& problem);

}  // namespace postern::api
