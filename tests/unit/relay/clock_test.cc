// The clock is set forward and back by an hour, as after a suspend or by hand, at every state a message can wait in: it is late by
// no more than its back-off, never lost, and never given up before its time.
#include "tests/unit/relay/queue_fixture.h"

namespace postern::relay {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using store::RecipientStage;

class ClockTest : public QueueFixture {
 protected:
  void set_back(Duration by) {
    clock_.set(clock_.now() - by);
    queue_->wake();
  }
  static RecipientReport busy() { return failed_report(Outcome::Deferred, Status{451, EnhancedCode{4, 3, 0}, "later"}); }
};

TEST_F(ClockTest, NewMailGoesOutAtOnceAfterEitherJump) {
  start();
  const MessageId before = accept("live.example");
  run_until([&] { return stage(before) == RecipientStage::Delivered; });
  set_back(hours(1));
  const MessageId behind = accept("live.example");
  run_until([&] { return stage(behind) == RecipientStage::Delivered; });
  advance(hours(2));
  const MessageId ahead = accept("live.example");
  run_until([&] { return stage(ahead) == RecipientStage::Delivered; });
}

TEST_F(ClockTest, DeferredMailIsTriedAtOnceAfterAJumpForward) {
  script_.answer = [&](auto&, auto&) { return script_.calls["live"] == 1 ? busy() : delivered_report(); };
  start();
  const MessageId id = accept("live.example");
  run_until([&] { return state(id).attempts == 1; });
  advance(hours(1));
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
}

TEST_F(ClockTest, DeferredMailWaitsForItsBackOffAnewAfterAJumpBackAndNoLonger) {
  constexpr std::size_t kMessages = 70;  // more than are looked at in one go
  script_.answer = [&](auto&, auto&) { return script_.calls["live"] <= kMessages ? busy() : delivered_report(); };
  for (std::size_t i = 0; i < kMessages; ++i) accept("live.example");
  start();
  const auto due_by = [&](Instant until) {
    return store_.spool().due("live.example", std::nullopt, until, 100).value().keys.size();
  };
  run_until([&] { return script_.calls["live"] == kMessages && due_by(clock_.now()) == 0; });
  set_back(hours(1));
  const Instant latest = clock_.now() + settings_.poll + RetrySchedule{}.longest_wait(1);
  while (io_.run_one_for(std::chrono::milliseconds(100)) > 0) {
  }  // the step is noticed by one poll, and acted upon by the next
  EXPECT_EQ(due_by(latest), 0U);
  advance(settings_.poll);
  run_until([&] { return due_by(latest) == kMessages; });
  EXPECT_EQ(script_.calls["live"], kMessages) << "the back-off is kept";
  advance(RetrySchedule{}.longest_wait(1));
  run_until([&] { return script_.delivered.size() == kMessages; });
}

// While a machine sleeps the timers' clock stands still and the wall clock goes on: for us a jump forward.
TEST_F(ClockTest, WhatCameDueDuringASuspendGoesOutAtTheNextPoll) {
  script_.answer = [&](auto&, auto&) { return script_.calls["live"] == 1 ? busy() : delivered_report(); };
  start();
  const MessageId id = accept("live.example");
  run_until([&] { return state(id).attempts == 1; });
  clock_.advance(hours(10));
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
}

TEST_F(ClockTest, RetentionIsShorterByAJumpForwardAtMostAndNothingGoesAfterAJumpBack) {
  start();
  const MessageId id = accept("live.example");
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
  const Duration retention = store::SpoolLimits{}.settled_retention;
  const Instant settled = clock_.now();
  for (const Instant at : {settled - hours(1), settled + hours(1), settled + retention - seconds(1)}) {
    EXPECT_EQ(store_.spool().remove_expired(at, 100).value().messages, 0U);
  }
  EXPECT_EQ(store_.spool().remove_expired(settled + retention + seconds(1), 100).value().messages, 1U);
}

TEST_F(ClockTest, ADestinationThatWasDownIsProbedAtOnceAfterAJumpBack) {
  bool is_dead = true;
  script_.answer = [&](auto&, auto&) { return is_dead ? unreachable_report() : delivered_report(); };
  start();
  const MessageId first = accept("live.example");
  run_until([&] { return state(first).attempts == 1; });
  set_back(hours(1));
  is_dead = false;
  const MessageId second = accept("live.example");
  run_until([&] { return stage(second) == RecipientStage::Delivered; });
}

TEST_F(ClockTest, NothingIsGivenUpByAnHourForward) {
  script_.answer = [&](auto&, auto&) { return busy(); };
  start();
  const MessageId id = accept("live.example");
  run_until([&] { return state(id).attempts == 1; });
  advance(hours(1));
  run_until([&] { return state(id).attempts == 2; });
  set_back(hours(2));
  EXPECT_EQ(stage(id), RecipientStage::Pending);
}

}  // namespace
}  // namespace postern::relay
