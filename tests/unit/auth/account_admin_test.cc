// Accounts, plans, names and the whitelist, over a real store.
#include "tests/unit/auth/admin_fixture.h"

namespace postern::auth {
namespace {

using ::testing::HasSubstr;

class AccountAdminTest : public AdminTest {
 protected:
  static NewAccount wanted(std::string name) {
    NewAccount made;
    made.name = std::move(name);
    return made;
  }
  store::AccountRecord stored() { return *directory().find_account(account).value(); }
};

struct NameCase {
  const char* what;
  std::string name;
  bool is_valid;
};

const NameCase kNames[] = {
    {"one character", "a", true},
    {"64 octets", std::string(64, 'a'), true},
    {"blank inside", "Acme GmbH & Co.", true},
    {"not ASCII", "Bücher Straße", true},
    {"empty", "", false},
    {"65 octets", std::string(65, 'a'), false},
    {"leading blank", " a", false},
    {"trailing blank", "a ", false},
    {"tab", "a\tb", false},
    {"line end", "a\nb", false},
    {"escape", "a\x1b[2J", false},
    {"delete", "a\x7f", false},
    {"NUL", std::string("a\0b", 3), false},
    {"not UTF-8", "a\xff", false},
    {"C1 control", "a\xc2\x9b" "2J", false},
    {"line separator", "a\xe2\x80\xa8" "b", false},
    {"text turned around", "a\xe2\x80\xae" "b", false},
};

TEST(Name, IsPrintableAndOf64OctetsAtMost) {
  for (const NameCase& c : kNames) EXPECT_EQ(check_name(c.name).has_value(), c.is_valid) << c.what;
}

struct PlanCase {
  const char* name;
  std::optional<std::uint32_t> per_second;
};

TEST(Plan, IsKnownByName) {
  const PlanCase cases[] = {{"starter", 10}, {"growth", 100}, {"scale", 1'000}, {"unlimited", std::nullopt}};
  for (const PlanCase& c : cases) {
    const auto plan = plan_named(c.name);
    ASSERT_TRUE(plan) << c.name;
    EXPECT_EQ(plan->name, c.name);
    EXPECT_EQ(plan->per_second, c.per_second) << c.name;
    EXPECT_FALSE(plan->per_day || plan->per_month) << c.name;
  }
  for (const char* other : {"", "Starter", "custom", "enterprise"}) EXPECT_FALSE(plan_named(other)) << other;
}

TEST_F(AccountAdminTest, StartsInSandboxModeAndActive) {
  const store::AccountRecord record = stored();
  EXPECT_EQ(record.name, "acme");
  EXPECT_EQ(record.mode, AccountMode::Sandbox);
  EXPECT_EQ(record.state, store::AccountState::Active);
  EXPECT_EQ(record.plan, *plan_named("starter"));
  EXPECT_EQ(record.created, clock.now());
}

TEST_F(AccountAdminTest, NormalisesDomains) {
  NewAccount account_with_domains = wanted("shop");
  account_with_domains.from_domains = {"Shop.Example", "bücher.example"};
  const auto created = accounts.create(account_with_domains).value();
  EXPECT_THAT(created.from_domains, ::testing::ElementsAre("shop.example", "xn--bcher-kva.example"));
  account_with_domains.name = "other";
  account_with_domains.from_domains = {"not a domain"};
  EXPECT_EQ(code_of(accounts.create(account_with_domains)), ErrorCode::InvalidArgument);
}

TEST_F(AccountAdminTest, RefusesANameTwice) {
  const auto second = accounts.create(wanted("acme"));
  ASSERT_TRUE(second.has_error());
  EXPECT_EQ(second.error().code(), ErrorCode::AlreadyExists);
  EXPECT_THAT(second.error().context(), HasSubstr("acme"));
}

TEST_F(AccountAdminTest, ChangesModeStateAndPlanOneByOne) {
  const store::AccountRecord before = stored();
  ASSERT_TRUE(accounts.set_mode(account, AccountMode::Production).has_value());
  ASSERT_TRUE(accounts.set_state(account, store::AccountState::Suspended).has_value());
  ASSERT_TRUE(accounts.set_plan(account, store::Plan{"custom", 7, 0, 1'000}).has_value());
  store::AccountRecord expected = before;
  expected.mode = AccountMode::Production;
  expected.state = store::AccountState::Suspended;
  expected.plan = store::Plan{"custom", 7, 0, 1'000};
  EXPECT_EQ(stored(), expected);
}

TEST_F(AccountAdminTest, TakesKeysAndWhitelistWithIt) {
  const CreatedKey key = make_key();
  ASSERT_TRUE(accounts.allow(account, "friend@example.net").has_value());
  ASSERT_TRUE(accounts.remove(account).has_value());
  EXPECT_EQ(authenticate(key), "invalid_key");
  EXPECT_EQ(refresh(key.record.id), "revoked_key");
  EXPECT_FALSE(directory().is_whitelisted(account, "friend@example.net").value());
  EXPECT_TRUE(accounts.create(wanted("acme")).has_value()) << "the name is free again";
}

TEST_F(AccountAdminTest, KnowsNoOtherAccount) {
  const AccountId unknown{};
  EXPECT_EQ(code_of(accounts.set_mode(unknown, AccountMode::Production)), ErrorCode::NotFound);
  EXPECT_EQ(code_of(accounts.set_state(unknown, store::AccountState::Active)), ErrorCode::NotFound);
  EXPECT_EQ(code_of(accounts.set_plan(unknown, {})), ErrorCode::NotFound);
  EXPECT_EQ(code_of(accounts.remove(unknown)), ErrorCode::NotFound);
  EXPECT_EQ(code_of(accounts.allow(unknown, "a@example.org")), ErrorCode::NotFound);
}

TEST_F(AccountAdminTest, WhitelistsTheNormalisedAddress) {
  EXPECT_EQ(accounts.allow(account, "Friend@EXAMPLE.net").value(), "Friend@example.net");
  EXPECT_EQ(accounts.allow(account, "\"plain\"@example.net").value(), "plain@example.net");
  EXPECT_TRUE(directory().is_whitelisted(account, "Friend@example.net").value());
  EXPECT_TRUE(directory().is_whitelisted(account, "plain@example.net").value());
  EXPECT_FALSE(directory().is_whitelisted(account, "friend@example.net").value()) << "the local part is opaque";
}

TEST_F(AccountAdminTest, WhitelistsAnAddressOnce) {
  ASSERT_TRUE(accounts.allow(account, "friend@example.net").has_value());
  ASSERT_TRUE(accounts.allow(account, "friend@Example.net").has_value());
  EXPECT_EQ(directory().list_whitelist(account).value().size(), 1U);
  ASSERT_TRUE(accounts.disallow(account, "friend@EXAMPLE.NET").has_value());
  EXPECT_TRUE(directory().list_whitelist(account).value().empty());
  EXPECT_EQ(code_of(accounts.disallow(account, "friend@example.net")), ErrorCode::NotFound);
}

TEST_F(AccountAdminTest, WhitelistsOnlyAddresses) {
  for (const char* text : {"", "friend", "@example.net", "friend@", "*@example.net ", "a b@example.net", "<friend@example.net>"}) {
    EXPECT_TRUE(accounts.allow(account, text).has_error()) << text;
  }
  EXPECT_TRUE(directory().list_whitelist(account).value().empty());
}

}  // namespace
}  // namespace postern::auth
