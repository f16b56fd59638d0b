// Router: method and path → a row of the areas' tables. Pure.
#pragma once

#include "api/api.h"
#include "http/target.h"

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace postern::api {

struct RouteMatch {
  const Route* route;
  std::vector<std::pair<std::string, std::string>> path_parameters;
};
struct WrongMethod {
  std::string allow;  // the value of the Allow field (RFC 9110 §10.2.1)
};
struct NoRoute {};
using RouteAnswer = std::variant<RouteMatch, WrongMethod, NoRoute>;

std::string_view method_name(Method method);  // "GET"

class Router {
 public:
  // Requires: no two rows of one method and path. The tables outlive the router.
  explicit Router(std::span<const ApiArea> areas);

  // HEAD is answered as GET. "/api/…" and the path alone are other names of "/v1/…": clients that come from elsewhere use them,
  // also with a slash too many behind the base or at the end. A literal segment wins over a parameter; a parameter is never empty.
  RouteAnswer find(std::string_view method, const http::Target& target) const;

 private:
  struct Pattern {
    std::vector<std::string_view> segments;
    const Route* route;
  };

  RouteAnswer find_path(std::string_view method, const std::vector<std::string>& segments) const;

  std::vector<Pattern> patterns_;  // the more literal ones first
};

}  // namespace postern::api
