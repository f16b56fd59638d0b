// Which of a domain's routes are for an address. Pure.
#pragma once

#include "store/records.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::domains {

inline constexpr std::size_t kMaxMatchOctets = 64;  // a local part has no more

// "sales", "ticket+*", "*-jobs", "a*z", "*": at most one star, the rest as a local part is written. Lower case is made of it.
// Empty: it is none.
std::string normalised_match(std::string_view text);

// Without regard to letter case.
bool is_match(std::string_view match, std::string_view local_part);

std::string_view route_action_name(store::RouteAction action);  // "store", "webhook", "drop", "forward"
std::optional<store::RouteAction> parse_route_action(std::string_view name);

std::string_view inbound_policy_name(store::InboundPolicy policy);  // "observe", "tag", "reject"
std::optional<store::InboundPolicy> parse_inbound_policy(std::string_view name);

// All active ones that match; every one of them runs. Pointers into `domain`. RFC 5321 §4.5.1: who runs a domain is reachable as
// its postmaster, and RFC 2142 §4 as abuse, whatever the routes say: where none of them matches, these two have one that stores.
std::vector<const store::InboundRoute*> matching_routes(const store::DomainRecord& domain, std::string_view local_part);

}  // namespace postern::domains
