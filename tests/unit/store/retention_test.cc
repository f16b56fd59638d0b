// Shares of what is kept: one account's flood takes nothing from another's history.
#include "store/retention.h"

#include "store/due_index.h"
#include "store/schema.h"
#include "store/tables.h"
#include "tests/support/temp_store.h"

#include <gtest/gtest.h>

#include <vector>

namespace postern::store {
namespace {

using test::TempStore;

AccountId account_number(std::uint8_t number) {
  AccountId id;
  id.octets[0] = number;
  return id;
}

TEST(FairShare, IsWhatLeavesTheSmallOnesAllTheyHave) {
  const auto of = [](std::vector<std::uint64_t> held, std::uint64_t total) {
    Holdings holdings;
    for (std::uint8_t i = 0; i < held.size(); ++i) holdings[account_number(i)] = held[i];
    return fair_share(holdings, total);
  };
  EXPECT_EQ(of({}, 10), ~std::uint64_t{0});
  EXPECT_EQ(of({3, 4}, 10), ~std::uint64_t{0}) << "all may stay";
  EXPECT_EQ(of({12}, 10), 10U);
  EXPECT_EQ(of({1, 100}, 10), 9U);
  EXPECT_EQ(of({1, 100, 200}, 11), 5U);
  EXPECT_EQ(of({50, 50}, 0), 0U);
}

class RetentionTest : public testing::Test {
 protected:
  MessageId next_id() {
    clock_.advance(Duration(1));
    return make_message_id(clock_.now(), random_);
  }
  // Stores, and settles at once.
  MessageId finish(TempStore& store, const AccountId& account, Environment environment,
                   std::optional<IdempotencyClaim> claim = {}) {
    test::Draft draft = test::make_draft(next_id(), clock_.now(), {"a.example"}, environment);
    draft.message.account = account;
    draft.events[0].account = account;
    auto writer = store.spool().open_message(draft.message.id);
    writer->append("ten octets");
    test::Waiter waiter;
    NewMessage message = draft.new_message();
    message.claim = claim;
    store.spool().commit(std::move(writer), std::move(message), waiter.completion());
    waiter.get().value();
    Settlement settlement;
    settlement.id = draft.message.id;
    settlement.changes.emplace_back().state.stage = RecipientStage::Delivered;
    Event& event = settlement.events.emplace_back();
    event.message = draft.message.id;
    event.account = account;
    event.at = clock_.now();
    test::Waiter settled;
    store.spool().settle(std::move(settlement), settled.completion());
    settled.get().value();
    return draft.message.id;
  }
  Expiry sweep(TempStore& store) {
    Expiry total;
    for (;;) {
      const Expiry expiry = store.spool().remove_expired(clock_.now(), 3).value();
      total.contents += expiry.contents;
      total.messages += expiry.messages;
      total.events += expiry.events;
      total.idempotency += expiry.idempotency;
      if (expiry.contents + expiry.messages + expiry.events + expiry.idempotency == 0) break;
    }
    EXPECT_EQ(store.spool().examine().value(), std::vector<std::string>());
    return total;
  }
  static bool is_there(TempStore& store, const MessageId& id) { return store.spool().find(id).value().has_value(); }

  const AccountId quiet_ = account_number(1);
  const AccountId loud_ = account_number(2);
  test::FakeClock clock_;
  test::FakeRandom random_;
};

TEST_F(RetentionTest, TakesRecordsFromWhoHasMoreThanItsShareTestBeforeLive) {
  SpoolLimits limits = test::small_limits();
  limits.settled_max_messages = 10;
  TempStore store(limits);
  const MessageId history = finish(store, quiet_, Environment::Live);
  const MessageId loud_live = finish(store, loud_, Environment::Live);
  std::vector<MessageId> tests;
  for (int i = 0; i < 20; ++i) tests.push_back(finish(store, loud_, Environment::Test));
  EXPECT_EQ(sweep(store).messages, 12U);
  EXPECT_TRUE(is_there(store, history)) << "the oldest of all, and another account's";
  EXPECT_TRUE(is_there(store, loud_live)) << "test mail goes first";
  EXPECT_FALSE(is_there(store, tests[11]));
  EXPECT_TRUE(is_there(store, tests[12])) << "the newest stay";
}

TEST_F(RetentionTest, TakesCapturesAndEventsFromWhoHasMoreThanItsShare) {
  SpoolLimits limits = test::small_limits();
  limits.capture_max_octets = 30;
  limits.event_max_count = 9;
  TempStore store(limits);
  const MessageId history = finish(store, quiet_, Environment::Test);
  for (int i = 0; i < 9; ++i) finish(store, loud_, Environment::Test);
  const Expiry expiry = sweep(store);
  EXPECT_EQ(expiry.contents, 8U);
  EXPECT_EQ(expiry.events, 11U);
  EXPECT_TRUE(store.spool().read_chunk(history, 0));
  EXPECT_EQ(store.spool().events_of(history).value().size(), 2U);
}

TEST_F(RetentionTest, NeverTakesAClaimForAnothersSake) {
  SpoolLimits limits = test::small_limits();
  limits.idempotency_max_count = 5;
  TempStore store(limits);
  const IdempotencyClaim first{.key_digest = {1}, .fingerprint = {1}};
  const MessageId mine = finish(store, quiet_, Environment::Live, first);
  for (std::uint8_t i = 0; i < 20; ++i) {
    finish(store, loud_, Environment::Live, IdempotencyClaim{.key_digest = {2, i}, .fingerprint = {1}});
  }
  EXPECT_EQ(sweep(store).idempotency, 16U);
  const auto found = store.spool().find_idempotent(quiet_, first.key_digest, clock_.now()).value();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->message, mine);
  clock_.advance(kIdempotencyRetention);
  EXPECT_EQ(sweep(store).idempotency, 5U) << "after their day all go";
}

// Rows of before they named an account.
TEST_F(RetentionTest, LooksUpWhoseAnOldRowIs) {
  SpoolLimits limits = test::small_limits();
  limits.settled_max_messages = 2;
  limits.capture_max_octets = 30;
  TempStore store(limits);
  const MessageId history = finish(store, quiet_, Environment::Test);
  for (int i = 0; i < 3; ++i) finish(store, loud_, Environment::Test);
  store.close();
  {
    const auto environment = LmdbEnvironment::open({.folder = store.folder() / "spool",
                                                    .map_octets = std::size_t{1} << 38,
                                                    .tables = kSpoolTables})
                                 .value();
    WriteTransaction writer(*environment);
    ASSERT_EQ(writer.begin(), 0);
    for (const auto& [table, size] : {std::pair(SpoolTable::Settled, 0U), std::pair(SpoolTable::Captured, 8U)}) {
      std::vector<std::pair<std::string, std::string>> rows;
      {
        Cursor cursor(Table(writer, table));
        for (bool found = cursor.first(); found; found = cursor.next()) {
          rows.emplace_back(cursor.key(), cursor.value().substr(0, size));
        }
      }
      ASSERT_EQ(rows.size(), 4U);
      for (const auto& [key, value] : rows) ASSERT_TRUE(WritableTable(writer, table).put(key, value));
    }
    ASSERT_EQ(writer.commit(), 0);
  }
  store.open();
  const Expiry expiry = sweep(store);
  EXPECT_EQ(expiry.contents, 2U);
  EXPECT_EQ(expiry.messages, 2U);
  EXPECT_TRUE(is_there(store, history));
  EXPECT_TRUE(store.spool().read_chunk(history, 0));
}

}  // namespace
}  // namespace postern::store
