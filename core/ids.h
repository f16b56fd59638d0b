// Ids and small words of the product that several folders share.
#pragma once

#include "core/random.h"

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postern {

// Stored values: never renumber.
enum class Environment : std::uint8_t { Live = 1, Test = 2 };
enum class AccountMode : std::uint8_t { Sandbox = 1, Production = 2 };

std::string_view environment_name(Environment environment);  // "live", "test"
std::string_view account_mode_name(AccountMode mode);        // "sandbox", "production"

// Ten random octets with a type. Text: prefix, then 16 characters of lower-case base32hex.
template <class Tag>
struct RandomId {
  std::array<std::uint8_t, 10> octets{};

  friend auto operator<=>(const RandomId&, const RandomId&) = default;
};

struct AccountTag { static constexpr std::string_view kPrefix = "acc_"; };
struct KeyTag { static constexpr std::string_view kPrefix = "key_"; };
struct UserTag { static constexpr std::string_view kPrefix = "usr_"; };
struct DomainTag { static constexpr std::string_view kPrefix = "dom_"; };
struct WebhookTag { static constexpr std::string_view kPrefix = "whk_"; };
struct OrderTag { static constexpr std::string_view kPrefix = "ord_"; };
using AccountId = RandomId<AccountTag>;
using KeyId = RandomId<KeyTag>;
using UserId = RandomId<UserTag>;
using DomainId = RandomId<DomainTag>;
using WebhookId = RandomId<WebhookTag>;
using OrderId = RandomId<OrderTag>;

AccountId make_account_id(Random& random);
KeyId make_key_id(Random& random);
UserId make_user_id(Random& random);
DomainId make_domain_id(Random& random);
WebhookId make_webhook_id(Random& random);
OrderId make_order_id(Random& random);
std::string format_id(const AccountId& id);
std::string format_id(const KeyId& id);
std::string format_id(const UserId& id);
std::string format_id(const DomainId& id);
std::string format_id(const WebhookId& id);
std::string format_id(const OrderId& id);
std::optional<AccountId> parse_account_id(std::string_view text);
std::optional<KeyId> parse_key_id(std::string_view text);
std::optional<UserId> parse_user_id(std::string_view text);
std::optional<DomainId> parse_domain_id(std::string_view text);
std::optional<WebhookId> parse_webhook_id(std::string_view text);
std::optional<OrderId> parse_order_id(std::string_view text);

}  // namespace postern
