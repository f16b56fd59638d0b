#include "core/ids.h"

#include "core/bytes.h"

#include <algorithm>

namespace postern {
namespace {

template <class Tag>
RandomId<Tag> make_id(Random& random) {
  RandomId<Tag> id;
  random.fill(id.octets);
  return id;
}

template <class Tag>
std::string format(const RandomId<Tag>& id) {
  return std::string(Tag::kPrefix) + format_base32hex(id.octets);
}

template <class Tag>
std::optional<RandomId<Tag>> parse(std::string_view text) {
  if (!text.starts_with(Tag::kPrefix)) return std::nullopt;
  const auto octets = parse_base32hex(text.substr(Tag::kPrefix.size()));
  RandomId<Tag> id;
  if (!octets || octets->size() != id.octets.size()) return std::nullopt;
  std::copy(octets->begin(), octets->end(), id.octets.begin());
  return id;
}

}  // namespace

std::string_view environment_name(Environment environment) {
  return environment == Environment::Test ? "test" : "live";
}

std::string_view account_mode_name(AccountMode mode) {
  return mode == AccountMode::Production ? "production" : "sandbox";
}

AccountId make_account_id(Random& random) { return make_id<AccountTag>(random); }
KeyId make_key_id(Random& random) { return make_id<KeyTag>(random); }
UserId make_user_id(Random& random) { return make_id<UserTag>(random); }
DomainId make_domain_id(Random& random) { return make_id<DomainTag>(random); }
WebhookId make_webhook_id(Random& random) { return make_id<WebhookTag>(random); }
OrderId make_order_id(Random& random) { return make_id<OrderTag>(random); }
std::string format_id(const AccountId& id) { return format(id); }
std::string format_id(const KeyId& id) { return format(id); }
std::string format_id(const UserId& id) { return format(id); }
std::string format_id(const DomainId& id) { return format(id); }
std::string format_id(const WebhookId& id) { return format(id); }
std::string format_id(const OrderId& id) { return format(id); }
std::optional<AccountId> parse_account_id(std::string_view text) { return parse<AccountTag>(text); }
std::optional<KeyId> parse_key_id(std::string_view text) { return parse<KeyTag>(text); }
std::optional<UserId> parse_user_id(std::string_view text) { return parse<UserTag>(text); }
std::optional<DomainId> parse_domain_id(std::string_view text) { return parse<DomainTag>(text); }
std::optional<WebhookId> parse_webhook_id(std::string_view text) { return parse<WebhookTag>(text); }
std::optional<OrderId> parse_order_id(std::string_view text) { return parse<OrderTag>(text); }

}  // namespace postern
