// From an accepted envelope to a durable message: what is written, what is refused on the way, what
// a replay answers.
#include "submission/intake.h"

#include "submission/transaction.h"
#include "tests/support/captured_log.h"
#include "tests/support/coroutine_loop.h"
#include "tests/support/submission_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::submission {
namespace {

using test::recipient_at;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kPlain =
    "From: a@example.org\r\nDate: x\r\nMessage-ID: <1@example.org>\r\n\r\nbody\r\n";

class IntakeTest : public ::testing::Test {
 protected:
  IntakeTest() {
    EXPECT_TRUE(judge_.judge_sender(Mailbox{"a", "example.org"}).is_accepted());
    envelope_.reverse_path = Mailbox{"a", "example.org"};
    envelope_.recipients.push_back(recipient_at("b", "example.net"));
    trace_.helo_name = "host";
    trace_.protocol = "ESMTPSA";
  }

  // In pieces of `piece` octets.
  IntakeOutcome take_in(std::string_view content, std::size_t piece = 1000,
                        IdempotencyKey key = {}) {
    Intake intake(parts_.context, {judge_, parts_.submitter, envelope_, trace_}, std::move(key),
                  std::nullopt);
    for (std::size_t at = 0; at < content.size(); at += piece) {
      intake.append(content.substr(at, piece));
    }
    return loop_.run(intake.commit());
  }
  std::string stored(const IntakeOutcome& outcome) {
    const auto* taken = std::get_if<TakenIn>(&outcome);
    if (!taken) return "";
    return test::read_content(parts_.store.spool(),
                              parts_.store.spool().find(taken->id).value()->message);
  }
  static std::string refusal(const IntakeOutcome& outcome) {
    const auto* lost = std::get_if<NotTakenIn>(&outcome);
    return lost ? std::string(refusal_row(lost->why.refusal).token) : "";
  }

  test::SubmissionParts parts_;
  test::CoroutineLoop loop_;
  Judge judge_{parts_.context, parts_.submitter};
  Envelope envelope_;
  TraceFacts trace_;
};

TEST_F(IntakeTest, StoresTheContentBelowATraceHeaderHoweverItCameInPieces) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, kPlain.size()}) {
    const IntakeOutcome outcome = take_in(kPlain, piece);
    const std::string content = stored(outcome);
    EXPECT_THAT(content, StartsWith("Received: from authenticated-client\r\n")) << piece;
    EXPECT_THAT(content, EndsWith(kPlain)) << piece;
    const auto& taken = std::get<TakenIn>(outcome);
    EXPECT_EQ(taken.octets, content.size());
    EXPECT_EQ(taken.due.id, taken.id);
    EXPECT_EQ(taken.due.account, parts_.account);
    EXPECT_FALSE(taken.is_replay);
  }
}

TEST_F(IntakeTest, OffersItsOneRecipientToUnsubscribe) {
  parts_.context.unsubscribe_links = {{1, 2, 3}, "https://relay.example"};
  const std::string asks = "X-Postern-Unsubscribe: news\r\nX-Postern-Tags: kind=letter\r\n" + std::string(kPlain);
  const IntakeOutcome outcome = take_in(asks);
  const auto record = parts_.store.spool().find(std::get<TakenIn>(outcome).id).value()->message;
  const domains::Unsubscription wish{.account = parts_.account,
                                     .environment = record.environment,
                                     .message = record.id,
                                     .stream = "news",
                                     .address = "b@example.net"};
  EXPECT_THAT(stored(outcome), EndsWith(parts_.context.unsubscribe_links.fields_of(wish) + std::string(kPlain)));
  using Tags = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(record.summary.tags, (Tags{{"kind", "letter"}, {"stream", "news"}}));
}

TEST_F(IntakeTest, AddsABlindCopyWhereAnOperatorWantsOneOfTheAccountsLiveMail) {
  ASSERT_TRUE(parts_.accounts.set_blind_copy(parts_.account, "archive@example.org"));
  EXPECT_EQ(parts_.accounts.set_blind_copy(parts_.account, "archive").error().code(), ErrorCode::InvalidArgument);
  const auto recipients_of = [&] {
    EXPECT_TRUE(judge_.judge_sender(Mailbox{"a", "example.org"}).is_accepted());
    const IntakeOutcome outcome = take_in(kPlain);
    const auto stored = parts_.store.spool().find(std::get<TakenIn>(outcome).id).value().value();
    EXPECT_EQ(stored.delivery.recipients.size(), stored.message.envelope.recipients.size());
    EXPECT_TRUE(stored.message.envelope.recipients.back().notify.never ||
                stored.message.envelope.recipients.size() == 1);
    return stored.message.envelope.recipients.size();
  };
  EXPECT_EQ(recipients_of(), 2U);
  envelope_.recipients = {recipient_at("archive", "EXAMPLE.org")};
  EXPECT_EQ(recipients_of(), 1U) << "it gets the message already";
  parts_.use_key(Environment::Test);
  envelope_.recipients = {recipient_at("b", "example.net")};
  EXPECT_EQ(recipients_of(), 1U) << "test mail is nobody else's";
}

TEST_F(IntakeTest, RefusesALinkThatSeveralWouldShareOrThatNamesNoStream) {
  EXPECT_EQ(refusal(take_in("X-Postern-Unsubscribe: two words\r\n" + std::string(kPlain))), "invalid_message");
  envelope_.recipients.push_back(recipient_at("c", "example.net"));
  EXPECT_EQ(refusal(take_in("X-Postern-Unsubscribe: news\r\n" + std::string(kPlain))), "invalid_message");
  EXPECT_EQ(refusal(take_in(kPlain)), "");
}

TEST_F(IntakeTest, MendsAHeaderAndKnowsItsMessageId) {
  const IntakeOutcome outcome = take_in("Subject: x\r\nBcc: c@example.net\r\n\r\nbody\r\n");
  EXPECT_THAT(stored(outcome), EndsWith("@relay.example>\r\nSubject: x\r\n\r\nbody\r\n"));
  const auto record = parts_.store.spool().find(std::get<TakenIn>(outcome).id).value()->message;
  EXPECT_EQ(record.summary.message_id, format_message_id(record.id) + "@relay.example");
}

TEST_F(IntakeTest, RefusesAtTheEndOfDataWhatItFoundOnTheWay) {
  EXPECT_EQ(refusal(take_in("From: a@x.example\r\nFrom: b@x.example\r\n\r\nx\r\n")),
            "invalid_message");
  EXPECT_EQ(refusal(take_in("Subject: " + std::string(mime::kMaxHeaderOctets, 'x') + "\r\n\r\n")),
            "header_too_big");
  EXPECT_EQ(parts_.store.spool().usage().value().messages, 0U);
}

TEST_F(IntakeTest, EncodesLongLinesUnderAnotherIdOrRefusesThem) {
  const std::string content = "From: a@example.org\r\n\r\n" + std::string(1200, 'x') + "\r\n";
  EXPECT_THAT(stored(take_in(content)), HasSubstr("Content-Transfer-Encoding: quoted-printable"));
  parts_.context.settings.long_lines = LongLines::Pass;
  EXPECT_THAT(stored(take_in(content)), EndsWith(content));
  parts_.context.settings.long_lines = LongLines::Refuse;
  EXPECT_EQ(refusal(take_in(content)), "invalid_message");
  trace_.helo_name.clear();
  EXPECT_THAT(stored(take_in(content)), HasSubstr("quoted-printable"))
      << "over HTTP it was composed here";
}

TEST_F(IntakeTest, AnswersAReplayWithTheFirstAndAnotherContentWithAConflict) {
  const std::string keyed = "Idempotency-Key: k1\r\nFrom: a@example.org\r\n\r\nbody\r\n";
  const IntakeOutcome first = take_in(keyed);
  const IntakeOutcome again = take_in(keyed);
  ASSERT_TRUE(std::holds_alternative<TakenIn>(again));
  EXPECT_TRUE(std::get<TakenIn>(again).is_replay);
  EXPECT_EQ(std::get<TakenIn>(again).id, std::get<TakenIn>(first).id);
  const IntakeOutcome other = take_in(keyed + "more\r\n");
  EXPECT_EQ(refusal(other), "idempotency_conflict");
  EXPECT_EQ(std::get<NotTakenIn>(other).id, std::get<TakenIn>(first).id);
}

// What the other machines say, as the test has it.
struct FakeClaims final : store::ClaimLog {
  store::ClaimOutcome says;
  std::vector<bool> settled;
  int asked = 0;

  void claim(const store::SharedClaim&, store::ClaimOutcome& outcome, Completion done) override {
    ++asked;
    outcome = says;
    done({});
  }
  void find(const AccountId&, const std::array<std::uint8_t, 32>&, store::ClaimOutcome& outcome, Completion done) override {
    outcome = says;
    done({});
  }
  void settle(const store::SharedClaim&, bool is_stored) override { settled.push_back(is_stored); }
};

TEST_F(IntakeTest, ClaimsItsKeyAmongAllMachinesBeforeItIsStored) {
  FakeClaims claims;
  parts_.context.claims = &claims;
  using Kind = store::ClaimOutcome::Kind;
  const auto keyed = [](int number) { return "Idempotency-Key: " + std::to_string(number) + "\r\n" + std::string(kPlain); };
  EXPECT_FALSE(std::get<TakenIn>(take_in(kPlain)).is_replay);
  EXPECT_EQ(claims.asked, 0) << "who has no key asks nobody";

  claims.says.kind = Kind::Busy;
  EXPECT_EQ(refusal(take_in(keyed(1))), "storage_unavailable");
  claims.says = {.kind = Kind::Taken, .first = {.fingerprint = {}, .message = MessageId{{7}}, .at = {}}};
  const IntakeOutcome other = take_in(keyed(1));
  EXPECT_EQ(refusal(other), "idempotency_conflict");
  EXPECT_EQ(std::get<NotTakenIn>(other).id, MessageId{{7}});
  EXPECT_EQ(parts_.store.spool().usage().value().messages, 1U);
  EXPECT_TRUE(claims.settled.empty()) << "nothing was claimed";

  for (const Kind kind : {Kind::Free, Kind::Alone}) {
    claims.says.kind = kind;
    const auto first = std::get<TakenIn>(take_in(keyed(2 + static_cast<int>(kind))));
    EXPECT_FALSE(first.is_replay);
    const int asked = claims.asked;
    const auto again = std::get<TakenIn>(take_in(keyed(2 + static_cast<int>(kind))));
    EXPECT_EQ(again.id, first.id);
    EXPECT_TRUE(again.is_replay);
    EXPECT_EQ(claims.asked, asked) << "what this machine has nobody is asked for";
  }
  EXPECT_EQ(claims.settled, (std::vector<bool>{true, true}));
}

TEST_F(IntakeTest, KeepsNothingOfWhatIsAbandoned) {
  {
    Intake intake(parts_.context, {judge_, parts_.submitter, envelope_, trace_}, {}, std::nullopt);
    intake.append(kPlain);
  }
  EXPECT_EQ(parts_.store.spool().usage().value().messages, 0U);
}

// --- The whole transaction: who logs, counts and gives back
// -------------------------------------------------------------

class TransactionTest : public ::testing::Test {
 protected:
  Decision send(Transaction& transaction, std::string_view content) {
    envelope_.recipients = {recipient_at("b", "example.net")};
    EXPECT_TRUE(transaction.open(envelope_, {.helo_name = "host", .protocol = "ESMTPSA", .tls = {}})
                    .is_accepted());
    transaction.sink().append(content);
    return loop_.run(transaction.commit());
  }

  test::SubmissionParts parts_;
  test::CoroutineLoop loop_;
  Envelope envelope_;
};

TEST_F(TransactionTest, WakesTheQueueAndLogsOnceForWhatItAccepted) {
  test::CapturedLog log;
  Transaction transaction(parts_.context, parts_.submitter);
  ASSERT_TRUE(transaction.judge_sender(std::nullopt).is_accepted());
  ASSERT_TRUE(transaction.judge_recipient(recipient_at("b", "example.net")).is_accepted());
  EXPECT_TRUE(send(transaction, kPlain).is_accepted());
  ASSERT_EQ(parts_.woken.size(), 1U);
  ASSERT_TRUE(transaction.accepted_as());
  EXPECT_EQ(parts_.woken.front().id, transaction.accepted_as()->id);
  const std::string lines = log.finish();
  EXPECT_THAT(lines,
              HasSubstr("message_accepted id=" + format_message_id(transaction.accepted_as()->id)));
  EXPECT_EQ(std::ranges::count(lines, '\n'), 1);
}

TEST_F(TransactionTest, LogsEachRefusalOnceWithItsWords) {
  test::CapturedLog log;
  parts_.use_key(Environment::Live, {"acme.example"});
  Transaction transaction(parts_.context, parts_.submitter);
  EXPECT_FALSE(transaction.judge_sender(Mailbox{"a", "victim.example"}).is_accepted());
  ASSERT_TRUE(transaction.judge_sender(Mailbox{"a", "acme.example"}).is_accepted());
  EXPECT_FALSE(transaction.judge_recipient(recipient_at("b", "nowhere.example")).is_accepted());
  EXPECT_FALSE(send(transaction, "From: a@victim.example\r\n\r\nx\r\n").is_accepted());
  EXPECT_TRUE(parts_.woken.empty());
  const std::string lines = log.finish();
  EXPECT_THAT(
      lines,
      HasSubstr("sender_refused reason=sender_not_allowed sender=<a@victim.example> detail="));
  EXPECT_THAT(lines, HasSubstr("recipient_refused reason=no_route recipient=b@nowhere.example"));
  EXPECT_THAT(lines,
              HasSubstr("reason=sender_not_allowed detail=\"the From field names victim.example"));
  EXPECT_EQ(std::ranges::count(lines, '\n'), 3);
}

TEST_F(TransactionTest, GivesTheQuotaBackUnlessTheMessageWasAccepted) {
  parts_.use_account(AccountMode::Production, {"custom", {}, 1, {}});
  parts_.use_key(Environment::Live);
  const auto judged = [&](Transaction& transaction) {
    EXPECT_TRUE(transaction.judge_sender(std::nullopt).is_accepted());
    return transaction.judge_recipient(recipient_at("b", "example.net")).is_accepted();
  };
  {
    Transaction refused(parts_.context, parts_.submitter);
    ASSERT_TRUE(judged(refused));
    EXPECT_FALSE(send(refused, "From: a@x.example\r\nFrom: b@x.example\r\n\r\n").is_accepted());
  }
  {
    Transaction accepted(parts_.context, parts_.submitter);
    ASSERT_TRUE(judged(accepted));
    EXPECT_TRUE(send(accepted, kPlain).is_accepted());
  }
  Transaction late(parts_.context, parts_.submitter);
  EXPECT_FALSE(judged(late));
}

}  // namespace
}  // namespace postern::submission
