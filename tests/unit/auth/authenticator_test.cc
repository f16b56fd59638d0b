// Credential → principal over a real store, and what open sessions learn when they ask again.
#include "tests/unit/auth/admin_fixture.h"

namespace postern::auth {
namespace {

using std::chrono::hours;

class AuthenticatorTest : public AdminTest {
 protected:
  Principal principal_of(const CreatedKey& key) {
    return std::get<Principal>(Authenticator(directory(), scheme).authenticate(key.text.reveal(), {}, clock.now()));
  }
  std::string_view authenticate_text(std::string_view text) {
    return token_of(Authenticator(directory(), scheme).authenticate(text, {}, clock.now()));
  }
};

TEST_F(AuthenticatorTest, TellsWhoItIsAndWithWhatRights) {
  NewKey wanted = named("backend");
  wanted.permission = store::Permission::FullAccess;
  wanted.per_second = 5;
  const CreatedKey key = make_key(wanted);
  const Principal principal = principal_of(key);
  EXPECT_EQ(principal.key, key.record.id);
  EXPECT_EQ(principal.account, account);
  EXPECT_EQ(principal.key_name, "backend");
  EXPECT_EQ(principal.account_name, "acme");
  EXPECT_EQ(principal.environment, Environment::Live);
  EXPECT_EQ(principal.account_mode, AccountMode::Sandbox);
  EXPECT_EQ(principal.account_state, store::AccountState::Active);
  EXPECT_EQ(principal.permission, store::Permission::FullAccess);
  EXPECT_EQ(principal.plan, *plan_named("starter"));
  EXPECT_EQ(principal.key_per_second, 5U);
  EXPECT_TRUE(principal.from_domains.empty());
}

TEST_F(AuthenticatorTest, TakesTheKeysDomainsElseTheAccounts) {
  NewAccount shop;
  shop.name = "shop";
  shop.from_domains = {"shop.example", "news.example"};
  const AccountId owner = accounts.create(shop).value().id;
  EXPECT_THAT(principal_of(keys.create(owner, named("all")).value()).from_domains,
              ::testing::ElementsAre("shop.example", "news.example"));
  NewKey narrow = named("narrow");
  narrow.from_domains = {"news.example"};
  EXPECT_THAT(principal_of(keys.create(owner, narrow).value()).from_domains, ::testing::ElementsAre("news.example"));
}

TEST_F(AuthenticatorTest, SaysTheSameToUnknownAndToMalformedKeys) {
  make_key();
  test::FakeRandom elsewhere(99);
  const Secret unknown = generate_api_key(scheme, Environment::Live, elsewhere);
  EXPECT_EQ(authenticate_text(unknown.reveal()), "invalid_key");
  for (const char* text : {"", "pk_live_", "password", "pk_live_%", "' OR 1=1 --", "../../etc/passwd"}) {
    EXPECT_EQ(authenticate_text(text), "invalid_key") << text;
  }
}

TEST_F(AuthenticatorTest, WantsTheWholeKeyAndNothingElse) {
  const CreatedKey key = make_key();
  const std::string text(key.text.reveal());
  EXPECT_EQ(authenticate_text(text), "ok");
  std::string upper = text;
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  for (const std::string& other :
       {text.substr(0, text.size() - 1), text.substr(1), text + "x", text + " ", text + std::string(1, '\0'), upper,
        text.substr(0, 16), key.record.prefix + std::string(40, '%')}) {
    EXPECT_EQ(authenticate_text(other), "invalid_key") << other.size();
  }
}

TEST_F(AuthenticatorTest, KeepsToTheKeysNetworks) {
  NewKey wanted = named("office");
  wanted.networks = {"192.0.2.0/24"};
  const CreatedKey key = make_key(wanted);
  EXPECT_EQ(authenticate(key, "192.0.2.77"), "ok");
  EXPECT_EQ(authenticate(key, "198.51.100.1"), "key_network");
  EXPECT_EQ(refresh(key.record.id, "198.51.100.1"), "key_network");
}

TEST_F(AuthenticatorTest, LetsASuspendedAccountInAndSaysSo) {
  const CreatedKey key = make_key();
  ASSERT_TRUE(accounts.set_state(account, store::AccountState::Suspended).has_value());
  EXPECT_EQ(principal_of(key).account_state, store::AccountState::Suspended);
}

TEST_F(AuthenticatorTest, TellsAnOpenSessionOfRevocationExpiryAndDeletion) {
  NewKey wanted = named("short");
  wanted.expires_at = clock.now() + hours(1);
  const CreatedKey expiring = make_key(wanted);
  const CreatedKey revoked = make_key();
  const CreatedKey deleted = make_key();
  for (const CreatedKey* key : {&expiring, &revoked, &deleted}) EXPECT_EQ(refresh(key->record.id), "ok");
  clock.advance(hours(1));
  ASSERT_TRUE(keys.revoke(revoked.record.id).has_value());
  ASSERT_TRUE(keys.remove(deleted.record.id).has_value());
  EXPECT_EQ(refresh(expiring.record.id), "expired_key");
  EXPECT_EQ(refresh(revoked.record.id), "revoked_key");
  EXPECT_EQ(refresh(deleted.record.id), "revoked_key");
}

TEST_F(AuthenticatorTest, GivesAnOpenSessionTheAccountAsItIsNow) {
  const CreatedKey key = make_key();
  ASSERT_TRUE(accounts.set_mode(account, AccountMode::Production).has_value());
  ASSERT_TRUE(accounts.set_plan(account, *plan_named("scale")).has_value());
  const AuthResult result = Authenticator(directory(), scheme).refresh(key.record.id, {}, clock.now());
  const Principal& principal = std::get<Principal>(result);
  EXPECT_EQ(principal.account_mode, AccountMode::Production);
  EXPECT_EQ(principal.plan.name, "scale");
}

}  // namespace
}  // namespace postern::auth
