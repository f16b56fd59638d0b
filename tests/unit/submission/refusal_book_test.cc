#include "submission/refusal_book.h"

#include "submission/transaction.h"
#include "tests/support/submission_parts.h"

#include <gtest/gtest.h>

namespace postern::submission {
namespace {

using std::chrono::days;

class RefusalBookTest : public ::testing::Test {
 protected:
  RefusedMail refused(std::string token, std::string to = "b@example.net") {
    return {.at = now_, .environment = Environment::Test, .key = key_, .token = std::move(token), .words = "no",
            .from = "a@example.org", .to = std::move(to), .peer = "192.0.2.7", .client = "host"};
  }
  std::vector<std::string> tokens(RefusalBook& book, const AccountId& account) {
    std::vector<std::string> found;
    for (const RefusedMail& one : book.list(account, now_)) found.push_back(one.token);
    return found;
  }

  test::FakeRandom random_;
  Instant now_ = test::FakeClock().now();
  AccountId account_ = make_account_id(random_);
  KeyId key_ = make_key_id(random_);
  RefusalBook book_;
};

TEST_F(RefusalBookTest, HasTheNewestFirstAndEachAccountItsOwn) {
  book_.add(account_, refused("one"));
  book_.add(account_, refused("two"));
  EXPECT_EQ(tokens(book_, account_), (std::vector<std::string>{"two", "one"}));
  EXPECT_TRUE(tokens(book_, make_account_id(random_)).empty());
}

TEST_F(RefusalBookTest, IsBoundedByNumberAgeAndOctets) {
  for (std::size_t i = 0; i < kMaxRefusalsOfAccount + 3; ++i) book_.add(account_, refused(std::to_string(i)));
  EXPECT_EQ(tokens(book_, account_).size(), kMaxRefusalsOfAccount);
  EXPECT_EQ(tokens(book_, account_).back(), "3");
  now_ += kRefusalsKept + days(1);
  EXPECT_TRUE(tokens(book_, account_).empty());
  book_.add(account_, refused("new"));
  EXPECT_EQ(tokens(book_, account_).size(), 1U);
  for (std::size_t i = 0; i < kMaxRefusalsOfAccount; ++i) book_.add(account_, refused("long", std::string(10'000, 'x')));
  std::size_t octets = 0;
  for (const RefusedMail& one : book_.list(account_, now_)) octets += one.to.size();
  EXPECT_LE(octets, kMaxRefusalOctetsOfAccount);
  EXPECT_LE(book_.list(account_, now_).front().to.size(), kMaxRefusalWords + 3);
}

TEST_F(RefusalBookTest, ForgetsTheAccountWhoseLastOneIsOldestAndSaysSo) {
  book_.add(account_, refused("first"));
  book_.take_unsaved();
  for (std::size_t i = 0; i < kMaxAccountsWithRefusals; ++i) book_.add(make_account_id(random_), refused("x"));
  EXPECT_TRUE(tokens(book_, account_).empty());
  const auto pages = book_.take_unsaved();
  ASSERT_EQ(pages.size(), kMaxAccountsWithRefusals + 1);
  EXPECT_EQ(pages.front().first, account_);
  EXPECT_FALSE(pages.front().second.has_value());
}

TEST_F(RefusalBookTest, IsTheSameAfterItWasKeptAsText) {
  book_.add(account_, refused("one", "tab\there\nline"));
  book_.add(account_, refused("two", ""));
  const auto pages = book_.take_unsaved();
  ASSERT_EQ(pages.size(), 1U);
  EXPECT_TRUE(book_.take_unsaved().empty()) << "nothing changed since";
  RefusalBook again;
  again.restore(account_, "not a refusal\n1\t2\n" + *pages[0].second);
  const auto listed = again.list(account_, now_);
  ASSERT_EQ(listed.size(), 2U);
  EXPECT_EQ(listed[1].to, "tab\\x09here\\x0aline");
  EXPECT_EQ(listed[0].to, "");
  EXPECT_EQ(listed[0].client, "host");
  EXPECT_EQ(listed[0].key, key_);
  EXPECT_EQ(listed[0].environment, Environment::Test);
  again.add(account_, refused("three"));
  EXPECT_GT(again.list(account_, now_).front().number, listed[0].number);
}

TEST_F(RefusalBookTest, GetsWhatATransactionRefuses) {
  test::SubmissionParts parts;
  parts.context.refusals = &book_;
  parts.use_account(AccountMode::Sandbox);
  parts.use_key(Environment::Live);
  Transaction transaction(parts.context, parts.submitter);
  ASSERT_TRUE(transaction.judge_sender(Mailbox{"a", "example.org"}).is_accepted());
  EXPECT_FALSE(transaction.judge_recipient(test::recipient_at("b", "example.net")).is_accepted());
  const auto listed = book_.list(parts.account, parts.clock.now());
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].token, "recipient_not_whitelisted");
  EXPECT_EQ(listed[0].from, "a@example.org");
  EXPECT_EQ(listed[0].to, "b@example.net");
  EXPECT_EQ(listed[0].key, parts.submitter.key);
  EXPECT_EQ(listed[0].peer, "192.0.2.7");
}

}  // namespace
}  // namespace postern::submission
