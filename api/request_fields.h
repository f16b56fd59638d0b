// Reads a request's parameters: the members of its JSON object, or of its query. The first one that is missing or wrong is kept
// as a sentence for a validation_error. Pure.
#pragma once

#include "api/api.h"
#include "core/result.h"
#include "core/secret.h"

#include <boost/json/object.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::api {

class RequestFields {
 public:
  // null is an object without members. `body` must outlive this.
  explicit RequestFields(const boost::json::value& body);

  // True if it is there, also as null.
  bool has(std::string_view name);
  // nullopt or empty: absent, null, or wrong.
  std::optional<std::string> text(std::string_view name);
  std::optional<std::uint64_t> number(std::string_view name, std::uint64_t least, std::uint64_t most);
  std::optional<bool> boolean(std::string_view name);
  // A list of texts, or one text; at most `most` of them.
  std::vector<std::string> texts(std::string_view name, std::size_t most);
  // One that must be there and not be empty.
  std::string required_text(std::string_view name);
  // The same of a password: no other copy of it is made.
  Secret required_secret(std::string_view name);

  void fail(std::string_view name, std::string_view what_is_wrong);
  // After all others: a member that nobody asked for is wrong. For requests where a misspelt name would widen a right.
  void refuse_unknown();

  // The first thing that was wrong.
  const std::optional<std::string>& problem() const { return problem_; }

 private:
  const boost::json::value* find(std::string_view name);

  const boost::json::object* object_ = nullptr;
  std::vector<std::string_view> known_;
  std::optional<std::string> problem_;
};

// "limit" of the query, `otherwise` where it is absent. InvalidArgument: not a number from 1 to `most`.
Result<std::size_t> read_limit(const ApiRequest& request, std::size_t most, std::size_t otherwise);

}  // namespace postern::api
