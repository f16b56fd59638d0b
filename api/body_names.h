// The names that requests may use: members of bodies by the schemas of openapi.json, parameters of queries by the routes' tables.
// A mistyped name would be passed over in silence and widen what was asked for. Any thread, once made.
#pragma once

#include "api/api.h"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::api {

class BodyNames {
 public:
  // `schemas`: "#/components/schemas", needed while this is made only.
  explicit BodyNames(const boost::json::object& schemas);
  ~BodyNames();

  // Members in camelCase get the name they have here ("replyTo" is reply_to). What is wrong, for a validation_error: the first
  // member that the request schema `name` does not know and that is not null. nullopt: nothing, or no such schema.
  std::optional<std::string> settle(std::string_view name, boost::json::value& body) const;

 private:
  struct Shape;
  std::map<std::string, std::unique_ptr<const Shape>, std::less<>> shapes_;  // by schema
};

// The first parameter of `query` that `route` does not know, as a sentence. nullopt: there is none.
std::optional<std::string> unknown_parameter(const Route& route, std::span<const std::pair<std::string, std::string>> query);

// "replyTo" → "reply_to".
std::string snake_case(std::string_view name);

}  // namespace postern::api
