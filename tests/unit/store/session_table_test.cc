#include "store/directory.h"
#include "tests/support/temp_store.h"

#include <gtest/gtest.h>

namespace postern::store {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

class SessionTableTest : public testing::Test {
 protected:
  AccountId make_account(const std::string& name) {
    AccountRecord account;
    account.id = make_account_id(random_);
    account.name = name;
    directory_.write([&](DirectoryWriter& writer) { return writer.put_account(account); }).value();
    return account.id;
  }
  SessionRecord make_session(const AccountId& account, const UserId& user) {
    clock_.advance(seconds(1));
    SessionRecord session;
    random_.fill(session.id.octets);
    session.account = account;
    session.user = user;
    session.opened = clock_.now();
    session.expires_at = clock_.now() + hours(12);
    return session;
  }
  SessionRecord put_new(const AccountId& account, const UserId& user) {
    SessionRecord session = make_session(account, user);
    directory_.write([&](DirectoryWriter& writer) { return writer.put_session(session); }).value();
    return session;
  }

  test::FakeClock clock_;
  test::FakeRandom random_;
  test::TempStore store_;
  Directory& directory_ = store_.directory();
};

TEST(SessionIds, AreReadAsTheyAreWritten) {
  SessionId id;
  id.octets.fill(7);
  EXPECT_EQ(parse_session_id(format_id(id)), id);
  for (const char* text : {"", "ses_", "ses_0000", "usr_0s3g0s3g0s3g0s3g", "ses_0s3g0s3g0s3g0s3g0", "ses_zzzzzzzzzzzzzzzz"}) {
    EXPECT_FALSE(parse_session_id(text)) << text;
  }
}

TEST_F(SessionTableTest, FindsASessionByIdAndByAccount) {
  const AccountId account = make_account("acme");
  const SessionRecord session = put_new(account, make_user_id(random_));
  EXPECT_EQ(directory_.find_session(session.id).value(), session);
  EXPECT_EQ(directory_.list_sessions(account).value(), std::vector{session});
  EXPECT_TRUE(directory_.list_sessions(make_account("other")).value().empty());
  directory_.write([&](DirectoryWriter& writer) { return writer.remove_session(session.id); }).value();
  EXPECT_EQ(directory_.find_session(session.id).value(), std::nullopt);
  EXPECT_EQ(directory_.examine().value(), std::vector<std::string>{});
}

TEST_F(SessionTableTest, EndsTheOldestOfWhoHasTooManyAndThoseThatAreOver) {
  const AccountId account = make_account("acme");
  const UserId user = make_user_id(random_);
  const SessionRecord others = put_new(account, make_user_id(random_));
  const SessionRecord first = put_new(account, user);
  for (std::size_t i = 1; i < kMaxSessionsOfOne; ++i) put_new(account, user);
  EXPECT_TRUE(directory_.find_session(first.id).value());
  put_new(account, user);
  EXPECT_FALSE(directory_.find_session(first.id).value());
  EXPECT_TRUE(directory_.find_session(others.id).value());
  clock_.advance(hours(13));
  const SessionRecord last = put_new(account, user);
  EXPECT_EQ(directory_.list_sessions(account).value(), std::vector{last});
}

TEST_F(SessionTableTest, GoesWithItsAccount) {
  const AccountId account = make_account("acme");
  const SessionRecord session = put_new(account, make_user_id(random_));
  directory_.write([&](DirectoryWriter& writer) { return writer.remove_account(account); }).value();
  EXPECT_FALSE(directory_.find_session(session.id).value());
  const SessionRecord lost = make_session(account, make_user_id(random_));
  const auto put = directory_.write([&](DirectoryWriter& writer) { return writer.put_session(lost); });
  EXPECT_EQ(put.error().code(), ErrorCode::NotFound);
}

}  // namespace
}  // namespace postern::store
