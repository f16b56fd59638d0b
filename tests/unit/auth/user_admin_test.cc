// Signing up and in, over a real store and the real hash.
#include "auth/user_admin.h"

#include "auth/password.h"
#include "tests/unit/auth/admin_fixture.h"

namespace postern::auth {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Secret kPassword("correct horse");

class UserAdminTest : public AdminTest {
 protected:
  UserAdmin users{store->directory(), accounts, clock, random};
};

TEST_F(UserAdminTest, SignsUpWithAnAccountInSandboxMode) {
  const store::UserRecord user = users.sign_up("Ada@Example.ORG", kPassword).value();
  EXPECT_EQ(user.email, "Ada@example.org");
  EXPECT_EQ(user.created, clock.now());
  EXPECT_THAT(user.password_hash, Not(HasSubstr("horse")));
  const auto created = directory().find_account(user.account).value();
  ASSERT_TRUE(created.has_value());
  EXPECT_EQ(created->name, "Ada@example.org");
  EXPECT_EQ(created->mode, AccountMode::Sandbox);
  EXPECT_EQ(created->plan, *plan_named("starter"));
  EXPECT_EQ(directory().find_user(user.id).value(), user);
}

TEST_F(UserAdminTest, SignsUpAnAddressOnce) {
  ASSERT_TRUE(users.sign_up("ada@example.org", kPassword).has_value());
  const std::size_t accounts_before = directory().list_accounts().value().size();
  EXPECT_EQ(code_of(users.sign_up("ada@EXAMPLE.org", Secret("another password"))), ErrorCode::AlreadyExists);
  EXPECT_EQ(directory().list_accounts().value().size(), accounts_before) << "and leaves no account without people";
  EXPECT_TRUE(users.sign_in("ada@example.org", kPassword).has_value());
}

TEST_F(UserAdminTest, NamesTheAccountOtherwiseWhereTheAddressCannotBeItsName) {
  NewAccount namesake;
  namesake.name = "ada@example.org";
  ASSERT_TRUE(accounts.create(namesake).has_value());
  const auto user = users.sign_up("ada@example.org", kPassword).value();
  EXPECT_EQ(directory().find_account(user.account).value()->name, format_id(user.account));
  const std::string longer = "ada@" + std::string(60, 'x') + ".example.org";
  EXPECT_TRUE(users.sign_up(longer, kPassword).has_value());
}

TEST_F(UserAdminTest, RefusesWhatIsNoAddressOrNoPassword) {
  for (const char* email : {"", "ada", "ada@", "@example.org", "a b@example.org", "ada@[192.0.2.1]", "ada@example.org\r\n"}) {
    EXPECT_EQ(code_of(users.sign_up(email, kPassword)), ErrorCode::InvalidArgument) << email;
  }
  for (const std::size_t octets : {0U, 9U, 1025U}) {
    EXPECT_EQ(code_of(users.sign_up("ada@example.org", Secret(std::string(octets, 'x')))), ErrorCode::InvalidArgument) << octets;
  }
  for (const std::size_t octets : {10U, 1024U}) {
    const std::string email = "ada" + std::to_string(octets) + "@example.org";
    EXPECT_TRUE(users.sign_up(email, Secret(std::string(octets, 'x'))).has_value()) << octets;
  }
}

TEST_F(UserAdminTest, SignsInWithTheRightPasswordOnly) {
  const auto user = users.create(account, "ada@example.org", kPassword).value();
  EXPECT_EQ(users.sign_in("ada@Example.org", kPassword).value(), user);
  const auto wrong = users.sign_in("ada@example.org", Secret("correct hors"));
  const auto unknown = users.sign_in("bob@example.org", kPassword);
  const auto no_address = users.sign_in("bob", kPassword);
  for (const auto* refused : {&wrong, &unknown, &no_address}) {
    ASSERT_TRUE(refused->has_error());
    EXPECT_EQ(refused->error().code(), ErrorCode::NotFound);
    EXPECT_EQ(refused->error().context(), wrong.error().context()) << "one answer, whatever was wrong";
  }
}

TEST_F(UserAdminTest, RenewsAHashOfOlderCosts) {
  auto user = users.create(account, "ada@example.org", kPassword).value();
  user.password_hash = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$XVVXYIqdyv8ko9nE4KrZ4b8uSN7RTWYTOIgGo42CWlQ";
  ASSERT_TRUE(directory().write([&](store::DirectoryWriter& writer) { return writer.put_user(user); }).has_value());
  const auto signed_in = users.sign_in("ada@example.org", Secret("an older password"));
  ASSERT_TRUE(signed_in.has_value());
  EXPECT_TRUE(has_current_costs(directory().find_user(user.id).value()->password_hash));
  EXPECT_EQ(*signed_in, directory().find_user(user.id).value()) << "the session is opened with the renewed hash";
  EXPECT_TRUE(users.sign_in("ada@example.org", Secret("an older password")).has_value());
}

TEST_F(UserAdminTest, FindsAUserByAddressOrId) {
  const auto user = users.create(account, "ada@example.org", kPassword).value();
  EXPECT_EQ(users.find("ada@EXAMPLE.org").value(), user);
  EXPECT_EQ(users.find(format_id(user.id)).value(), user);
  EXPECT_EQ(code_of(users.find("bob@example.org")), ErrorCode::NotFound);
  EXPECT_EQ(code_of(users.find(format_id(UserId{}))), ErrorCode::NotFound);
  EXPECT_EQ(code_of(users.find("bob")), ErrorCode::InvalidArgument);
}

TEST_F(UserAdminTest, AddsUsersToAnAccount) {
  ASSERT_TRUE(users.create(account, "ada@example.org", kPassword).has_value());
  ASSERT_TRUE(users.create(account, "bob@example.org", kPassword).has_value());
  EXPECT_EQ(directory().list_users(account).value().size(), 2U);
  EXPECT_EQ(code_of(users.create(account, "bob@example.org", kPassword)), ErrorCode::AlreadyExists);
  EXPECT_EQ(code_of(users.create(AccountId{}, "eve@example.org", kPassword)), ErrorCode::NotFound);
}

TEST_F(UserAdminTest, ChangesAPassword) {
  const auto user = users.create(account, "ada@example.org", kPassword).value();
  ASSERT_TRUE(users.set_password(user.id, Secret("battery staple")).has_value());
  EXPECT_EQ(code_of(users.sign_in("ada@example.org", kPassword)), ErrorCode::NotFound);
  EXPECT_TRUE(users.sign_in("ada@example.org", Secret("battery staple")).has_value());
  EXPECT_EQ(code_of(users.set_password(user.id, Secret("short"))), ErrorCode::InvalidArgument);
  EXPECT_EQ(code_of(users.set_password(UserId{}, Secret("battery staple"))), ErrorCode::NotFound);
}

TEST_F(UserAdminTest, RemovesAUser) {
  const auto user = users.create(account, "ada@example.org", kPassword).value();
  ASSERT_TRUE(users.remove(user.id).has_value());
  EXPECT_EQ(code_of(users.sign_in("ada@example.org", kPassword)), ErrorCode::NotFound);
  EXPECT_EQ(code_of(users.remove(user.id)), ErrorCode::NotFound);
  EXPECT_TRUE(users.sign_up("ada@example.org", kPassword).has_value()) << "the address is free again";
}

}  // namespace
}  // namespace postern::auth
