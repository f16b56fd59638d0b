// The spool through its public face: accepting, due order, settling, what people ask, retention, streaming.
#include "store/spool.h"

#include "tests/support/temp_store.h"

#include <gtest/gtest.h>

namespace postern::store {
namespace {

using test::commit_draft;
using test::Draft;
using test::make_draft;
using test::read_content;
using test::TempStore;
using test::Waiter;

class SpoolTest : public testing::Test {
 protected:
  MessageId next_id() {
    clock_.advance(std::chrono::milliseconds(1));
    return make_message_id(clock_.now(), random_);
  }
  MessageId accept(TempStore& store, const std::string& content, Environment environment = Environment::Live,
                   const std::vector<std::string>& recipients = {"a.example"}) {
    const MessageId id = next_id();
    commit_draft(store.spool(), make_draft(id, clock_.now(), recipients, environment), content).value();
    return id;
  }
  Settlement settlement(const MessageId& id, std::uint32_t index, RecipientStage stage, Instant next = {}) {
    Settlement settlement;
    settlement.id = id;
    RecipientChange& change = settlement.changes.emplace_back();
    change.index = index;
    change.state.stage = stage;
    change.state.next_attempt = next;
    Event& event = settlement.events.emplace_back();
    event.at = clock_.now();
    event.message = id;
    event.type = EventType::RecipientDelivered;
    return settlement;
  }
  static Result<void> settle(TempStore& store, Settlement settlement) {
    Waiter waiter;
    store.spool().settle(std::move(settlement), waiter.completion());
    return waiter.get();
  }
  static std::vector<DueKey> due_in(TempStore& store, std::string_view lane) {
    return store.spool().due(lane, std::nullopt, Instant::max(), 100).value().keys;
  }
  static std::vector<std::string> findings(TempStore& store) { return store.spool().examine().value(); }

  test::FakeClock clock_;
  test::FakeRandom random_;
};

TEST_F(SpoolTest, KeepsWhatCameInForItsTimeAndListsItByAccount) {
  TempStore store;
  const AccountId account{{1, 2, 3}};
  std::vector<MessageId> ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(next_id());
    Draft draft = make_draft(ids.back(), clock_.now(), {"a.example"});
    draft.message.account = account;
    draft.message.origin = MessageOrigin::Inbound;
    draft.delivery = {
        .recipients = {{.stage = RecipientStage::Delivered, .attempts = 0, .next_attempt = {}, .last_status = {}, .remote = {}}},
        .due = {},
        .lane = {},
        .settled_at = clock_.now(),
        .content_until = clock_.now() + std::chrono::hours(1)};
    NewMessage message = draft.new_message();
    message.inbound = InboundRecord{.id = ids.back(),
                                    .account = account,
                                    .received_at = clock_.now(),
                                    .about = ids.front(),
                                    .from = "a",
                                    .recipients = {"to@a.example"},
                                    .kind = {},
                                    .findings = {}};
    auto writer = store.spool().open_message(ids.back(), account);
    writer->append("Subject: x\r\n\r\nbody\r\n");
    Waiter waiter;
    store.spool().commit(std::move(writer), std::move(message), waiter.completion());
    ASSERT_TRUE(waiter.get());
  }
  EXPECT_EQ(findings(store), std::vector<std::string>());
  EXPECT_EQ(read_content(store.spool(), store.spool().find(ids[1]).value()->message), "Subject: x\r\n\r\nbody\r\n");
  EXPECT_TRUE(store.spool().list_of(account, std::nullopt, 10).value().empty());
  const auto listed = store.spool().list_inbound(account, std::nullopt, 10).value();
  ASSERT_EQ(listed.size(), 3u);
  EXPECT_EQ(listed[0].id, ids[2]);
  EXPECT_EQ(listed[0].octets, 20u);
  EXPECT_EQ(store.spool().list_inbound(account, ids[1], 10).value().size(), 1u);
  EXPECT_TRUE(store.spool().list_inbound(AccountId{{9}}, std::nullopt, 10).value().empty());
  EXPECT_EQ(store.spool().unread_inbound(ids[0], 10).value().size(), 2u);

  InboundRecord read = listed[0];
  read.kind = "report";
  Waiter noted;
  store.spool().note_inbound(read, noted.completion());
  ASSERT_TRUE(noted.get());
  EXPECT_EQ(store.spool().unread_inbound(std::nullopt, 10).value().size(), 2u);
  EXPECT_EQ(store.spool().find_inbound(account, ids[2]).value()->kind, "report");

  // The content goes with its time, the record with that of settled messages.
  ASSERT_TRUE(store.spool().remove_expired(clock_.now() + std::chrono::hours(2), 100));
  EXPECT_FALSE(store.spool().read_chunk(ids[0], 0));
  EXPECT_EQ(store.spool().list_inbound(account, std::nullopt, 10).value().size(), 3u);
  ASSERT_TRUE(store.spool().remove_expired(clock_.now() + std::chrono::hours(24 * 400), 100));
  EXPECT_TRUE(store.spool().list_inbound(account, std::nullopt, 10).value().empty());
  EXPECT_TRUE(store.spool().unread_inbound(std::nullopt, 10).value().empty());
  EXPECT_EQ(findings(store), std::vector<std::string>());
}

TEST_F(SpoolTest, HoldsAMessageWholeAfterItsCompletion) {
  TempStore store;
  const MessageId id = accept(store, "Subject: hello\r\n\r\nbody\r\n");
  const StoredMessage stored = store.spool().find(id).value().value();
  EXPECT_EQ(stored.message.content_octets, 24U);
  EXPECT_EQ(stored.message.chunk_count, 1U);
  EXPECT_EQ(read_content(store.spool(), stored.message), "Subject: hello\r\n\r\nbody\r\n");
  EXPECT_EQ(store.spool().events_of(id).value().size(), 1U);
  EXPECT_EQ(findings(store), std::vector<std::string>());
}

TEST_F(SpoolTest, RemovesMessagesInTheStateThatTheyAreIn) {
  TempStore store;
  std::vector<MessageId> gone;
  for (int i = 0; i < 70; ++i) gone.push_back(accept(store, "queued", Environment::Test));
  const MessageId captured = accept(store, "captured", Environment::Test);
  settle(store, settlement(captured, 0, RecipientStage::Delivered)).value();
  gone.push_back(captured);
  const MessageId stays = accept(store, "stays", Environment::Test);
  gone.push_back(next_id());  // nobody's
  EXPECT_EQ(store.spool().remove_messages(gone).value(), 71U);
  EXPECT_EQ(store.spool().remove_messages(gone).value(), 0U);
  EXPECT_EQ(store.spool().usage().value().messages, 1U);
  EXPECT_EQ(store.spool().usage().value().queued, 1U);
  EXPECT_EQ(store.spool().usage().value().captured_octets, 0U);
  EXPECT_EQ(read_content(store.spool(), store.spool().find(stays).value().value().message), "stays");
  const Result<void> late = settle(store, settlement(gone[0], 0, RecipientStage::Delivered));
  EXPECT_EQ(late.error().code(), ErrorCode::NotFound) << "an attempt that was under way";
  EXPECT_EQ(findings(store), std::vector<std::string>());
}

TEST_F(SpoolTest, KeepsEverythingOverAReopening) {
  TempStore store;
  const MessageId id = accept(store, "content");
  store.reopen();
  EXPECT_EQ(read_content(store.spool(), store.spool().find(id).value().value().message), "content");
  EXPECT_EQ(due_in(store, "a.example"), (std::vector{DueKey{clock_.now(), id}}));
}

TEST_F(SpoolTest, StreamsALongMessageAndReadsItBackWhole) {
  TempStore store;
  std::string content;
  for (std::size_t i = 0; content.size() < 10 * kChunkOctets + 17; ++i) content += "line " + std::to_string(i) + "\r\n";
  const MessageId id = next_id();
  std::unique_ptr<MessageWriter> writer = store.spool().open_message(id);
  std::size_t drains = 0;
  for (std::string_view rest = content; !rest.empty(); rest.remove_prefix(std::min<std::size_t>(rest.size(), 10'000))) {
    if (writer->append(rest.substr(0, 10'000))) continue;
    Waiter waiter;
    writer->drain(waiter.completion());
    ASSERT_TRUE(waiter.get());
    ++drains;
  }
  Draft draft = make_draft(id, clock_.now(), {"a.example"});
  Waiter waiter;
  store.spool().commit(std::move(writer), draft.new_message(), waiter.completion());
  ASSERT_TRUE(waiter.get());
  EXPECT_GE(drains, 1U);
  const StoredMessage stored = store.spool().find(id).value().value();
  EXPECT_EQ(stored.message.chunk_count, 11U);
  EXPECT_EQ(read_content(store.spool(), stored.message), content);
  EXPECT_EQ(findings(store), std::vector<std::string>());
}

TEST_F(SpoolTest, RemovesWhatAnAbandonedMessageHadStreamed) {
  TempStore store;
  const MessageId id = next_id();
  {
    std::unique_ptr<MessageWriter> writer = store.spool().open_message(id);
    EXPECT_FALSE(writer->append(std::string(6 * kChunkOctets, 'x')));
    Waiter waiter;
    writer->drain(waiter.completion());
    ASSERT_TRUE(waiter.get());
    EXPECT_TRUE(store.spool().read_chunk(id, 0));
  }
  accept(store, "the next commit takes the clean-up along");
  EXPECT_EQ(store.spool().read_chunk(id, 0).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(findings(store), std::vector<std::string>());
}

TEST_F(SpoolTest, RefusesASecondMessageOfTheSameId) {
  TempStore store;
  const MessageId id = accept(store, "first");
  const Result<void> second = commit_draft(store.spool(), make_draft(id, clock_.now(), {"a.example"}), "second");
  EXPECT_EQ(second.error().code(), ErrorCode::AlreadyExists);
  EXPECT_EQ(store.spool().read_chunk(id, 0).value(), "first");
}

TEST_F(SpoolTest, MovesTheDueEntryToTheEarliestPendingAttemptOfItsLane) {
  TempStore store;
  const MessageId id = accept(store, "x", Environment::Live, {"a.example", "b.example", "b.example"});
  EXPECT_EQ(due_in(store, "a.example").size(), 1U);
  EXPECT_EQ(due_in(store, "b.example").size(), 1U);
  const Instant later = clock_.now() + std::chrono::minutes(5);
  Settlement change = settlement(id, 0, RecipientStage::Delivered);
  for (const std::uint32_t index : {1U, 2U}) {
    change.changes.push_back({.index = index, .state = {}});
    change.changes.back().state.next_attempt = later + std::chrono::minutes(index);
  }
  ASSERT_TRUE(settle(store, change));
  EXPECT_TRUE(due_in(store, "a.example").empty());
  EXPECT_EQ(due_in(store, "b.example"), (std::vector{DueKey{later + std::chrono::minutes(1), id}}));
  EXPECT_EQ(store.spool().find(id).value()->delivery.lane, "b.example") << "the others are in one lane";
  EXPECT_EQ(findings(store), std::vector<std::string>());
  ASSERT_TRUE(settle(store, settlement(id, 1, RecipientStage::Delivered)));
  EXPECT_EQ(due_in(store, "b.example"), (std::vector{DueKey{later + std::chrono::minutes(2), id}}));
  ASSERT_TRUE(settle(store, settlement(id, 2, RecipientStage::Bounced)));
  EXPECT_TRUE(store.spool().lanes(std::nullopt, 10).value().empty());
  EXPECT_EQ(findings(store), std::vector<std::string>());
}

TEST_F(SpoolTest, RemovesLiveContentWhenTheLastRecipientIsSettled) {
  TempStore store;
  const MessageId id = accept(store, "x");
  ASSERT_TRUE(settle(store, settlement(id, 0, RecipientStage::Delivered)));
  const DeliveryRecord delivery = store.spool().find(id).value().value().delivery;
  EXPECT_TRUE(delivery.is_settled());
  EXPECT_EQ(delivery.settled_at, clock_.now());
  EXPECT_EQ(store.spool().read_chunk(id, 0).error().code(), ErrorCode::NotFound);
  EXPECT_TRUE(store.spool().lanes(std::nullopt, 1).value().empty());
  EXPECT_EQ(store.spool().events_of(id).value().size(), 2U);
  EXPECT_EQ(findings(store), std::vector<std::string>());
}

TEST_F(SpoolTest, KeepsTestContentUntilItsCaptureEnds) {
  SpoolLimits limits = test::small_limits();
  limits.capture_retention = std::chrono::hours(1);
  TempStore store(limits);
  const MessageId id = accept(store, "captured", Environment::Test);
  ASSERT_TRUE(settle(store, settlement(id, 0, RecipientStage::Delivered)));
  EXPECT_EQ(store.spool().usage().value().captured_octets, 8U);
  EXPECT_EQ(store.spool().remove_expired(clock_.now(), 10).value().contents, 0U);
  EXPECT_EQ(store.spool().read_chunk(id, 0).value(), "captured");
  EXPECT_EQ(findings(store), std::vector<std::string>());
  clock_.advance(std::chrono::hours(1));
  EXPECT_EQ(store.spool().remove_expired(clock_.now(), 10).value().contents, 1U);
  EXPECT_EQ(store.spool().usage().value().captured_octets, 0U);
  EXPECT_FALSE(store.spool().read_chunk(id, 0));
  EXPECT_TRUE(store.spool().find(id).value().has_value()) << "the record stays";
  EXPECT_EQ(findings(store), std::vector<std::string>());
}

TEST_F(SpoolTest, RemovesTheOldestCapturesAboveTheirBound) {
  SpoolLimits limits = test::small_limits();
  limits.capture_max_octets = 10;
  TempStore store(limits);
  std::vector<MessageId> ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(accept(store, "four", Environment::Test));
    ASSERT_TRUE(settle(store, settlement(ids.back(), 0, RecipientStage::Bounced)));
  }
  EXPECT_EQ(store.spool().remove_expired(clock_.now(), 10).value().contents, 1U);
  EXPECT_FALSE(store.spool().read_chunk(ids[0], 0));
  EXPECT_TRUE(store.spool().read_chunk(ids[1], 0));
}

TEST_F(SpoolTest, RemovesSettledRecordsAndEventsByAgeAndNeverPendingOnes) {
  TempStore store;
  const MessageId settled = accept(store, "x");
  const MessageId pending = accept(store, "y");
  ASSERT_TRUE(settle(store, settlement(settled, 0, RecipientStage::Delivered)));
  clock_.advance(std::chrono::days(7));
  Expiry expiry = store.spool().remove_expired(clock_.now(), 10).value();
  EXPECT_EQ(expiry.messages, 1U);
  EXPECT_EQ(expiry.events, 0U);
  EXPECT_EQ(store.spool().find(settled).value(), std::nullopt);
  EXPECT_TRUE(store.spool().find(pending).value().has_value());
  EXPECT_EQ(store.spool().events_of(settled).value().size(), 2U) << "events have a retention of their own";
  clock_.advance(std::chrono::days(24));
  expiry = store.spool().remove_expired(clock_.now(), 2).value();
  EXPECT_EQ(expiry.events, 2U) << "at most the limit";
  expiry = store.spool().remove_expired(clock_.now(), 10).value();
  EXPECT_EQ(expiry.events, 1U);
  EXPECT_EQ(store.spool().usage().value().events, 0U);
  EXPECT_EQ(read_content(store.spool(), store.spool().find(pending).value().value().message), "y");
  EXPECT_EQ(findings(store), std::vector<std::string>());
}

TEST_F(SpoolTest, BoundsSettledRecordsAndEventsByCount) {
  SpoolLimits limits = test::small_limits();
  limits.settled_max_messages = 2;
  limits.event_max_count = 3;
  TempStore store(limits);
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(settle(store, settlement(accept(store, "x"), 0, RecipientStage::Delivered)));
  }
  const Expiry expiry = store.spool().remove_expired(clock_.now(), 100).value();
  EXPECT_EQ(expiry.messages, 2U);
  EXPECT_EQ(expiry.events, 5U);
  EXPECT_EQ(findings(store), std::vector<std::string>());
}

TEST_F(SpoolTest, NeverReusesAnEventSequence) {
  SpoolLimits limits = test::small_limits();
  limits.event_max_count = 0;
  TempStore store(limits);
  accept(store, "x");
  EXPECT_EQ(store.spool().remove_expired(clock_.now(), 10).value().events, 1U);
  store.reopen();
  accept(store, "y");
  const std::vector<Event> events = store.spool().events_after(0, 10).value();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].sequence, 2U);
  EXPECT_TRUE(store.spool().events_after(2, 10).value().empty());
}

TEST_F(SpoolTest, SpoolsANotificationInTheSettlingCommit) {
  TempStore store;
  const MessageId id = accept(store, "x");
  const MessageId dsn = next_id();
  Draft draft = make_draft(dsn, clock_.now(), {"sender.example"});
  draft.message.origin = MessageOrigin::Notification;
  Settlement change = settlement(id, 0, RecipientStage::Bounced);
  change.notifications.push_back(
      NewNotification{.message = draft.message, .delivery = draft.delivery, .content = std::string(kChunkOctets + 1, 'd')});
  ASSERT_TRUE(settle(store, change));
  const StoredMessage stored = store.spool().find(dsn).value().value();
  EXPECT_EQ(stored.message.chunk_count, 2U);
  EXPECT_EQ(read_content(store.spool(), stored.message), std::string(kChunkOctets + 1, 'd'));
  EXPECT_EQ(due_in(store, "sender.example").size(), 1U);
  EXPECT_EQ(findings(store), std::vector<std::string>());
}

TEST_F(SpoolTest, StoresADeliveryWithoutDueTimeAsSettled) {
  TempStore store;
  Draft draft = make_draft(next_id(), clock_.now(), {"a.example"}, Environment::Test);
  draft.delivery.due.reset();
  draft.delivery.recipients[0].stage = RecipientStage::Delivered;
  ASSERT_TRUE(commit_draft(store.spool(), draft, "simulated"));
  EXPECT_TRUE(store.spool().find(draft.message.id).value().value().delivery.is_settled());
  EXPECT_EQ(store.spool().usage().value().captured_octets, 9U);
  EXPECT_EQ(findings(store), std::vector<std::string>());
}

TEST_F(SpoolTest, TellsThatASettledMessageIsGone) {
  TempStore store;
  EXPECT_EQ(settle(store, settlement(next_id(), 0, RecipientStage::Delivered)).error().code(), ErrorCode::NotFound);
}

TEST_F(SpoolTest, RefusesAChangeOfARecipientThatIsNotThere) {
  TempStore store;
  const MessageId id = accept(store, "x");
  EXPECT_EQ(settle(store, settlement(id, 1, RecipientStage::Delivered)).error().code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(store.spool().events_of(id).value().size(), 1U);
}

TEST_F(SpoolTest, MakesAMessageDueNow) {
  TempStore store;
  const MessageId id = accept(store, "x");
  ASSERT_TRUE(settle(store, settlement(id, 0, RecipientStage::Pending, clock_.now() + std::chrono::hours(4))));
  ASSERT_GT(due_in(store, "a.example").at(0).due, clock_.now());
  ASSERT_TRUE(store.spool().retry_now(id, clock_.now()));
  EXPECT_EQ(due_in(store, "a.example").at(0).due, clock_.now());
  EXPECT_EQ(store.spool().retry_now(next_id(), clock_.now()).error().code(), ErrorCode::NotFound);
}

TEST_F(SpoolTest, GivesWhatWaitsForItsTimeAnotherOneUntilItHasBegun) {
  TempStore store;
  const Instant now = clock_.now();
  const Instant first = now + std::chrono::hours(2);
  const MessageId id = next_id();
  Draft draft = make_draft(id, first, {"a.example", "b.example"}, Environment::Test);
  draft.delivery.scheduled_at = first;
  draft.delivery.content_until = first + std::chrono::hours(1);
  ASSERT_TRUE(commit_draft(store.spool(), draft, "later"));
  const Instant sooner = now + std::chrono::hours(1);
  const Result<DueEntry> moved = store.spool().reschedule(id, sooner, now);
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->due, sooner);
  const DeliveryRecord delivery = store.spool().find(id).value().value().delivery;
  EXPECT_EQ(delivery.due, sooner);
  EXPECT_EQ(delivery.scheduled_at, sooner);
  EXPECT_EQ(delivery.content_until, sooner + std::chrono::hours(1));
  EXPECT_TRUE(delivery.is_scheduled());
  const std::vector<Event> events = store.spool().events_of(id).value();
  EXPECT_EQ(events.back().type, EventType::MessageScheduled);
  EXPECT_EQ(events.back().detail, "2026-01-05T11:00:00Z");

  ASSERT_TRUE(store.spool().retry_now(id, now));
  EXPECT_EQ(store.spool().reschedule(id, first, now).error().code(), ErrorCode::Conflict) << "it goes at once";
  EXPECT_EQ(store.spool().reschedule(accept(store, "x"), first, now).error().code(), ErrorCode::Conflict) << "it never waited";
  EXPECT_EQ(store.spool().reschedule(next_id(), first, now).error().code(), ErrorCode::NotFound);
}

TEST_F(SpoolTest, CancelsWhatIsPendingAndDoesNotReviveIt) {
  TempStore store;
  const MessageId id = accept(store, "x", Environment::Live, {"a.example", "b.example"});
  ASSERT_TRUE(settle(store, settlement(id, 0, RecipientStage::Delivered)));
  ASSERT_TRUE(store.spool().cancel(id, clock_.now()));
  const std::vector<Event> events = store.spool().events_of(id).value();
  EXPECT_EQ(events.back().type, EventType::RecipientCancelled);
  EXPECT_EQ(events.back().recipient, "to@b.example");
  // An attempt that was under way comes back with "try later".
  ASSERT_TRUE(settle(store, settlement(id, 1, RecipientStage::Pending, clock_.now())));
  const DeliveryRecord delivery = store.spool().find(id).value().value().delivery;
  EXPECT_EQ(delivery.recipients[0].stage, RecipientStage::Delivered);
  EXPECT_EQ(delivery.recipients[1].stage, RecipientStage::Cancelled);
  EXPECT_EQ(store.spool().cancel(id, clock_.now()).error().code(), ErrorCode::Conflict);
  EXPECT_EQ(findings(store), std::vector<std::string>());
}

TEST_F(SpoolTest, ListsNewestFirstAndPagesStrictlyBefore) {
  TempStore store;
  std::vector<MessageId> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(accept(store, "x"));
  const std::vector<StoredMessage> first = store.spool().list(std::nullopt, 2).value();
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0].message.id, ids[3]);
  const std::vector<StoredMessage> rest = store.spool().list(first[1].message.id, 10).value();
  ASSERT_EQ(rest.size(), 2U);
  EXPECT_EQ(rest[0].message.id, ids[1]);
  EXPECT_TRUE(store.spool().list(ids[0], 10).value().empty());
}

TEST_F(SpoolTest, RefusesNewMailAtItsCapAndTakesItAgainWhenThereIsRoom) {
  SpoolLimits limits = test::small_limits();
  limits.max_octets = 8U << 20;
  TempStore store(limits);
  ASSERT_TRUE(store.spool().can_accept());
  const MessageId id = accept(store, std::string(600'000, 'x'));
  Result<void> stored;
  for (const std::size_t octets : {std::size_t{600'000}, std::size_t{1}}) {
    do {
      stored = commit_draft(store.spool(), make_draft(next_id(), clock_.now(), {"a.example"}), std::string(octets, 'x'));
    } while (stored);
    EXPECT_EQ(stored.error().code(), ErrorCode::StorageFull);
  }
  EXPECT_EQ(store.spool().can_accept().error().code(), ErrorCode::StorageFull);
  ASSERT_TRUE(settle(store, settlement(id, 0, RecipientStage::Delivered))) << "what is queued is still settled";
  ASSERT_TRUE(store.spool().remove_expired(clock_.now(), 1));
  EXPECT_TRUE(store.spool().can_accept());
}

TEST_F(SpoolTest, RefusesNewMailWhenTheDiskIsNearlyFull) {
  SpoolLimits limits;
  limits.min_free_octets = ~std::uint64_t{0};
  TempStore store(limits);
  EXPECT_EQ(store.spool().can_accept().error().code(), ErrorCode::StorageFull);
}

TEST_F(SpoolTest, ReusesThePagesOfWhatIsGone) {
  TempStore store;
  std::uint64_t file_octets = 0;
  for (int i = 0; i < 300; ++i) {
    const MessageId id = accept(store, std::string(20'000, 'x'));
    ASSERT_TRUE(settle(store, settlement(id, 0, RecipientStage::Delivered)));
    if (i == 100) file_octets = store.spool().usage().value().file_octets;
  }
  EXPECT_LT(store.spool().usage().value().file_octets, 2 * file_octets);
}

}  // namespace
}  // namespace postern::store
