// Reports → states, events and owed notices, as tables.
#include "relay/event_publisher.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_random.h"

namespace postern::relay {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using store::RecipientStage;

class EventPublisherTest : public ::testing::Test {
 protected:
  EventPublisherTest() {
    stored_.message.accepted_at = clock_.now();
    stored_.message.envelope.reverse_path = Mailbox{"sender", "sender.example"};
    add_recipient(Notify{});
  }

  void add_recipient(Notify notify) {
    Recipient recipient;
    recipient.mailbox = Mailbox{"to" + std::to_string(stored_.delivery.recipients.size()), "example.net"};
    recipient.notify = notify;
    stored_.message.envelope.recipients.push_back(recipient);
    stored_.delivery.recipients.emplace_back().next_attempt = clock_.now();
  }

  Publication publish(Outcome outcome, Status status) {
    RecipientReport report;
    report.outcome = outcome;
    report.status = std::move(status);
    report.remote = "mx.example.net [192.0.2.1]:25";
    return publish_reports(stored_, std::span(&report, 1), policy_, clock_.now(), random_);
  }

  test::FakeClock clock_;
  test::FakeRandom random_;
  DeliveryPolicy policy_;
  store::StoredMessage stored_;
};

const Status kOk{250, EnhancedCode{2, 0, 0}, "ok"};
const Status kLater{451, EnhancedCode{4, 3, 0}, "later"};
const Status kNobody{550, EnhancedCode{5, 1, 1}, "no such user"};
const Notify kEverything{.is_given = true, .never = false, .success = true, .failure = true, .delay = true};
const Notify kNever{.is_given = true, .never = true};

TEST_F(EventPublisherTest, CountsTheLifetimeOfWhatWasHeldFromItsTimeOn) {
  stored_.delivery.scheduled_at = clock_.now() + days(20);
  clock_.advance(days(20) + hours(1));
  const Publication first = publish(Outcome::Deferred, kLater);
  ASSERT_EQ(first.settlement.events.size(), 1U);
  EXPECT_EQ(first.settlement.events.front().type, EventType::RecipientDeferred);
  EXPECT_TRUE(first.notices.empty()) << "nobody waits for it yet";
  clock_.advance(policy_.retry.lifetime);
  EXPECT_EQ(publish(Outcome::Deferred, kLater).settlement.events.front().type, EventType::RecipientExpired);
}

TEST_F(EventPublisherTest, LeavesWhatIsHeldToItsTimeWhenTheClockWasSetBack) {
  stored_.delivery.scheduled_at = clock_.now() + days(20);
  stored_.delivery.recipients.front().next_attempt = *stored_.delivery.scheduled_at;
  clock_.advance(-hours(1));
  EXPECT_TRUE(publish_set_back(stored_, policy_, clock_.now()).is_empty());
}

TEST_F(EventPublisherTest, TurnsEachOutcomeIntoItsStageAndEvents) {
  struct Case {
    const char* name;
    Outcome outcome;
    Status status;
    RecipientStage stage;
    std::vector<EventType> events;
  };
  const std::vector<Case> cases = {
      {"delivered", Outcome::Delivered, kOk, RecipientStage::Delivered, {EventType::RecipientDelivered}},
      {"relayed", Outcome::Relayed, kOk, RecipientStage::Delivered, {EventType::RecipientDelivered}},
      {"deferred", Outcome::Deferred, kLater, RecipientStage::Pending, {EventType::RecipientDeferred}},
      {"bounced", Outcome::Bounced, kNobody, RecipientStage::Bounced, {EventType::RecipientBounced}},
      {"expired", Outcome::Expired, kLater, RecipientStage::Expired, {EventType::RecipientExpired}},
      {"suppressed", Outcome::Suppressed, kNobody, RecipientStage::Suppressed, {EventType::RecipientSuppressed}},
      {"complained",
       Outcome::Complained,
       kOk,
       RecipientStage::Complained,
       {EventType::RecipientDelivered, EventType::RecipientComplained}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Publication publication = publish(c.outcome, c.status);
    ASSERT_EQ(publication.settlement.changes.size(), 1U);
    const store::RecipientState& state = publication.settlement.changes[0].state;
    EXPECT_EQ(state.stage, c.stage);
    EXPECT_EQ(state.attempts, 1U);
    EXPECT_EQ(state.last_status, c.status);
    EXPECT_EQ(state.remote, "mx.example.net [192.0.2.1]:25");
    std::vector<EventType> types;
    for (const Event& event : publication.settlement.events) types.push_back(event.type);
    EXPECT_EQ(types, c.events);
    EXPECT_EQ(publication.settlement.events[0].recipient, "to0@example.net");
  }
}

TEST_F(EventPublisherTest, OwesTheNoticesThatWereAskedFor) {
  struct Case {
    const char* name;
    Notify notify;
    Outcome outcome;
    std::optional<DsnAction> owed;
  };
  const std::vector<Case> cases = {
      {"failure by default", Notify{}, Outcome::Bounced, DsnAction::Failed},
      {"failure of a suppressed one", Notify{}, Outcome::Suppressed, DsnAction::Failed},
      {"no success by default", Notify{}, Outcome::Relayed, std::nullopt},
      {"success where the next hop does no DSN", kEverything, Outcome::Relayed, DsnAction::Relayed},
      {"success is the next hop's where it does", kEverything, Outcome::Delivered, std::nullopt},
      {"never", kNever, Outcome::Bounced, std::nullopt},
      {"no delay notice at the first attempt", kEverything, Outcome::Deferred, std::nullopt},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    stored_.message.envelope.recipients[0].notify = c.notify;
    const Publication publication = publish(c.outcome, kNobody);
    ASSERT_EQ(publication.notices.size(), c.owed ? 1U : 0U);
    if (c.owed) {
      EXPECT_EQ(publication.notices[0].action, *c.owed);
    }
  }
}

TEST_F(EventPublisherTest, NeverOwesANoticeToTheNullReversePath) {
  stored_.message.envelope.reverse_path.reset();
  stored_.message.envelope.recipients[0].notify = kEverything;
  EXPECT_TRUE(publish(Outcome::Bounced, kNobody).notices.empty());
  EXPECT_TRUE(publish(Outcome::Relayed, kOk).notices.empty());
}

TEST_F(EventPublisherTest, ExpiresADeferralThatIsOlderThanTheLifetime) {
  clock_.advance(policy_.retry.lifetime);
  const Publication publication = publish(Outcome::Deferred, kLater);
  const store::RecipientState& state = publication.settlement.changes[0].state;
  EXPECT_EQ(state.stage, RecipientStage::Expired);
  EXPECT_EQ(state.last_status.enhanced, (EnhancedCode{4, 4, 7}));
  EXPECT_EQ(publication.settlement.events[0].type, EventType::RecipientExpired);
  ASSERT_EQ(publication.notices.size(), 1U);
  EXPECT_EQ(publication.notices[0].status.enhanced, (EnhancedCode{5, 4, 7}));
  EXPECT_NE(publication.notices[0].status.text.find("451 4.3.0 later"), std::string::npos) << "the last word is told";
}

TEST_F(EventPublisherTest, TriesAgainWhenTheReportSaysSo) {
  RecipientReport report;
  report.status = kLater;
  report.retry_after = std::chrono::seconds(2);
  const Publication publication = publish_reports(stored_, std::span(&report, 1), policy_, clock_.now(), random_);
  EXPECT_EQ(publication.settlement.changes[0].state.next_attempt, clock_.now() + std::chrono::seconds(2));
}

TEST_F(EventPublisherTest, OwesOneDelayNotice) {
  stored_.message.envelope.recipients[0].notify = kEverything;
  clock_.advance(policy_.delay_notice_after);
  const Publication first = publish(Outcome::Deferred, kLater);
  ASSERT_EQ(first.notices.size(), 1U);
  EXPECT_EQ(first.notices[0].action, DsnAction::Delayed);
  EXPECT_EQ(first.notices[0].retry_until, stored_.message.accepted_at + policy_.retry.lifetime);
  stored_.delivery.recipients[0] = first.settlement.changes[0].state;
  EXPECT_TRUE(publish(Outcome::Deferred, kLater).notices.empty());
}

TEST_F(EventPublisherTest, CountsNoAttemptWhileTheDestinationIsUnavailable) {
  const std::vector<std::uint32_t> recipients = {0};
  const Publication first = publish_waiting(stored_, {recipients, kLater}, policy_, clock_.now());
  ASSERT_EQ(first.settlement.changes.size(), 1U);
  EXPECT_EQ(first.settlement.changes[0].state.attempts, 0U);
  EXPECT_EQ(first.settlement.changes[0].state.next_attempt, clock_.now()) << "its turn comes as before";
  EXPECT_EQ(first.settlement.events[0].type, EventType::RecipientDeferred);
  stored_.delivery.recipients[0] = first.settlement.changes[0].state;
  EXPECT_TRUE(publish_waiting(stored_, {recipients, kLater}, policy_, clock_.now()).is_empty())
      << "told once";
}

TEST_F(EventPublisherTest, ExpiresWhatWaitedTooLongWithoutAnAttempt) {
  clock_.advance(policy_.retry.lifetime);
  const std::vector<std::uint32_t> recipients = {0};
  const Publication publication = publish_waiting(stored_, {recipients, kLater}, policy_, clock_.now());
  EXPECT_EQ(publication.settlement.changes.at(0).state.stage, RecipientStage::Expired);
  EXPECT_EQ(publication.notices.at(0).action, DsnAction::Failed);
}

TEST_F(EventPublisherTest, LeavesAFirstAttemptThatWasAskedForLaterWhereItIs) {
  stored_.message.accepted_at = clock_.now();
  stored_.delivery.recipients[0].next_attempt = clock_.now() + hours(48);
  EXPECT_TRUE(publish_set_back(stored_, policy_, clock_.now() - hours(1)).is_empty());
  stored_.delivery.recipients[0].attempts = 1;
  EXPECT_FALSE(publish_set_back(stored_, policy_, clock_.now() - hours(1)).is_empty());
}

}  // namespace
}  // namespace postern::relay
