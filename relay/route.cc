#include "relay/route.h"

namespace postern::relay {
namespace {

bool matches(std::string_view pattern, std::string_view domain) {
  if (pattern == "*" || pattern == domain) return true;
  if (!pattern.starts_with('.')) return false;
  return domain.ends_with(pattern) || domain == pattern.substr(1);
}

}  // namespace

const Route* RouteTable::find(std::string_view normalised_domain) const {
  for (const Route& route : routes_) {
    for (const std::string& pattern : route.domains) {
      if (matches(pattern, normalised_domain)) return &route;
    }
  }
  return nullptr;
}

}  // namespace postern::relay
