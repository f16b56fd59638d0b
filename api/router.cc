#include "api/router.h"

#include "core/check.h"

#include <algorithm>
#include <array>

namespace postern::api {
namespace {

constexpr std::array<std::pair<Method, std::string_view>, 5> kMethods = {{{Method::Get, "GET"},
                                                                          {Method::Post, "POST"},
                                                                          {Method::Put, "PUT"},
                                                                          {Method::Patch, "PATCH"},
                                                                          {Method::Delete, "DELETE"}}};

constexpr std::string_view kPrefix = "v1";
// What has no row of its own there is the same as under kPrefix.
constexpr std::string_view kOtherPrefix = "api";

std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> segments;
  while (path.size() > 1) {
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    segments.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

bool is_parameter(std::string_view segment) { return segment.starts_with(':'); }

// Literals sort before parameters, segment by segment; all parameters are alike.
bool comes_before(const std::vector<std::string_view>& a, const std::vector<std::string_view>& b) {
  return std::ranges::lexicographical_compare(a, b, [](std::string_view x, std::string_view y) {
    if (is_parameter(x) || is_parameter(y)) return !is_parameter(x);
    return x < y;
  });
}

bool matches(const std::vector<std::string_view>& pattern, const std::vector<std::string>& segments) {
  return std::ranges::equal(pattern, segments, [](std::string_view wanted, std::string_view segment) {
    return is_parameter(wanted) ? !segment.empty() : wanted == segment;
  });
}

// What base URLs with a slash at their end make of a path goes: "/v1//emails", "/emails/". Not at the end of a DELETE: an id that
// is empty by mistake may not mean the whole.
std::vector<std::string> settled_segments(std::string_view method, std::vector<std::string> segments) {
  const auto is_empty = [](const std::string& segment) { return segment.empty(); };
  while (segments.size() > 1 && is_empty(segments.front())) segments.erase(segments.begin());
  const bool is_prefixed = !segments.empty() && (segments.front() == kPrefix || segments.front() == kOtherPrefix);
  while (segments.size() > 2 && is_prefixed && is_empty(segments[1])) segments.erase(segments.begin() + 1);
  if (segments.size() > 1 && is_empty(segments.back()) && method != "DELETE") segments.pop_back();
  return segments;
}

void add_method(std::string& allow, std::string_view name) {
  if (allow.find(name) != std::string::npos) return;
  if (!allow.empty()) allow += ", ";
  allow += name;
}

}  // namespace

std::string_view method_name(Method method) {
  return std::ranges::find(kMethods, method, &std::pair<Method, std::string_view>::first)->second;
}

Router::Router(std::span<const ApiArea> areas) {
  for (const ApiArea& area : areas) {
    for (const Route& route : area.routes) patterns_.push_back({split_path(route.path), &route});
  }
  std::ranges::stable_sort(patterns_, comes_before, &Pattern::segments);
  for (std::size_t i = 1; i < patterns_.size(); ++i) {
    const Pattern& before = patterns_[i - 1];
    POSTERN_CHECK(before.segments != patterns_[i].segments || before.route->method != patterns_[i].route->method);
  }
}

RouteAnswer Router::find(std::string_view method, const http::Target& target) const {
  std::vector<std::string> segments = settled_segments(method, target.segments);
  RouteAnswer own = NoRoute{};
  if (segments.size() > 1 && segments.front() == kOtherPrefix) {
    own = find_path(method, segments);
    if (std::holds_alternative<RouteMatch>(own)) return own;
    segments.front() = kPrefix;
  }
  RouteAnswer answer = find_path(method, segments);
  if (std::holds_alternative<NoRoute>(answer) && std::holds_alternative<WrongMethod>(own)) return own;
  const bool is_prefixed = !segments.empty() && segments.front() == kPrefix;
  if (!std::holds_alternative<NoRoute>(answer) || is_prefixed || segments.empty()) return answer;
  // A base URL without the prefix, as some clients of this API's shape have it.
  std::vector<std::string> prefixed = {std::string(kPrefix)};
  prefixed.insert(prefixed.end(), segments.begin(), segments.end());
  return find_path(method, prefixed);
}

RouteAnswer Router::find_path(std::string_view method, const std::vector<std::string>& segments) const {
  if (method == "HEAD") method = "GET";
  std::string allow;
  for (const Pattern& pattern : patterns_) {
    if (!matches(pattern.segments, segments)) continue;
    const std::string_view name = method_name(pattern.route->method);
    if (name != method) {
      add_method(allow, name);
      if (name == "GET") add_method(allow, "HEAD");
      continue;
    }
    RouteMatch match{.route = pattern.route, .path_parameters = {}};
    for (std::size_t i = 0; i < segments.size(); ++i) {
      const std::string_view segment = pattern.segments[i];
      if (is_parameter(segment)) match.path_parameters.emplace_back(segment.substr(1), segments[i]);
    }
    return match;
  }
  if (allow.empty()) return NoRoute{};
  return WrongMethod{std::move(allow)};
}

}  // namespace postern::api
