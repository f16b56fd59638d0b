// What a key may hand on: nothing that it does not have.
#include "auth/key_rights.h"

#include "core/time_format.h"

namespace postern::auth {
namespace {

Instant day(const char* text) { return parse_rfc3339(text).value(); }

store::KeyRecord narrow_key() {
  store::KeyRecord key;
  key.permission = store::Permission::FullAccess;
  key.from_domains = {"a.example", "b.example"};
  key.networks = {*parse_ip_network("192.0.2.0/24"), *parse_ip_network("2001:db8::/32")};
  key.per_second = 5;
  key.expires_at = day("2026-06-01");
  return key;
}

store::KeyRecord wide_key() {
  store::KeyRecord key;
  key.permission = store::Permission::FullAccess;
  return key;
}

struct ExcessCase {
  const char* what;
  std::function<void(store::KeyRecord&)> edit;  // of a key that is like its maker
  bool is_within;
};

const ExcessCase kExcessCases[] = {
    {"the same", [](auto&) {}, true},
    {"a lesser permission", [](auto& key) { key.permission = store::Permission::SendingAccess; }, true},
    {"a test key", [](auto& key) { key.environment = Environment::Test; }, true},
    {"one of the domains", [](auto& key) { key.from_domains = {"b.example"}; }, true},
    {"another domain", [](auto& key) { key.from_domains = {"b.example", "c.example"}; }, false},
    {"a subdomain", [](auto& key) { key.from_domains = {"x.a.example"}; }, false},
    {"any domain", [](auto& key) { key.from_domains.clear(); }, false},
    {"a part of a network", [](auto& key) { key.networks = {*parse_ip_network("192.0.2.128/25")}; }, true},
    {"one address", [](auto& key) { key.networks = {*parse_ip_network("2001:db8::1")}; }, true},
    {"a wider network", [](auto& key) { key.networks = {*parse_ip_network("192.0.0.0/16")}; }, false},
    {"another network", [](auto& key) { key.networks = {*parse_ip_network("198.51.100.0/24")}; }, false},
    {"one network too many", [](auto& key) { key.networks.push_back(*parse_ip_network("198.51.100.1")); }, false},
    {"any network", [](auto& key) { key.networks.clear(); }, false},
    {"a lower rate", [](auto& key) { key.per_second = 1; }, true},
    {"a higher rate", [](auto& key) { key.per_second = 6; }, false},
    {"the plan's rate", [](auto& key) { key.per_second.reset(); }, false},
    {"an earlier end", [](auto& key) { key.expires_at = day("2026-05-01"); }, true},
    {"a later end", [](auto& key) { key.expires_at = day("2026-06-02"); }, false},
    {"no end", [](auto& key) { key.expires_at.reset(); }, false},
};

TEST(KeyRights, AreWithinTheMakers) {
  for (const ExcessCase& c : kExcessCases) {
    store::KeyRecord key = narrow_key();
    c.edit(key);
    EXPECT_EQ(!excess_right(narrow_key(), key).has_value(), c.is_within) << c.what;
    EXPECT_FALSE(excess_right(wide_key(), key).has_value()) << c.what;
  }
}

TEST(KeyRights, OfATestKeyEndAtTestKeys) {
  store::KeyRecord maker = wide_key();
  maker.environment = Environment::Test;
  store::KeyRecord key = wide_key();
  EXPECT_TRUE(excess_right(maker, key).has_value());
  EXPECT_FALSE(can_see_key(maker, key));
  key.environment = Environment::Test;
  EXPECT_FALSE(excess_right(maker, key).has_value());
  EXPECT_TRUE(can_see_key(maker, key));
}

TEST(KeyRights, OfASendingKeyDoNotGrow) {
  store::KeyRecord maker = wide_key();
  maker.permission = store::Permission::SendingAccess;
  EXPECT_TRUE(excess_right(maker, wide_key()).has_value());
}

TEST(KeyRights, EndWithARotation) {
  store::KeyRecord maker = wide_key();
  EXPECT_EQ(end_of_key(maker), std::nullopt);
  maker.retires_at = day("2026-03-01");
  EXPECT_EQ(end_of_key(maker), day("2026-03-01"));
  EXPECT_TRUE(excess_right(maker, wide_key()).has_value());
  maker.expires_at = day("2026-02-01");
  EXPECT_EQ(end_of_key(maker), day("2026-02-01"));
  maker.expires_at = day("2026-04-01");
  EXPECT_EQ(end_of_key(maker), day("2026-03-01"));
}

TEST(KeyRights, AreInheritedWhereNothingIsSaid) {
  store::KeyRecord draft = wide_key();
  inherit_rights(narrow_key(), draft);
  EXPECT_EQ(excess_right(narrow_key(), draft), std::nullopt);
  EXPECT_EQ(draft.from_domains, narrow_key().from_domains);
  store::KeyRecord chosen = wide_key();
  chosen.from_domains = {"c.example"};
  chosen.per_second = 9;
  inherit_rights(narrow_key(), chosen);
  EXPECT_EQ(chosen.from_domains, std::vector<std::string>{"c.example"}) << "what is said is not changed in silence";
  EXPECT_EQ(chosen.per_second, 9U);
}

}  // namespace
}  // namespace postern::auth
