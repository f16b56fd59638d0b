// Creating, revoking, extending and deleting keys, over a real store.
#include "tests/unit/auth/admin_fixture.h"

#include "auth/key_digest.h"

#include <fstream>
#include <sstream>

namespace postern::auth {
namespace {

using std::chrono::hours;
using ::testing::HasSubstr;

class KeyAdminTest : public AdminTest {};

class LimitedKeyAdminTest : public AdminTest {
 protected:
  LimitedKeyAdminTest() : AdminTest({"pt", true, 2}) {}
};

class KeyAdminWithoutEnvironmentTest : public AdminTest {
 protected:
  KeyAdminWithoutEnvironmentTest() : AdminTest({"sk", false, 0}) {}
};

TEST_F(KeyAdminTest, StoresTheWholePolicyAndTheDigestOnly) {
  NewKey wanted = named("Production backend");
  wanted.environment = Environment::Test;
  wanted.permission = store::Permission::FullAccess;
  wanted.from_domains = {"Example.ORG", "bücher.example"};
  wanted.networks = {"192.0.2.0/24", "2001:db8::1"};
  wanted.expires_at = clock.now() + hours(1);
  wanted.per_second = 0;
  const CreatedKey created = make_key(wanted);

  const store::KeyRecord stored = directory().find_key(created.record.id).value()->key;
  EXPECT_EQ(stored, created.record);
  EXPECT_EQ(stored.account, account);
  EXPECT_EQ(stored.name, "Production backend");
  EXPECT_EQ(stored.environment, Environment::Test);
  EXPECT_EQ(stored.permission, store::Permission::FullAccess);
  EXPECT_THAT(stored.from_domains, ::testing::ElementsAre("example.org", "xn--bcher-kva.example"));
  EXPECT_EQ(format_ip_network(stored.networks.at(0)), "192.0.2.0/24");
  EXPECT_EQ(stored.per_second, 0U);
  EXPECT_EQ(stored.created, clock.now());
  EXPECT_EQ(stored.prefix, created.text.reveal().substr(0, 16));
  EXPECT_EQ(stored.digest, digest_api_key(created.text.reveal()));
}

TEST_F(KeyAdminTest, LeavesNoPlaintextOnDisk) {
  const CreatedKey created = make_key();
  store.reopen();
  const std::string secret(created.text.reveal().substr(16));
  std::size_t searched = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(store.folder())) {
    if (!entry.is_regular_file()) continue;
    std::ostringstream content;
    content << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    searched += content.str().find(created.record.prefix) != std::string::npos;
    EXPECT_EQ(content.str().find(secret), std::string::npos) << entry.path();
  }
  EXPECT_GE(searched, 1U) << "the prefix is kept, so the search does look at the right files";
}

struct BadKey {
  const char* name;
  void (*spoil)(NewKey&);
  const char* words;
};

const BadKey kBadKeys[] = {
    {"a name too long", [](NewKey& key) { key.name = std::string(65, 'x'); }, "1 to 64"},
    {"a name of two lines", [](NewKey& key) { key.name = "a\nb"; }, "printable"},
    {"not a domain", [](NewKey& key) { key.from_domains = {"exa mple.org"}; }, "not a domain: exa mple.org"},
    {"not a network", [](NewKey& key) { key.networks = {"192.0.2.0/33"}; }, "not a network: 192.0.2.0/33"},
};

TEST_F(KeyAdminTest, RefusesAPolicyThatMeansNothing) {
  for (const BadKey& c : kBadKeys) {
    NewKey wanted = named("k");
    c.spoil(wanted);
    const auto created = keys.create(account, wanted);
    ASSERT_TRUE(created.has_error()) << c.name;
    EXPECT_EQ(created.error().code(), ErrorCode::InvalidArgument) << c.name;
    EXPECT_THAT(created.error().context(), HasSubstr(c.words)) << c.name;
  }
  EXPECT_TRUE(directory().list_keys(account).value().empty());
}

TEST_F(KeyAdminTest, RefusesAKeyForAnUnknownAccount) {
  EXPECT_EQ(code_of(keys.create(AccountId{}, named("k"))), ErrorCode::NotFound);
}

TEST_F(KeyAdminTest, LetsAKeyNarrowTheAccountsDomainsButNotWidenThem) {
  NewAccount narrow;
  narrow.name = "narrow";
  narrow.from_domains = {"example.org", "example.net"};
  const AccountId owner = accounts.create(narrow).value().id;
  NewKey wanted = named("k");
  wanted.from_domains = {"Example.Net"};
  EXPECT_TRUE(keys.create(owner, wanted).has_value());
  for (const char* domain : {"example.com", "mail.example.org"}) {
    wanted.from_domains = {"example.org", domain};
    const auto created = keys.create(owner, wanted);
    ASSERT_TRUE(created.has_error()) << domain;
    EXPECT_THAT(created.error().context(), HasSubstr(std::string(domain) + " is not among")) << domain;
  }
}

TEST_F(KeyAdminTest, RevokesAtOnceAndForGood) {
  const CreatedKey key = make_key();
  EXPECT_EQ(authenticate(key), "ok");
  ASSERT_TRUE(keys.revoke(key.record.id).has_value());
  EXPECT_EQ(authenticate(key), "revoked_key");
  const auto first = directory().find_key(key.record.id).value()->key.revoked_at;
  clock.advance(hours(1));
  ASSERT_TRUE(keys.revoke(key.record.id).has_value()) << "a second time is no error";
  EXPECT_EQ(directory().find_key(key.record.id).value()->key.revoked_at, first) << "and keeps the first date";
  EXPECT_EQ(code_of(keys.set_expiry(key.record.id, clock.now() + hours(1))), ErrorCode::Conflict);
  EXPECT_EQ(state_of(key.record.id), KeyState::Revoked);
}

TEST_F(KeyAdminTest, RevivesAnExpiredKeyWithALaterDateOrNone) {
  NewKey wanted = named("k");
  wanted.expires_at = clock.now() + hours(1);
  const CreatedKey key = make_key(wanted);
  EXPECT_EQ(authenticate(key), "ok");
  clock.advance(hours(1));
  EXPECT_EQ(authenticate(key), "expired_key");
  ASSERT_TRUE(keys.set_expiry(key.record.id, clock.now() + hours(1)).has_value());
  EXPECT_EQ(authenticate(key), "ok");
  clock.advance(hours(2));
  EXPECT_EQ(authenticate(key), "expired_key");
  ASSERT_TRUE(keys.set_expiry(key.record.id, std::nullopt).has_value());
  clock.advance(hours(24 * 3650));
  EXPECT_EQ(authenticate(key), "ok");
}

TEST_F(KeyAdminTest, DeletesAKeyWithItsTrace) {
  const CreatedKey key = make_key();
  ASSERT_TRUE(keys.remove(key.record.id).has_value());
  EXPECT_EQ(authenticate(key), "invalid_key");
  EXPECT_TRUE(directory().list_keys(account).value().empty());
  EXPECT_EQ(code_of(keys.remove(key.record.id)), ErrorCode::NotFound);
  EXPECT_EQ(code_of(keys.revoke(key.record.id)), ErrorCode::NotFound);
  EXPECT_EQ(code_of(keys.set_expiry(key.record.id, std::nullopt)), ErrorCode::NotFound);
}

TEST_F(KeyAdminTest, KeepsKeysOverARestart) {
  const CreatedKey key = make_key();
  store.reopen();
  EXPECT_EQ(token_of(Authenticator(store->directory(), scheme).authenticate(key.text.reveal(), {}, clock.now())), "ok");
}

TEST_F(KeyAdminTest, ChangesNameAndDateTogetherOrNeither) {
  const KeyId id = make_key().record.id;
  const auto later = clock.now() + hours(1);
  ASSERT_TRUE(keys.update(id, {.name = "new name", .expires_at = later}).has_value());
  EXPECT_EQ(directory().find_key(id).value()->key.name, "new name");
  EXPECT_EQ(directory().find_key(id).value()->key.expires_at, later);
  ASSERT_TRUE(keys.update(id, {.name = "newer", .expires_at = {}}).has_value());
  EXPECT_EQ(directory().find_key(id).value()->key.expires_at, later) << "what is not said stays";
  EXPECT_EQ(code_of(keys.update(id, {.name = "a\nb", .expires_at = std::optional<Instant>()})), ErrorCode::InvalidArgument);
  EXPECT_EQ(directory().find_key(id).value()->key.expires_at, later);
  ASSERT_TRUE(keys.revoke(id).has_value());
  EXPECT_EQ(code_of(keys.update(id, {.name = "newest", .expires_at = std::optional<Instant>()})), ErrorCode::Conflict);
  EXPECT_EQ(directory().find_key(id).value()->key.name, "newer");
}

TEST_F(KeyAdminTest, BoundsTheKeysOfAnAccountInAll) {
  const CreatedKey first = make_key();
  const auto filled = directory().write([&](store::DirectoryWriter& writer) -> Result<void> {
    store::KeyRecord key = first.record;
    for (std::size_t i = 1; i < kMaxKeysPerAccount; ++i) {
      key.id = make_key_id(random);
      random.fill(key.digest);
      key.revoked_at = clock.now();
      if (const auto put = writer.put_key(key); !put) return put.error();
    }
    return {};
  });
  ASSERT_TRUE(filled.has_value());
  EXPECT_EQ(code_of(keys.create(account, named("one more"))), ErrorCode::LimitExceeded);
  EXPECT_EQ(code_of(keys.rotate(first.record.id, Duration(0))), ErrorCode::LimitExceeded);
  const auto listed = directory().list_keys(account).value();
  ASSERT_TRUE(keys.remove(listed.front().id == first.record.id ? listed.back().id : listed.front().id).has_value());
  EXPECT_TRUE(keys.rotate(first.record.id, Duration(0)).has_value());
}

TEST_F(LimitedKeyAdminTest, StopsAtTheActiveKeysOfTheScheme) {
  const CreatedKey first = make_key();
  make_key();
  const auto third = keys.create(account, named("third"));
  ASSERT_TRUE(third.has_error());
  EXPECT_EQ(third.error().code(), ErrorCode::LimitExceeded);
  EXPECT_THAT(third.error().context(), HasSubstr("2 active keys"));
  ASSERT_TRUE(keys.revoke(first.record.id).has_value());
  EXPECT_TRUE(keys.create(account, named("third")).has_value());
}

TEST_F(LimitedKeyAdminTest, CountsByAccount) {
  NewAccount wanted;
  wanted.name = "other";
  const AccountId other = accounts.create(wanted).value().id;
  make_key();
  make_key();
  EXPECT_TRUE(keys.create(other, named("k")).has_value());
}

TEST_F(LimitedKeyAdminTest, DoesNotReviveAnExpiredKeyAboveTheLimit) {
  NewKey wanted = named("short");
  wanted.expires_at = clock.now() + hours(1);
  const CreatedKey expired = make_key(wanted);
  clock.advance(hours(1));
  make_key();
  const CreatedKey last = make_key();
  EXPECT_EQ(code_of(keys.set_expiry(expired.record.id, std::nullopt)), ErrorCode::LimitExceeded);
  EXPECT_EQ(state_of(expired.record.id), KeyState::Expired);
  EXPECT_TRUE(keys.set_expiry(last.record.id, clock.now() + hours(2)).has_value()) << "an active key needs no further room";
  ASSERT_TRUE(keys.revoke(last.record.id).has_value());
  EXPECT_TRUE(keys.set_expiry(expired.record.id, std::nullopt).has_value());
}

TEST_F(KeyAdminWithoutEnvironmentTest, MakesLiveKeysOnly) {
  EXPECT_EQ(make_key().record.environment, Environment::Live);
  NewKey wanted = named("t");
  wanted.environment = Environment::Test;
  EXPECT_EQ(code_of(keys.create(account, wanted)), ErrorCode::Conflict);
}

}  // namespace
}  // namespace postern::auth
