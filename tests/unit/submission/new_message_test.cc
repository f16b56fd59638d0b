#include "submission/new_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::submission {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Instant kAcceptedAt{std::chrono::seconds{1'767'607'200}};

class NewMessageTest : public ::testing::Test {
 protected:
  NewMessageTest() {
    envelope_.reverse_path = Mailbox{"a", "example.org"};
    envelope_.recipients.push_back({Mailbox{"b", "example.net"}, {}, {}});
    submitter_.user_name = "ci-7";
  }
  store::NewMessage made(const std::vector<std::string>& warnings = {}) {
    return new_message({.id = {},
                        .principal = principal_,
                        .submitter = submitter_,
                        .envelope = envelope_,
                        .helo_name = "host",
                        .hides_reverse_path = hides_,
                        .is_eight_bit = is_eight_bit_,
                        .is_header_eight_bit = is_header_eight_bit_,
                        .trace_octets = 3,
                        .capture_retention = std::chrono::hours(2),
                        .now = kAcceptedAt,
                        .release_at = release_at_},
                       {}, warnings);
  }

  auth::Principal principal_;
  Submitter submitter_;
  Envelope envelope_;
  bool hides_ = false;
  std::optional<Instant> release_at_;
  bool is_eight_bit_ = false;
  bool is_header_eight_bit_ = false;
};

TEST_F(NewMessageTest, IsDueAtOnceOnItsRecipientsLane) {
  const store::NewMessage message = made();
  EXPECT_EQ(message.delivery.due, kAcceptedAt);
  EXPECT_EQ(message.delivery.lane, store::lane_of_pending(message.record, message.delivery));
  ASSERT_EQ(message.delivery.recipients.size(), 1U);
  EXPECT_EQ(message.delivery.recipients.front().next_attempt, kAcceptedAt);
  EXPECT_FALSE(message.delivery.content_until) << "live content goes with its delivery";
  ASSERT_EQ(message.events.size(), 1U);
  EXPECT_EQ(message.events.front().type, EventType::MessageAccepted);
  EXPECT_EQ(message.events.front().detail, "ci-7");
  EXPECT_EQ(message.events.front().status.code, 0);
}

TEST_F(NewMessageTest, IsDueAtItsTimeWhereItHasOne) {
  release_at_ = kAcceptedAt + std::chrono::hours(5);
  principal_.environment = Environment::Test;
  const store::NewMessage message = made();
  EXPECT_EQ(message.delivery.due, release_at_);
  EXPECT_EQ(message.delivery.scheduled_at, release_at_);
  EXPECT_EQ(message.delivery.recipients.front().next_attempt, *release_at_);
  EXPECT_EQ(message.record.accepted_at, kAcceptedAt);
  EXPECT_EQ(message.delivery.content_until, *release_at_ + std::chrono::hours(2));
  ASSERT_EQ(message.events.size(), 2U);
  EXPECT_EQ(message.events.back().type, EventType::MessageScheduled);
  EXPECT_EQ(message.events.back().detail, "2026-01-05T15:00:00Z");
}

TEST_F(NewMessageTest, KeepsATestMessagesContentAndTellsItsWarnings) {
  principal_.environment = Environment::Test;
  const store::NewMessage message = made({"one", "two"});
  EXPECT_EQ(message.delivery.content_until, kAcceptedAt + std::chrono::hours(2));
  EXPECT_EQ(message.events.front().status.text, "warnings: one; two");
}

TEST_F(NewMessageTest, AsksOfANextHopWhatTheContentNeedsAndNoMore) {
  struct Case {
    const char* name;
    bool is_eight_bit;
    bool is_header_eight_bit;
    Mailbox to;
    BodyType body;
    bool needs_smtputf8;
  };
  const Case cases[] = {
      {"plain, said to need it", false, false, {"b", "example.net"}, BodyType::SevenBit, false},
      {"an 8-bit body", true, false, {"b", "example.net"}, BodyType::EightBitMime, false},
      {"an 8-bit header", true, true, {"b", "example.net"}, BodyType::EightBitMime, true},
      {"an address beyond ASCII",
       false,
       false,
       {"b\xC3\xBC", "example.net"},
       BodyType::SevenBit,
       true},
      {"a domain that has an ASCII form",
       false,
       false,
       {"b",
        "b\xC3\xBC"
        "cher.example"},
       BodyType::SevenBit,
       false},
  };
  for (const Case& c : cases) {
    envelope_.parameters.smtputf8 = true;
    envelope_.recipients.front().mailbox = c.to;
    is_eight_bit_ = c.is_eight_bit;
    is_header_eight_bit_ = c.is_header_eight_bit;
    const EnvelopeParameters parameters = made().record.envelope.parameters;
    EXPECT_EQ(parameters.body, c.body) << c.name;
    EXPECT_EQ(parameters.smtputf8, c.needs_smtputf8) << c.name;
  }
}

TEST_F(NewMessageTest, LetsNobodyHearOfASenderWhoHasNotAgreed) {
  hides_ = true;
  envelope_.parameters.ret = DsnReturn::Full;
  envelope_.recipients.front().notify = {.is_given = true, .success = true};
  const Envelope out = made().record.envelope;
  EXPECT_FALSE(out.reverse_path);
  EXPECT_EQ(out.parameters.ret, DsnReturn::Headers);
  EXPECT_TRUE(out.recipients.front().notify.never);
  EXPECT_FALSE(out.recipients.front().notify.success);
}

TEST_F(NewMessageTest, SummarisesWhatTheHeaderTells) {
  mime::HeaderScan header;
  header.feed("Subject: Hi\r\nTo: B <b@example.net>\r\nX-Postern-Tags: kind=order\r\n\r\n");
  envelope_.recipients.push_back({Mailbox{"blind", "example.net"}, {}, {}});
  const store::MessageSummary summary = summary_of(header, envelope_);
  EXPECT_EQ(summary.from, "a@example.org") << "the envelope's, where there is no From field";
  EXPECT_EQ(summary.subject, "Hi");
  EXPECT_THAT(summary.to, ElementsAre("b@example.net"));
  EXPECT_THAT(summary.cc, IsEmpty());
  EXPECT_THAT(summary.bcc, ElementsAre("blind@example.net"));
  EXPECT_EQ(summary.tags.size(), 1U);
}

}  // namespace
}  // namespace postern::submission
