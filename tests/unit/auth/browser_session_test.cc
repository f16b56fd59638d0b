#include "auth/browser_session.h"

#include "auth/session_token.h"
#include "auth/user_admin.h"
#include "tests/unit/auth/admin_fixture.h"

#include <gtest/gtest.h>

namespace postern::auth {
namespace {

using std::chrono::hours;

class BrowserSessionTest : public AdminTest {
 protected:
  store::UserRecord make_user(const std::string& email) {
    return users.create(account, email, Secret("correct horse battery")).value();
  }
  std::size_t count_of(const store::UserRecord& user) { return sessions.list_of(account, user.id, {}).value().size(); }

  UserAdmin users{store->directory(), accounts, clock, random};
  BrowserSessions sessions{store->directory(), clock, random};
  const BrowserSessions::From from{*parse_ip_address("192.0.2.7"), "Mozilla/5.0\x01 (X11)"};
};

TEST_F(BrowserSessionTest, IsFoundByItsCookieUntilItsTimeIsOver) {
  const store::UserRecord user = make_user("ann@acme.example");
  const OpenedSession opened = sessions.open(user, from).value();
  const auto found = sessions.find(opened.text.reveal()).value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->user, user.id);
  EXPECT_EQ(found->account, account);
  EXPECT_EQ(found->client, "Mozilla/5.0? (X11)");
  EXPECT_EQ(found->password_mark, password_mark(user));
  clock.advance(kBrowserSessionLifetime - hours(1));
  EXPECT_TRUE(sessions.find(opened.text.reveal()).value());
  clock.advance(hours(1));
  EXPECT_FALSE(sessions.find(opened.text.reveal()).value());
}

TEST_F(BrowserSessionTest, IsNoneForAnotherSecretOrNone) {
  const OpenedSession one = sessions.open(make_user("ann@acme.example"), from).value();
  const OpenedSession two = sessions.open(make_user("bob@acme.example"), from).value();
  const std::string text(one.text.reveal());
  const std::string other(two.text.reveal());
  const std::size_t dot = text.find('.');
  std::string changed = text;
  changed.back() = changed.back() == '0' ? '1' : '0';
  for (const std::string& guess : {std::string(), std::string("."), text.substr(0, dot), text.substr(0, dot + 1), changed,
                                   text.substr(0, dot) + other.substr(dot), text + "0"}) {
    EXPECT_FALSE(sessions.find(guess).value()) << guess;
  }
}

TEST_F(BrowserSessionTest, LeavesNothingInTheStoreThatSignsIn) {
  const OpenedSession opened = sessions.open(make_user("ann@acme.example"), from).value();
  const std::string secret(opened.text.reveal().substr(opened.text.reveal().find('.') + 1));
  const auto record = directory().find_session(opened.record.id).value();
  ASSERT_TRUE(record);
  EXPECT_EQ(std::string(record->digest.begin(), record->digest.end()).find(secret), std::string::npos);
  EXPECT_NE(format_hex(record->digest), secret);
}

TEST_F(BrowserSessionTest, EndsAtSignOutAndWithAnotherPassword) {
  const store::UserRecord user = make_user("ann@acme.example");
  const OpenedSession left = sessions.open(user, from).value();
  const OpenedSession stays = sessions.open(user, from).value();
  sessions.end(left.record.id).value();
  EXPECT_FALSE(sessions.find(left.text.reveal()).value());
  EXPECT_TRUE(sessions.find(stays.text.reveal()).value());
  EXPECT_EQ(sessions.end(left.record.id).error().code(), ErrorCode::NotFound);
  const OpenedSession others = sessions.open(make_user("bob@acme.example"), from).value();
  users.set_password(user.id, Secret("another horse battery")).value();
  EXPECT_FALSE(sessions.find(stays.text.reveal()).value());
  EXPECT_TRUE(sessions.find(others.text.reveal()).value());
  EXPECT_EQ(count_of(user), 0U);
}

TEST_F(BrowserSessionTest, IsListedToItsOwnUserOrKeyTheNewestFirst) {
  const store::UserRecord user = make_user("ann@acme.example");
  const OpenedSession first = sessions.open(user, from).value();
  clock.advance(hours(1));
  const OpenedSession second = sessions.open(user, from).value();
  const KeyId key = make_key().record.id;
  const OpenedSession of_key = sessions.open(account, key, from).value();
  EXPECT_EQ(sessions.list_of(account, user.id, {}).value(), (std::vector{second.record, first.record}));
  EXPECT_EQ(sessions.list_of(account, {}, key).value(), std::vector{of_key.record});
}

TEST_F(BrowserSessionTest, OperatorsAreMadeOnPurpose) {
  EXPECT_FALSE(make_user("ann@acme.example").is_operator);
  const auto made = users.create(account, "root@acme.example", Secret("correct horse battery"), UserAdmin::Role::Operator).value();
  EXPECT_TRUE(made.is_operator);
  EXPECT_TRUE(directory().find_user(made.id).value()->is_operator);
  users.set_role(made.id, UserAdmin::Role::Member).value();
  EXPECT_FALSE(directory().find_user(made.id).value()->is_operator);
}

}  // namespace
}  // namespace postern::auth
