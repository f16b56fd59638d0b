// A request's target, taken apart: RFC 9112 §3.2, RFC 3986. Over Boost.URL. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::http {

// All decoded and valid UTF-8 without control characters. A "%2F" stays inside its segment.
struct Target {
  std::string path;                                        // "/v1/emails/a b"
  std::vector<std::string> segments;                       // "v1", "emails", "a b"; "/" has none
  std::vector<std::pair<std::string, std::string>> query;  // in order, names may repeat; "+" is a space
};

// Origin form, and absolute form, which every server must take. nullopt: neither (also "*"), a "." or
// ".." segment in any disguise, or more parameters than the limit.
std::optional<Target> parse_target(std::string_view text);

}  // namespace postern::http
