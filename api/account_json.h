// Keys, accounts and their words as JSON, with Resend's names where it has them.
#pragma once

#include "store/records.h"

#include <boost/json/object.hpp>

#include <optional>
#include <string_view>

namespace postern::api {

std::string_view permission_name(store::Permission permission);  // "full_access", "sending_access"
std::optional<store::Permission> parse_permission(std::string_view name);

// Never its text.
boost::json::object key_json(const store::KeyRecord& key, const std::optional<store::KeyUsage>& usage,
                             const std::optional<store::KeyRefusal>& refusal, Instant now);

boost::json::object account_json(const store::AccountRecord& account);

// An RFC 3339 text, or null.
boost::json::value instant_json(const std::optional<Instant>& instant);

}  // namespace postern::api
