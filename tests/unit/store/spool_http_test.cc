// What the HTTP service asks of the spool: idempotency keys, an account's own messages and events.
#include "store/spool.h"
#include "tests/support/temp_store.h"

#include <gtest/gtest.h>

namespace postern::store {
namespace {

using test::commit_draft;
using test::Draft;
using test::make_draft;
using test::TempStore;
using test::Waiter;

class SpoolHttpTest : public testing::Test {
 protected:
  Draft draft_for(const AccountId& account) {
    clock_.advance(std::chrono::seconds(1));
    Draft draft = make_draft(make_message_id(clock_.now(), random_), clock_.now(), {"a.example"});
    draft.message.account = account;
    draft.events.front().account = account;
    return draft;
  }
  Result<void> claim(const Draft& draft, std::uint8_t key, std::uint8_t content) {
    NewMessage message = draft.new_message();
    message.claim.emplace();
    message.claim->key_digest.fill(key);
    message.claim->fingerprint.fill(content);
    std::unique_ptr<MessageWriter> writer = store_.spool().open_message(draft.message.id);
    writer->append("content");
    Waiter waiter;
    store_.spool().commit(std::move(writer), std::move(message), waiter.completion());
    return waiter.get();
  }
  std::optional<IdempotencyRecord> find(const AccountId& account, std::uint8_t key) {
    std::array<std::uint8_t, 32> digest{};
    digest.fill(key);
    return store_.spool().find_idempotent(account, digest, clock_.now()).value();
  }
  std::vector<std::string> findings() { return store_.spool().examine().value(); }

  test::FakeClock clock_;
  test::FakeRandom random_;
  TempStore store_;
  AccountId acme_ = make_account_id(random_);
  AccountId other_ = make_account_id(random_);
};

TEST_F(SpoolHttpTest, TakesOneOfTwoMessagesWithTheSameIdempotencyKey) {
  const Draft first = draft_for(acme_);
  const Draft second = draft_for(acme_);
  ASSERT_TRUE(claim(first, 1, 7));
  EXPECT_EQ(claim(second, 1, 7).error().code(), ErrorCode::AlreadyExists);
  EXPECT_EQ(claim(second, 1, 8).error().code(), ErrorCode::Conflict);
  EXPECT_EQ(store_.spool().find(second.message.id).value().has_value(), false);
  EXPECT_EQ(find(acme_, 1)->message, first.message.id);
  EXPECT_EQ(find(other_, 1), std::nullopt);
  EXPECT_TRUE(claim(draft_for(other_), 1, 8));
  EXPECT_EQ(findings(), std::vector<std::string>());
}

TEST_F(SpoolHttpTest, FreesAnIdempotencyKeyWhenItsRetentionEnds) {
  ASSERT_TRUE(claim(draft_for(acme_), 1, 7));
  clock_.advance(kIdempotencyRetention);
  EXPECT_EQ(find(acme_, 1), std::nullopt);
  const Draft next = draft_for(acme_);
  ASSERT_TRUE(claim(next, 1, 8));
  EXPECT_EQ(find(acme_, 1)->message, next.message.id);
  clock_.advance(2 * kIdempotencyRetention);
  EXPECT_EQ(store_.spool().remove_expired(clock_.now(), 100).value().idempotency, 1U);
  EXPECT_EQ(findings(), std::vector<std::string>());
}

TEST_F(SpoolHttpTest, ListsAnAccountsMessagesInBothDirectionsAndNobodyElses) {
  std::vector<MessageId> ids;
  for (int i = 0; i < 4; ++i) {
    const Draft draft = draft_for(acme_);
    ASSERT_TRUE(commit_draft(store_.spool(), draft, "content"));
    ids.push_back(draft.message.id);
    ASSERT_TRUE(commit_draft(store_.spool(), draft_for(other_), "content"));
  }
  const std::vector<StoredMessage> newest = store_.spool().list_of(acme_, std::nullopt, 3).value();
  ASSERT_EQ(newest.size(), 3U);
  EXPECT_EQ(newest[0].message.id, ids[3]);
  const std::vector<StoredMessage> older = store_.spool().list_of(acme_, newest[2].message.id, 3).value();
  ASSERT_EQ(older.size(), 1U);
  EXPECT_EQ(older[0].message.id, ids[0]);
  const std::vector<StoredMessage> newer = store_.spool().list_newer_of(acme_, ids[1], 5).value();
  ASSERT_EQ(newer.size(), 2U);
  EXPECT_EQ(newer[0].message.id, ids[2]);
}

TEST_F(SpoolHttpTest, ListsAnAccountsEventsInBothDirections) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(commit_draft(store_.spool(), draft_for(acme_), "content"));
    ASSERT_TRUE(commit_draft(store_.spool(), draft_for(other_), "content"));
  }
  const std::vector<Event> newest = store_.spool().events_of_account_before(acme_, std::nullopt, 2).value();
  ASSERT_EQ(newest.size(), 2U);
  EXPECT_EQ(newest[0].sequence, 5U);
  EXPECT_EQ(newest[1].sequence, 3U);
  EXPECT_EQ(store_.spool().events_of_account_before(acme_, 3, 2).value().front().sequence, 1U);
  EXPECT_EQ(store_.spool().events_of_account_after(acme_, 1, 2).value().front().sequence, 3U);
  EXPECT_EQ(store_.spool().find_event(4).value()->account, other_);
  EXPECT_EQ(store_.spool().find_event(99).value().has_value(), false);
  EXPECT_EQ(store_.spool().last_sequence().value(), 6U);
}

TEST_F(SpoolHttpTest, ListsNoNotificationWithTheAccountItIsAbout) {
  Draft notification = draft_for(acme_);
  notification.message.origin = MessageOrigin::Notification;
  notification.events.front().account = AccountId{};
  ASSERT_TRUE(commit_draft(store_.spool(), notification, "content"));
  EXPECT_TRUE(store_.spool().list_of(acme_, std::nullopt, 5).value().empty());
  EXPECT_TRUE(store_.spool().events_of_account_after(acme_, 0, 5).value().empty());
  EXPECT_EQ(store_.spool().events_of(notification.message.id).value().size(), 1U);
  EXPECT_EQ(findings(), std::vector<std::string>());
}

TEST_F(SpoolHttpTest, RecordsAnEventThatBelongsToNoMessage) {
  Event event;
  event.at = clock_.now();
  event.type = EventType::WebhookDisabled;
  event.account = acme_;
  event.detail = "whk_1";
  Waiter waiter;
  store_.spool().record_event(event, waiter.completion());
  ASSERT_TRUE(waiter.get());
  EXPECT_EQ(store_.spool().events_of_account_after(acme_, 0, 10).value().size(), 1U);
  EXPECT_EQ(findings(), std::vector<std::string>());
}

}  // namespace
}  // namespace postern::store
