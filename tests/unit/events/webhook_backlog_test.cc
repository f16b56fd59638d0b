// Which event goes out when, and what the directory is told.
#include "events/webhook_backlog.h"

#include "events/webhook_retry.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_random.h"

#include <gmock/gmock.h>

namespace postern::events {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

store::WebhookProgress progress_at(std::uint64_t cursor) {
  store::WebhookProgress progress;
  progress.cursor = cursor;
  progress.is_proven = true;
  return progress;
}

class Backlog : public ::testing::Test {
 protected:
  Backlog() {
    for (MessageId& message : messages_) message = make_message_id(clock_.now(), random_);
  }

  void add(WebhookBacklog& backlog, std::uint64_t sequence, std::size_t message) {
    backlog.add(sequence, messages_[message], clock_.now());
    backlog.set_read_up_to(sequence);
  }
  std::vector<std::uint64_t> take_all(WebhookBacklog& backlog) {
    std::vector<std::uint64_t> taken;
    while (const auto sequence = backlog.take(clock_.now())) taken.push_back(*sequence);
    return taken;
  }
  void fail(WebhookBacklog& backlog, std::uint64_t sequence) { backlog.failed(sequence, clock_.now(), random_); }
  // One event after the other fails until the receiver counts as down.
  void bring_down(WebhookBacklog& backlog) {
    for (unsigned i = 0; i < kDownAfterFailures; ++i) {
      const auto sequence = backlog.take(clock_.now());
      ASSERT_TRUE(sequence);
      fail(backlog, *sequence);
    }
    ASSERT_TRUE(backlog.is_down());
  }
  static std::vector<std::uint64_t> sequences(const std::vector<store::PendingWebhookEvent>& events) {
    std::vector<std::uint64_t> numbers;
    for (const auto& event : events) numbers.push_back(event.sequence);
    return numbers;
  }

  test::FakeClock clock_;
  test::FakeRandom random_;
  std::array<MessageId, 40> messages_;
};

TEST_F(Backlog, AClockSetBackMakesNothingWaitLongerThanItsBackOff) {
  WebhookBacklog backlog(progress_at(0), 0, {});
  add(backlog, 1, 0);
  EXPECT_THAT(take_all(backlog), ElementsAre(1));
  fail(backlog, 1);
  add(backlog, 2, 1);  // never tried, and its event is of before the step
  clock_.set(clock_.now() - hours(1));
  EXPECT_THAT(take_all(backlog), ElementsAre(2));
  EXPECT_EQ(backlog.next_due(), clock_.now() + longest_webhook_wait(1));
  clock_.advance(longest_webhook_wait(1));
  EXPECT_THAT(take_all(backlog), ElementsAre(1));
}

TEST_F(Backlog, AClockSetBackDoesNotKeepADownReceiverFromBeingProbed) {
  WebhookBacklog backlog(progress_at(0), 0, {});
  for (std::uint64_t sequence = 1; sequence <= kDownAfterFailures + 1; ++sequence) add(backlog, sequence, sequence);
  bring_down(backlog);
  EXPECT_THAT(take_all(backlog), IsEmpty());
  clock_.set(clock_.now() - hours(1));
  EXPECT_EQ(take_all(backlog).size(), 1U);
}

TEST_F(Backlog, AJumpForwardMakesWhatWaitedDue) {
  WebhookBacklog backlog(progress_at(0), 0, {});
  add(backlog, 1, 0);
  EXPECT_THAT(take_all(backlog), ElementsAre(1));
  fail(backlog, 1);
  clock_.advance(hours(1));
  EXPECT_THAT(take_all(backlog), ElementsAre(1));
}

TEST_F(Backlog, EventsOfAMessageGoOneAfterTheOtherAndMessagesBesideEachOther) {
  WebhookBacklog backlog(progress_at(0), 1, {});
  add(backlog, 1, 0);
  add(backlog, 2, 1);
  add(backlog, 3, 0);
  EXPECT_THAT(take_all(backlog), ElementsAre(1, 2));
  backlog.delivered(1, clock_.now());
  EXPECT_THAT(take_all(backlog), ElementsAre(3));
}

TEST_F(Backlog, AFailedEventHoldsUpItsOwnMessageOnly) {
  WebhookBacklog backlog(progress_at(0), 1, {});
  add(backlog, 1, 0);
  add(backlog, 2, 0);
  EXPECT_THAT(take_all(backlog), ElementsAre(1));
  fail(backlog, 1);
  add(backlog, 3, 1);
  EXPECT_THAT(take_all(backlog), ElementsAre(3));
  clock_.advance(seconds(7));
  EXPECT_THAT(take_all(backlog), ElementsAre(1)) << "first retry; 2 still behind it";
  backlog.delivered(1, clock_.now());
  EXPECT_THAT(take_all(backlog), ElementsAre(2));
}

TEST_F(Backlog, SaysSinceWhenItsOldestFailureWaits) {
  WebhookBacklog backlog(progress_at(0), 1, {});
  add(backlog, 1, 0);
  add(backlog, 2, 1);
  EXPECT_EQ(backlog.waiting(), 2U);
  EXPECT_FALSE(backlog.failing_since()) << "what was not tried waits for nobody's fault";
  take_all(backlog);
  const Instant first = clock_.now();
  fail(backlog, 2);
  clock_.advance(seconds(60));
  fail(backlog, 1);
  EXPECT_EQ(backlog.failing_since(), first);
  take_all(backlog);
  backlog.delivered(2, clock_.now());
  EXPECT_EQ(backlog.failing_since(), first + seconds(60));
}

TEST_F(Backlog, NoMoreRequestsThanItsBound) {
  WebhookBacklog backlog(progress_at(0), 1, {});
  for (std::size_t i = 0; i < 20; ++i) add(backlog, i + 1, i);
  EXPECT_EQ(take_all(backlog).size(), kMaxWebhookRequests);
  EXPECT_EQ(backlog.next_due(), std::nullopt) << "only an end makes room";
}

TEST_F(Backlog, SaysWhenToLookAgain) {
  WebhookBacklog backlog(progress_at(0), 1, {});
  EXPECT_EQ(backlog.next_due(), std::nullopt);
  add(backlog, 1, 0);
  EXPECT_EQ(backlog.next_due(), clock_.now());
  take_all(backlog);
  fail(backlog, 1);
  ASSERT_TRUE(backlog.next_due());
  EXPECT_GE(*backlog.next_due(), clock_.now() + seconds(5));
}

TEST_F(Backlog, ADownReceiverIsProbedOneEventAtATimeAndNothingMoreIsRead) {
  WebhookBacklog backlog(progress_at(0), 1, {});
  for (std::size_t i = 0; i < 30; ++i) add(backlog, i + 1, i);
  EXPECT_TRUE(backlog.has_room());
  bring_down(backlog);
  EXPECT_FALSE(backlog.has_room());
  EXPECT_THAT(take_all(backlog), IsEmpty()) << "not before the probe is due";
  EXPECT_EQ(backlog.next_due(), std::max(*backlog.next_due(), clock_.now() + seconds(5)));
  clock_.advance(seconds(7));
  EXPECT_EQ(take_all(backlog).size(), 1U);
}

TEST_F(Backlog, WhatFailsBesideTheLastFailureBeforeDownDoesNotPutOffTheFirstProbe) {
  WebhookBacklog backlog(progress_at(0), 1, {});
  for (std::size_t i = 0; i < 30; ++i) add(backlog, i + 1, i);
  for (const std::uint64_t sequence : take_all(backlog)) fail(backlog, sequence);
  const auto together = take_all(backlog);
  ASSERT_EQ(together.size(), kMaxWebhookRequests);
  for (const std::uint64_t sequence : together) fail(backlog, sequence);
  ASSERT_TRUE(backlog.is_down());
  ASSERT_TRUE(backlog.next_due());
  EXPECT_LE(*backlog.next_due(), clock_.now() + seconds(6));
  clock_.set(*backlog.next_due());
  EXPECT_EQ(take_all(backlog).size(), 1U);
}

TEST_F(Backlog, ProbesWaitLongerAndLongerButNeverLongerThanTheirBound) {
  WebhookBacklog backlog(progress_at(0), 1, {});
  for (std::size_t i = 0; i < 30; ++i) add(backlog, i + 1, i);
  bring_down(backlog);
  Duration longest{};
  for (int probe = 0; probe < 15; ++probe) {
    const auto due = backlog.next_due();
    ASSERT_TRUE(due);
    longest = std::max(longest, *due - clock_.now());
    clock_.set(*due);
    const auto taken = take_all(backlog);
    ASSERT_EQ(taken.size(), 1U);
    fail(backlog, taken.front());
  }
  EXPECT_EQ(longest, kLongestProbeWait);
}

TEST_F(Backlog, TheFirstSuccessReleasesAllThatWaited) {
  WebhookBacklog backlog(progress_at(0), 1, {});
  for (std::size_t i = 0; i < 12; ++i) add(backlog, i + 1, i);
  bring_down(backlog);
  clock_.advance(seconds(7));
  const auto probe = take_all(backlog);
  ASSERT_EQ(probe.size(), 1U);
  backlog.delivered(probe.front(), clock_.now());
  EXPECT_FALSE(backlog.is_down());
  EXPECT_EQ(take_all(backlog).size(), kMaxWebhookRequests) << "none waits for its own retry";
}

TEST_F(Backlog, AnEventThatIsNeverTakenDoesNotStarveTheOthers) {
  WebhookBacklog backlog(progress_at(0), 1, {});
  add(backlog, 1, 0);
  while (!backlog.is_down()) {
    clock_.set(*backlog.next_due());
    ASSERT_THAT(take_all(backlog), ElementsAre(1));
    fail(backlog, 1);
  }
  add(backlog, 2, 1);
  clock_.set(*backlog.next_due());
  EXPECT_THAT(take_all(backlog), ElementsAre(2));
}

TEST_F(Backlog, AnEventIsGivenUpAfterItsLifetime) {
  WebhookBacklog backlog(progress_at(0), 1, {});
  add(backlog, 1, 0);
  const Instant start = clock_.now();
  std::size_t attempts = 0;
  for (std::uint64_t other = 2; backlog.next_due(); other += 1) {
    clock_.set(std::max(clock_.now(), *backlog.next_due()));
    for (const std::uint64_t taken : take_all(backlog)) {
      if (taken == 1) {
        fail(backlog, 1);
        ++attempts;
        // Others are taken in between: the receiver is not dead.
        add(backlog, other, 1);
      } else {
        backlog.delivered(taken, clock_.now());
      }
    }
    ASSERT_LT(attempts, 1000U);
  }
  EXPECT_EQ(backlog.take_unsaved().progress.given_up, 1U);
  EXPECT_LE(clock_.now() - start, kWebhookLifetime);
}

TEST_F(Backlog, LastingFailureIsDeathAndKeepsTheEvents) {
  WebhookBacklog backlog(progress_at(0), 1, {});
  for (std::size_t i = 0; i < 12; ++i) add(backlog, i + 1, i);
  const Instant start = clock_.now();
  while (!backlog.is_dead(clock_.now())) {
    ASSERT_TRUE(backlog.next_due());
    clock_.set(std::max(clock_.now(), *backlog.next_due()));
    for (const std::uint64_t taken : take_all(backlog)) fail(backlog, taken);
    ASSERT_LT(clock_.now() - start, hours(48));
  }
  EXPECT_GE(clock_.now() - start, kDisableAfter);
}

TEST_F(Backlog, TheSavedCursorNeverPassesAnEventThatIsInNoRow) {
  WebhookBacklog backlog(progress_at(0), 1, {});
  add(backlog, 10, 0);
  add(backlog, 11, 1);
  add(backlog, 12, 2);
  take_all(backlog);
  backlog.delivered(10, clock_.now());
  EXPECT_EQ(backlog.take_unsaved().progress.cursor, 10U) << "11 is under way";
  backlog.saved();
  fail(backlog, 11);
  backlog.delivered(12, clock_.now());
  const auto changes = backlog.take_unsaved();
  EXPECT_EQ(changes.progress.cursor, 12U) << "11 has a row of its own now";
  EXPECT_THAT(sequences(changes.put), ElementsAre(11));
  EXPECT_EQ(changes.progress.delivered, 2U);
}

TEST_F(Backlog, ARestartTakesUpWhatWasSaved) {
  WebhookBacklog before(progress_at(0), 1, {});
  for (std::uint64_t i = 1; i <= 3; ++i) add(before, i, i);
  take_all(before);
  before.delivered(1, clock_.now());
  fail(before, 2);
  const auto changes = before.take_unsaved();

  WebhookBacklog after(changes.progress, 1, changes.put);
  EXPECT_EQ(after.read_up_to(), 2U) << "3 is read again";
  EXPECT_THAT(take_all(after), IsEmpty());
  clock_.advance(seconds(7));
  EXPECT_THAT(take_all(after), ElementsAre(2));
}

TEST_F(Backlog, AfterARestartTheFirstSuccessReleasesWhatFailedBefore) {
  const store::PendingWebhookEvent row{.sequence = 5,
                                       .message = messages_[0],
                                       .first_attempt = clock_.now(),
                                       .due = clock_.now() + hours(2),
                                       .attempts = 7};
  store::WebhookProgress progress = progress_at(9);
  progress.failing_since = clock_.now() - hours(3);
  WebhookBacklog backlog(progress, 1, {row});
  add(backlog, 10, 1);
  EXPECT_THAT(take_all(backlog), ElementsAre(10));
  backlog.delivered(10, clock_.now());
  EXPECT_THAT(take_all(backlog), ElementsAre(5));
}

TEST_F(Backlog, AFailureThatBeganBeforeTheReceiverCameBackIsTriedAgainAtOnce) {
  store::WebhookProgress failing = progress_at(2);
  failing.failing_since = clock_.now();
  const std::vector<store::PendingWebhookEvent> rows = {
      {.sequence = 1, .message = messages_[0], .first_attempt = clock_.now(), .due = clock_.now(), .attempts = 4},
      {.sequence = 2, .message = messages_[1], .first_attempt = clock_.now(), .due = clock_.now(), .attempts = 4}};
  WebhookBacklog backlog(failing, 0, rows);
  EXPECT_THAT(take_all(backlog), ElementsAre(1, 2));
  backlog.delivered(2, clock_.now());
  fail(backlog, 1);
  EXPECT_THAT(take_all(backlog), ElementsAre(1));
  fail(backlog, 1);  // it began afterwards: this one counts
  EXPECT_THAT(take_all(backlog), IsEmpty());
}

TEST_F(Backlog, ARowGoesOnceItsEventIsDelivered) {
  store::PendingWebhookEvent row{
      .sequence = 5, .message = messages_[0], .first_attempt = clock_.now(), .due = clock_.now(), .attempts = 2};
  WebhookBacklog backlog(progress_at(9), 1, {row});
  EXPECT_FALSE(backlog.has_unsaved());
  EXPECT_THAT(take_all(backlog), ElementsAre(5));
  backlog.delivered(5, clock_.now());
  ASSERT_TRUE(backlog.has_unsaved());
  EXPECT_THAT(backlog.take_unsaved().removed, ElementsAre(5));
}

TEST_F(Backlog, WhatCouldNotBeSavedIsSavedNextTime) {
  store::PendingWebhookEvent row{
      .sequence = 5, .message = messages_[0], .first_attempt = clock_.now(), .due = clock_.now(), .attempts = 2};
  WebhookBacklog backlog(progress_at(9), 1, {row});
  add(backlog, 10, 1);
  take_all(backlog);
  backlog.delivered(5, clock_.now());
  fail(backlog, 10);
  backlog.take_unsaved();
  backlog.not_saved();
  ASSERT_TRUE(backlog.has_unsaved());
  const auto again = backlog.take_unsaved();
  EXPECT_THAT(again.removed, ElementsAre(5));
  EXPECT_THAT(sequences(again.put), ElementsAre(10));
}

TEST_F(Backlog, AReplayIsTakenUpAndARowThatIsGoingIsNone) {
  store::PendingWebhookEvent row{.sequence = 5, .message = messages_[0], .first_attempt = {}, .due = clock_.now(), .attempts = 0};
  WebhookBacklog backlog(progress_at(9), 1, {});
  backlog.add_stored(row);
  EXPECT_THAT(take_all(backlog), ElementsAre(5));
  backlog.add_stored(row);
  backlog.delivered(5, clock_.now());
  backlog.add_stored(row);
  EXPECT_THAT(take_all(backlog), IsEmpty());
  backlog.take_unsaved();
  backlog.add_stored(row);
  EXPECT_THAT(take_all(backlog), IsEmpty()) << "its removal is on its way";
  backlog.saved();
  backlog.add_stored(row);
  EXPECT_THAT(take_all(backlog), ElementsAre(5)) << "somebody asked for it again";
}

TEST_F(Backlog, AnInterruptedAttemptDoesNotCount) {
  WebhookBacklog backlog(progress_at(0), 1, {});
  add(backlog, 1, 0);
  take_all(backlog);
  backlog.interrupted(1);
  EXPECT_EQ(backlog.under_way(), 0U);
  EXPECT_THAT(take_all(backlog), ElementsAre(1));
}

TEST_F(Backlog, ReadingStopsWhereItsBoundsAre) {
  WebhookBacklog backlog(progress_at(0), 1, {});
  for (std::uint64_t i = 1; i <= kMaxUntriedEvents; ++i) {
    ASSERT_TRUE(backlog.has_room());
    add(backlog, i, 0);
  }
  EXPECT_FALSE(backlog.has_room());
}

TEST_F(Backlog, AWebhookBeginsWithItsFirstSequence) {
  EXPECT_EQ(WebhookBacklog({}, 100, {}).read_up_to(), 99U);
  EXPECT_EQ(WebhookBacklog(progress_at(250), 100, {}).read_up_to(), 250U);
}

}  // namespace
}  // namespace postern::events
