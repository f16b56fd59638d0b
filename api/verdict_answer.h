// A verdict of the product as HTTP says it: the same token, with the status and the wait of the refusal table. Pure.
#pragma once

#include "api/api.h"
#include "core/verdict.h"
#include "submission/submission.h"

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postern::api {

struct VerdictFailure {
  std::optional<Refusal> refusal;  // nullopt: a reply that a test key's scenario made up
  std::uint16_t http_status = 422;
  std::string_view name;           // a literal: the token, or "simulated"
  std::string message;             // without the token
  std::chrono::seconds wait{0};
  Status status;                   // as SMTP says it
  std::optional<std::uint64_t> limit = {};  // the rate or quota, where there is a wait

  // What decided, for people.
  std::string_view rule() const;
};

// Requires a refused verdict and the facts that belong to it. A simulated reply has the HTTP status of the table's refusal with the
// same codes, or else of its class: 422 for good, 503 for now. One that rehearses a refusal of the table by name is that refusal.
VerdictFailure failure_of(const Verdict& verdict, const submission::RefusalFacts& facts);

// `where` ("[3]") goes before the message.
ApiResponse response_of(const VerdictFailure& failure, std::string_view where = {});
// Adds name, statusCode and message.
void add_failure(boost::json::object& object, const VerdictFailure& failure);

}  // namespace postern::api
