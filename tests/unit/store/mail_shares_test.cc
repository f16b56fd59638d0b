// Room by account: what arrives, and test mail. The bounds as tables, and both at a spool of 1 MiB.
#include "store/mail_shares.h"

#include "tests/support/temp_store.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace postern::store {
namespace {

using test::TempStore;

AccountId share_holder(std::uint8_t number) {
  AccountId id;
  id.octets[0] = number;
  return id;
}

TEST(OpenContent, IsBoundedByAccountAndInAll) {
  OpenContent open(800);
  EXPECT_TRUE(open.add(share_holder(1), 0, 100));
  EXPECT_FALSE(open.add(share_holder(1), 0, 1)) << "an eighth for one account";
  EXPECT_TRUE(open.add(share_holder(1), 100, 20)) << "but for a message that is alone";
  open.remove(share_holder(1), 20);
  EXPECT_TRUE(open.add(share_holder(2), 0, 60));
  EXPECT_FALSE(open.add(share_holder(3), 0, 41)) << "a quarter for all";
  EXPECT_TRUE(open.add(share_holder(3), 0, 40));
  open.remove(share_holder(1), 100);
  EXPECT_TRUE(open.add(share_holder(4), 0, 100));
}

TEST(TestMail, IsBoundedByAccountAndInAllAndCountsTheBatch) {
  TestMail mail(400);
  mail.begin_batch();
  EXPECT_TRUE(mail.check(share_holder(1), 100));
  mail.add(share_holder(1), 100);
  EXPECT_FALSE(mail.check(share_holder(1), 1)) << "a quarter for one account";
  mail.commit_batch();
  mail.begin_batch();
  EXPECT_FALSE(mail.check(share_holder(1), 1));
  mail.add(share_holder(2), 60);
  EXPECT_FALSE(mail.check(share_holder(3), 41)) << "half for all";
  mail.begin_batch();  // the one before was not committed
  EXPECT_TRUE(mail.check(share_holder(3), 100));
  mail.remove(share_holder(1), 40);
  mail.commit_batch();
  mail.begin_batch();
  EXPECT_TRUE(mail.check(share_holder(1), 40));
}

class MailSharesTest : public testing::Test {
 protected:
  static SpoolLimits limits() {
    SpoolLimits limits = test::small_limits();
    limits.max_octets = 16U << 20;
    return limits;
  }
  MessageId next_id() {
    clock_.advance(Duration(1));
    return make_message_id(clock_.now(), random_);
  }
  std::unique_ptr<MessageWriter> open(const AccountId& account, std::size_t octets) {
    auto writer = store_.spool().open_message(next_id(), account);
    const std::string content(octets, 'x');
    // As a session does: what does not fit is waited for.
    if (!writer->append(content)) {
      test::Waiter waiter;
      writer->drain(waiter.completion());
      (void)waiter.get();
    }
    return writer;
  }
  Result<void> commit(std::unique_ptr<MessageWriter> writer, const AccountId& account, Environment environment) {
    test::Draft draft = test::make_draft(writer->id(), clock_.now(), {"a.example"}, environment);
    draft.message.account = account;
    test::Waiter waiter;
    store_.spool().commit(std::move(writer), draft.new_message(), waiter.completion());
    return waiter.get();
  }

  const AccountId loud_ = share_holder(1);
  const AccountId quiet_ = share_holder(2);
  test::FakeClock clock_;
  test::FakeRandom random_;
  TempStore store_{limits()};
};

TEST_F(MailSharesTest, LetFortyTricklingTransactionsOfOneAccountRefuseNobodyElse) {
  std::vector<std::unique_ptr<MessageWriter>> trickling;
  for (int i = 0; i < 40; ++i) trickling.push_back(open(loud_, 1U << 20));
  EXPECT_TRUE(store_.spool().can_accept());
  EXPECT_TRUE(commit(open(quiet_, 1U << 20), quiet_, Environment::Live));
  std::size_t stored = 0;
  for (auto& writer : trickling) stored += commit(std::move(writer), loud_, Environment::Test) ? 1 : 0;
  EXPECT_GE(stored, 1U);
  EXPECT_LE(stored, 2U) << "an eighth of 16 MiB";
  EXPECT_TRUE(commit(open(quiet_, 1U << 20), quiet_, Environment::Live));
  EXPECT_EQ(store_.spool().examine().value(), std::vector<std::string>());
}

TEST_F(MailSharesTest, LetTestMailGiveWayFirst) {
  std::size_t stored = 0;
  while (commit(open(loud_, 200'000), loud_, Environment::Test)) ++stored;
  EXPECT_GE(stored, 15U);
  EXPECT_LE(stored, 21U) << "a quarter of 16 MiB";
  EXPECT_TRUE(commit(open(quiet_, 200'000), quiet_, Environment::Test)) << "another account's";
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(commit(open(loud_, 200'000), loud_, Environment::Live)) << "live mail has room";
}

TEST_F(MailSharesTest, AreCountedAgainAfterARestart) {
  std::vector<MessageId> ids;
  for (;;) {
    auto writer = open(loud_, 200'000);
    const MessageId id = writer->id();
    if (!commit(std::move(writer), loud_, Environment::Test)) break;
    ids.push_back(id);
  }
  store_.reopen();
  EXPECT_EQ(commit(open(loud_, 200'000), loud_, Environment::Test).error().code(), ErrorCode::StorageFull) << "while queued";
  ASSERT_EQ(store_.spool().remove_messages(std::span(ids).first(1)).value(), 1U);
  EXPECT_TRUE(commit(open(loud_, 200'000), loud_, Environment::Test)) << "what is removed counts no more";
  ids.erase(ids.begin());
  for (const MessageId& id : ids) {
    Settlement settlement;
    settlement.id = id;
    settlement.changes.emplace_back().state.stage = RecipientStage::Delivered;
    test::Waiter waiter;
    store_.spool().settle(std::move(settlement), waiter.completion());
    ASSERT_TRUE(waiter.get());
  }
  store_.reopen();
  EXPECT_EQ(commit(open(loud_, 200'000), loud_, Environment::Test).error().code(), ErrorCode::StorageFull);
  clock_.advance(std::chrono::days(4));
  while (store_.spool().remove_expired(clock_.now(), 100).value().contents > 0) {
  }
  EXPECT_TRUE(commit(open(loud_, 200'000), loud_, Environment::Test)) << "after their retention";
  EXPECT_TRUE(store_.spool().examine().value().empty());
}

}  // namespace
}  // namespace postern::store
