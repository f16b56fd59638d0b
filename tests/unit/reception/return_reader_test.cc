// What a returned mail means for the message that it came back for, and what the reader does with what waits.
#include "reception/return_reader.h"

#include "tests/support/temp_store.h"

#include <gmock/gmock.h>

namespace postern::reception {
namespace {

using store::RecipientStage;
using ::testing::ElementsAre;

constexpr Instant kNow = Instant(std::chrono::hours(500'000));

store::StoredMessage sent_to(const std::vector<std::string>& domains) {
  test::FakeRandom random;
  test::Draft draft = test::make_draft(make_message_id(kNow, random), kNow, domains);
  for (auto& state : draft.delivery.recipients) state.stage = RecipientStage::Delivered;
  return {.message = draft.message, .delivery = draft.delivery};
}

ReturnedRecipient failed(std::string address) {
  return {.address = std::move(address),
          .outcome = ReturnedOutcome::Failed,
          .status = Status{550, EnhancedCode{5, 1, 1}, "no such user"},
          .remote = "mx.example",
          .about = relay::FailureClass::Recipient,
          .is_hard = true};
}

std::vector<EventType> types(const Consequences& consequences) {
  std::vector<EventType> found;
  for (const Event& event : consequences.settlement.events) found.push_back(event.type);
  return found;
}

TEST(Consequences, AreOfTheRecipientThatIsNamed) {
  const store::StoredMessage about = sent_to({"a.example", "b.example"});
  const Consequences found = consequences_of({.kind = ReturnedKind::Report, .recipients = {failed("TO@B.example")}}, about, kNow);
  EXPECT_THAT(types(found), ElementsAre(EventType::RecipientBounced));
  ASSERT_EQ(found.settlement.changes.size(), 1u);
  EXPECT_EQ(found.settlement.changes[0].index, 1u);
  EXPECT_EQ(found.settlement.changes[0].state.stage, RecipientStage::Bounced);
  EXPECT_EQ(found.settlement.events[0].recipient, "to@b.example");
  EXPECT_EQ(found.settlement.events[0].detail, "mx.example");
  EXPECT_EQ(found.settlement.id, about.message.id);
}

TEST(Consequences, OfTheOnlyRecipientWhateverItIsCalled) {
  const Consequences found = consequences_of({.kind = ReturnedKind::Report, .recipients = {failed("alias@elsewhere.example")}},
                                             sent_to({"a.example"}), kNow);
  EXPECT_THAT(types(found), ElementsAre(EventType::RecipientBounced));
}

TEST(Consequences, AreNoneForSomebodyItWasNotSentTo) {
  for (const char* address : {"nobody@elsewhere.example", "", "not an address", "to@a.example.evil"}) {
    const Consequences found =
        consequences_of({.kind = ReturnedKind::Report, .recipients = {failed(address)}}, sent_to({"a.example", "b.example"}), kNow);
    EXPECT_TRUE(found.settlement.events.empty() && found.settlement.changes.empty()) << address;
    EXPECT_EQ(found.findings.size(), 1u);
  }
}

TEST(Consequences, ComeOnce) {
  store::StoredMessage about = sent_to({"a.example"});
  const ReturnedMail twice{.kind = ReturnedKind::Report, .recipients = {failed("to@a.example"), failed("to@a.example")}};
  EXPECT_THAT(types(consequences_of(twice, about, kNow)), ElementsAre(EventType::RecipientBounced));
  for (const auto stage : {RecipientStage::Bounced, RecipientStage::Pending, RecipientStage::Cancelled, RecipientStage::Expired}) {
    about.delivery.recipients[0].stage = stage;
    EXPECT_TRUE(types(consequences_of(twice, about, kNow)).empty());
  }
}

TEST(Consequences, OfADelayAndADeliveryLeaveTheRecipientAsItIs) {
  ReturnedRecipient delayed = failed("to@a.example");
  delayed.outcome = ReturnedOutcome::Delayed;
  ReturnedRecipient delivered = failed("to@a.example");
  delivered.outcome = ReturnedOutcome::Delivered;
  const Consequences found =
      consequences_of({.kind = ReturnedKind::Report, .recipients = {delayed, delivered}}, sent_to({"a.example"}), kNow);
  EXPECT_THAT(types(found), ElementsAre(EventType::RecipientDeferred));
  EXPECT_TRUE(found.settlement.changes.empty());
  EXPECT_EQ(found.findings.size(), 2u);
}

TEST(Consequences, OfAComplaintAreTheRecipientsToo) {
  const ReturnedMail named{.kind = ReturnedKind::Complaint, .recipients = {{.address = "to@b.example"}}, .feedback_type = "abuse"};
  EXPECT_THAT(types(consequences_of(named, sent_to({"a.example", "b.example"}), kNow)),
              ElementsAre(EventType::RecipientComplained));
  const ReturnedMail unnamed{.kind = ReturnedKind::Complaint, .recipients = {}, .feedback_type = "abuse"};
  EXPECT_THAT(types(consequences_of(unnamed, sent_to({"a.example"}), kNow)), ElementsAre(EventType::RecipientComplained));
  EXPECT_TRUE(types(consequences_of(unnamed, sent_to({"a.example", "b.example"}), kNow)).empty());
  EXPECT_TRUE(types(consequences_of({.kind = ReturnedKind::Feedback, .recipients = named.recipients, .feedback_type = "not-spam"},
                                    sent_to({"b.example"}), kNow))
                  .empty());
}

TEST(Consequences, OfWhatNoReportIsAreNone) {
  for (const auto kind : {ReturnedKind::AutoReply, ReturnedKind::Challenge, ReturnedKind::Other}) {
    const Consequences found =
        consequences_of({.kind = kind, .recipients = {failed("to@a.example")}}, sent_to({"a.example"}), kNow);
    EXPECT_TRUE(found.settlement.events.empty() && found.settlement.changes.empty() && found.findings.empty());
  }
}

}  // namespace
}  // namespace postern::reception
