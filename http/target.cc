#include "http/target.h"

#include "core/bytes.h"
#include "http/limits.h"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>

namespace postern::http {
namespace {

namespace urls = boost::urls;

// No path or parameter of ours holds control characters; in a log or a header field they would do harm.
bool is_text(std::string_view decoded) {
  return is_valid_utf8(decoded) && std::ranges::none_of(decoded, [](char c) {
           const auto octet = static_cast<unsigned char>(c);
           return octet < 0x20 || octet == 0x7f;
         });
}

bool take_path(const urls::url_view& url, Target& target) {
  for (std::string segment : url.segments()) {
    if (!is_text(segment) || segment == "." || segment == "..") return false;
    target.path.append("/").append(segment);
    target.segments.push_back(std::move(segment));
  }
  if (target.path.empty()) target.path = "/";
  return true;
}

bool take_query(const urls::url_view& url, Target& target) {
  for (const urls::param param : url.params()) {
    if (target.query.size() == kMaxQueryParameters || !is_text(param.key) || !is_text(param.value)) return false;
    target.query.emplace_back(param.key, param.value);
  }
  return true;
}

}  // namespace

std::optional<Target> parse_target(std::string_view text) {
  const auto url = text.starts_with('/') ? urls::parse_origin_form(text) : urls::parse_absolute_uri(text);
  if (!url || !url->is_path_absolute()) return std::nullopt;
  Target target;
  if (!take_path(*url, target) || !take_query(*url, target)) return std::nullopt;
  return target;
}

}  // namespace postern::http
