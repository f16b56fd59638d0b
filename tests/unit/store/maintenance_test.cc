#include "store/maintenance.h"

#include "store/actor.h"
#include "store/leftovers.h"
#include "tests/support/temp_store.h"

namespace postern::store {
namespace {

class MaintenanceTest : public ::testing::Test {
 protected:
  MessageId accept_captured() {
    const MessageId id = make_message_id(clock_.now(), random_);
    test::Draft draft = test::make_draft(id, clock_.now(), {"a.example"}, Environment::Test);
    draft.delivery.content_until = clock_.now() + std::chrono::days(3);
    draft.delivery.due.reset();
    draft.delivery.recipients[0].stage = RecipientStage::Delivered;
    EXPECT_TRUE(test::commit_draft(store_.spool(), std::move(draft), "x\r\n"));
    return id;
  }
  test::TempStore store_;
  test::FakeClock clock_;
  test::FakeRandom random_;
};

TEST_F(MaintenanceTest, RemovesWhatHasOutlivedItsRetentionInSeveralSlices) {
  std::vector<MessageId> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(accept_captured());
  Maintenance maintenance(*store_, clock_, {.slice = 2});
  maintenance.sweep();
  EXPECT_TRUE(store_.spool().read_chunk(ids[0], 0)) << "still kept";
  clock_.advance(std::chrono::days(40));
  maintenance.sweep();
  EXPECT_EQ(store_.spool().usage().value().messages, 0U);
  EXPECT_EQ(store_.spool().usage().value().events, 0U);
}

TEST_F(MaintenanceTest, RemovesAllIdempotencyKeysThatHaveEndedThoughNothingElseHas) {
  for (std::uint8_t key = 1; key <= 5; ++key) {
    const test::Draft draft = test::make_draft(make_message_id(clock_.now(), random_), clock_.now(), {"a.example"});
    NewMessage message = draft.new_message();
    message.claim.emplace().key_digest.fill(key);
    test::Waiter waiter;
    store_.spool().commit(store_.spool().open_message(draft.message.id), std::move(message), waiter.completion());
    ASSERT_TRUE(waiter.get());
  }
  clock_.advance(kIdempotencyRetention + std::chrono::seconds(1));
  Maintenance maintenance(*store_, clock_, {.slice = 2});
  maintenance.sweep();
  EXPECT_EQ(store_.spool().remove_expired(clock_.now(), 100).value().idempotency, 0U) << "left over by one sweep";
}

TEST_F(MaintenanceTest, ForgetsSuppressionsWhoseTimeIsOver) {
  AccountRecord account;
  account.id = make_account_id(random_);
  account.name = "acme";
  const std::size_t count = 12'000;  // more than two rounds look at
  store_.directory().write([&](DirectoryWriter& writer) -> Result<void> {
    if (Result<void> put = writer.put_account(account); !put) return put;
    for (std::size_t i = 0; i < count; ++i) {
      SuppressionRecord suppression;
      suppression.address = std::to_string(i) + "@x.example";
      if (i % 1'000 == 0) suppression.until = clock_.now() + std::chrono::days(i == 0 ? 30 : 3);
      if (Result<void> put = writer.put_suppression(account.id, suppression); !put) return put;
    }
    return {};
  }).value();
  Maintenance maintenance(*store_, clock_, {});
  const auto listed = [&] { return store_.directory().list_suppressions(account.id, "", 2 * count).value().size(); };
  const auto sweep_all = [&] {
    for (int round = 0; round < 4; ++round) maintenance.sweep();
  };
  sweep_all();
  EXPECT_EQ(listed(), count) << "all are in force";
  clock_.advance(std::chrono::days(3));
  sweep_all();
  EXPECT_EQ(listed(), count - 11);
  EXPECT_TRUE(store_.directory().find_suppression(account.id, "0@x.example").value().has_value());
  EXPECT_FALSE(store_.directory().find_suppression(account.id, "11000@x.example").value().has_value());
}

TEST_F(MaintenanceTest, GoesOnWithWhatARemovedAccountLeft) {
  AccountRecord account;
  account.id = make_account_id(random_);
  account.name = "large";
  store_.directory().write([&](DirectoryWriter& writer) -> Result<void> {
    if (Result<void> put = writer.put_account(account); !put) return put;
    for (std::size_t i = 0; i < 3 * kLeftoverSlice; ++i) {
      SuppressionRecord suppression;
      suppression.address = std::to_string(i) + "@x.example";
      if (Result<void> put = writer.put_suppression(account.id, suppression); !put) return put;
    }
    return writer.remove_account(account.id);
  }).value();
  EXPECT_FALSE(store_.directory().list_suppressions(account.id, "", 1).value().empty()) << "one commit erases a slice";
  Maintenance(*store_, clock_, {}).sweep();
  EXPECT_TRUE(store_.directory().list_suppressions(account.id, "", 1).value().empty());
}

TEST_F(MaintenanceTest, ForgetsStatisticsAndTheAuditTrailInTheirTime) {
  using std::chrono::days;
  AccountRecord account;
  account.id = make_account_id(random_);
  account.name = "acme";
  const ActorScope acting({.kind = ActorKind::CommandLine, .at = clock_.now()});
  store_.directory().write([&](DirectoryWriter& writer) { return writer.put_account(account); }).value();
  store_->tally().count_accepted({account.id, Environment::Live}, {}, {"example.net"}, clock_.now());
  for (const Tally::Counted& counted : store_->tally().take()) {
    store_.directory().write([&](DirectoryWriter& writer) { return writer.add_stats(counted.account, counted.row); }).value();
  }
  const Instant began = clock_.now() - days(1);
  const auto rows = [&](StatsWidth width) {
    return store_.directory().list_stats(account.id, width, Environment::Live, began, clock_.now() + days(1)).value().size();
  };
  const auto entries = [&] { return store_.directory().list_audit(account.id, {}, 10).value().size(); };
  Maintenance maintenance(*store_, clock_, {});
  maintenance.sweep();
  EXPECT_EQ(rows(StatsWidth::Hour), 1U);
  EXPECT_EQ(rows(StatsWidth::Day), 1U);
  EXPECT_EQ(entries(), 1U);
  clock_.advance(days(33));
  maintenance.sweep();
  EXPECT_EQ(rows(StatsWidth::Hour), 0U);
  EXPECT_EQ(rows(StatsWidth::Day), 1U);
  clock_.advance(days(368));
  maintenance.sweep();
  EXPECT_EQ(rows(StatsWidth::Day), 0U);
  EXPECT_EQ(entries(), 0U);
}

TEST_F(MaintenanceTest, StopsWhileItWaitsForItsNextRound) {
  Maintenance maintenance(*store_, clock_, {.interval = std::chrono::hours(1)});
  maintenance.start();
  maintenance.stop();
  EXPECT_EQ(store_.spool().usage().value().messages, 0U);
}

}  // namespace
}  // namespace postern::store
