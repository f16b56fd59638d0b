// A verdict of the product as HTTP says it: the same token, with the status and the wait of the refusal table. Pure.
#pragma once

#include "core/verdict.h"
#include "http/api.h"
#include "relay/submission.h"

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postern::http {

struct VerdictFailure {
  Refusal refusal = Refusal::InvalidRecipient;
  std::string message;  // without the token
  std::chrono::seconds wait{0};
  Status status;        // as SMTP says it
  std::optional<std::uint64_t> limit = {};  // the rate or quota, where there is a wait
};

// Requires a refused verdict and the facts that belong to it. A simulated reply, which is in no table, counts as
// InvalidRecipient if it is for good, else as StorageUnavailable: the classes that a client tells apart.
VerdictFailure failure_of(const Verdict& verdict, const relay::RefusalFacts& facts);

// `where` ("[3]") goes before the message.
ApiResponse response_of(const VerdictFailure& failure, std::string_view where = {});
// Adds name, statusCode and message.
void add_failure(boost::json::object& object, const VerdictFailure& failure);

}  // namespace postern::http
