#include "domains/inbound_routes.h"

#include "core/bytes.h"
#include "core/case_fold.h"
#include "core/mailbox.h"

#include <algorithm>

namespace postern::domains {
namespace {

const store::InboundRoute kOfRole{
    .id = "role", .match = "postmaster, abuse", .action = store::RouteAction::Store, .is_active = true};

bool is_role(std::string_view local_part) {
  return equals_ignoring_case(local_part, "postmaster") || equals_ignoring_case(local_part, "abuse");
}

}  // namespace

std::string normalised_match(std::string_view text) {
  const std::string match = fold_case(std::string(text));
  if (match.empty() || match.size() > kMaxMatchOctets || std::ranges::count(match, '*') > 1) return {};
  std::string address = match + "@example.org";
  std::ranges::replace(address, '*', 'x');
  const auto mailbox = parse_mailbox(address);
  return mailbox && mailbox->local_part.size() == match.size() ? match : std::string();
}

std::string_view route_action_name(store::RouteAction action) {
  switch (action) {
    case store::RouteAction::Store:
      return "store";
    case store::RouteAction::Webhook:
      return "webhook";
    case store::RouteAction::Drop:
      return "drop";
    case store::RouteAction::Forward:
      return "forward";
  }
  return {};
}

std::optional<store::RouteAction> parse_route_action(std::string_view name) {
  for (const auto action :
       {store::RouteAction::Store, store::RouteAction::Webhook, store::RouteAction::Drop, store::RouteAction::Forward}) {
    if (route_action_name(action) == name) return action;
  }
  return std::nullopt;
}

std::string_view inbound_policy_name(store::InboundPolicy policy) {
  switch (policy) {
    case store::InboundPolicy::Observe:
      return "observe";
    case store::InboundPolicy::Tag:
      return "tag";
    case store::InboundPolicy::Reject:
      return "reject";
  }
  return {};
}

std::optional<store::InboundPolicy> parse_inbound_policy(std::string_view name) {
  for (const auto policy : {store::InboundPolicy::Observe, store::InboundPolicy::Tag, store::InboundPolicy::Reject}) {
    if (inbound_policy_name(policy) == name) return policy;
  }
  return std::nullopt;
}

bool is_match(std::string_view match, std::string_view local_part) {
  const std::string local = fold_case(std::string(local_part));
  const std::size_t star = match.find('*');
  if (star == std::string_view::npos) return local == match;
  const std::string_view front = match.substr(0, star);
  const std::string_view back = match.substr(star + 1);
  return local.size() >= front.size() + back.size() && local.starts_with(front) && local.ends_with(back);
}

std::vector<const store::InboundRoute*> matching_routes(const store::DomainRecord& domain, std::string_view local_part) {
  const std::string local = normalised_local_part(local_part);
  std::vector<const store::InboundRoute*> routes;
  for (const store::InboundRoute& route : domain.routes) {
    if (route.is_active && is_match(route.match, local)) routes.push_back(&route);
  }
  if (routes.empty() && is_role(local)) routes.push_back(&kOfRole);
  return routes;
}

}  // namespace postern::domains
