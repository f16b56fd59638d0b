// One key, one message: over both doors, at once and later.
#include "tests/unit/api/doors.h"

#include "tests/faults/disk_faults.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <set>

namespace postern::api {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kFirstEmail = R"({"from": "a@example.org", "to": "b@example.net", "subject": "x", "text": "first"})";
constexpr const char* kOther = R"({"from": "a@example.org", "to": "b@example.net", "subject": "x", "text": "second"})";
constexpr const char* kOtherTo = R"({"from": "a@example.org", "to": "c@example.net", "subject": "x", "text": "first"})";

std::string smtp_message(std::string_view fields, std::string_view mail_parameters = {}, std::string_view to = "b@example.net") {
  return "MAIL FROM:<a@example.org>" + std::string(mail_parameters) + "\r\nRCPT TO:<" + std::string(to) + ">\r\nDATA\r\n" +
         std::string(fields) + "Subject: x\r\n\r\nx\r\n.\r\n";
}

// "250 2.0.0 Ok: queued as <id>": the id.
std::string queued_id(const std::string& replies) {
  const std::size_t at = replies.find("queued as ");
  return at == std::string::npos ? "none: " + replies : replies.substr(at + 10, 26);
}

std::size_t stored(Doors& doors) { return doors.store.spool().usage().value().messages; }

TEST(Idempotency, AnswersAReplayOverHttpWithTheFirstId) {
  Doors doors;
  const ApiResponse first = doors.send(kFirstEmail, {{"idempotency-key", "k"}});
  ASSERT_EQ(first.status, 200) << first.body;
  doors.clock.advance(std::chrono::hours(1));
  const ApiResponse again = doors.send(kFirstEmail, {{"idempotency-key", "k"}});
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(again.headers, (Doors::Headers{{"Idempotency-Replayed", "true"}}));
  EXPECT_EQ(stored(doors), 1U);
  EXPECT_EQ(doors.wakes(), 1);
}

TEST(Idempotency, RefusesAnotherMessageOfTheSameKey) {
  Doors doors;
  ASSERT_EQ(doors.send(kFirstEmail, {{"idempotency-key", "k"}}).status, 200);
  for (const char* other : {kOther, kOtherTo}) {
    const ApiResponse conflict = doors.send(other, {{"idempotency-key", "k"}});
    EXPECT_EQ(conflict.status, 409);
    EXPECT_EQ(text_of(body_of(conflict), "name"), "idempotency_conflict");
  }
  EXPECT_EQ(doors.send(kOther, {{"idempotency-key", "l"}}).status, 200);
  EXPECT_EQ(doors.send(kFirstEmail).status, 200) << "without a key it is a message of its own";
  EXPECT_EQ(stored(doors), 3U);
}

TEST(Idempotency, ForgetsAKeyAfterItsRetention) {
  Doors doors;
  const ApiResponse first = doors.send(kFirstEmail, {{"idempotency-key", "k"}});
  doors.clock.advance(store::kIdempotencyRetention + std::chrono::seconds(1));
  const ApiResponse later = doors.send(kFirstEmail, {{"idempotency-key", "k"}});
  EXPECT_EQ(later.status, 200);
  EXPECT_NE(later.body, first.body);
}

TEST(Idempotency, RefusesAKeyThatIsEmptyOrTooLong) {
  Doors doors;
  EXPECT_EQ(doors.send(kFirstEmail, {{"idempotency-key", ""}}).status, 422);
  EXPECT_EQ(doors.send(kFirstEmail, {{"idempotency-key", std::string(257, 'k')}}).status, 422);
  EXPECT_EQ(doors.send(kFirstEmail, {{"idempotency-key", std::string(256, 'k')}}).status, 200);
}

TEST(Idempotency, AnswersAReplayOverSmtpWithTheFirstId) {
  Doors doors;
  const std::string first = doors.smtp(smtp_message("Idempotency-Key: k\r\n"));
  EXPECT_EQ(queued_id(doors.smtp(smtp_message("Idempotency-Key: k\r\n"))), queued_id(first));
  EXPECT_THAT(doors.smtp(smtp_message("Idempotency-Key: k\r\nX: y\r\n")), HasSubstr("554 5.6.0 idempotency_conflict: "));
  EXPECT_THAT(doors.smtp(smtp_message("Idempotency-Key: k\r\n", {}, "c@example.net")),
              HasSubstr("554 5.6.0 idempotency_conflict: "));
  EXPECT_EQ(stored(doors), 1U);
}

TEST(Idempotency, TakesEnvidForAKey) {
  Doors doors;
  const std::string first = doors.smtp(smtp_message("", " ENVID=order-1"));
  EXPECT_EQ(queued_id(doors.smtp(smtp_message("", " ENVID=order-1"))), queued_id(first));
  EXPECT_NE(queued_id(doors.smtp(smtp_message("X: y\r\n", " ENVID=order-1"))), queued_id(first)) << "clients send a constant one";
  EXPECT_THAT(doors.smtp(smtp_message("", " ENVID=order-1", "c@example.net")), HasSubstr("queued as "))
      << "one message may come in several transactions";
  EXPECT_EQ(stored(doors), 3U);
}

TEST(Idempotency, GivesBackWhatAReplayReserved) {
  Doors doors;
  doors.use_account(AccountMode::Production, {"small", {}, 2, {}});
  doors.use_key(Environment::Live);
  (void)doors.smtp(smtp_message("Idempotency-Key: k\r\n"));
  (void)doors.smtp(smtp_message("Idempotency-Key: k\r\n"));
  EXPECT_THAT(doors.smtp(smtp_message("")), HasSubstr("queued as ")) << "the second recipient of the day";
  EXPECT_THAT(doors.smtp(smtp_message("")), HasSubstr("quota_exceeded"));
  EXPECT_THAT(doors.smtp(smtp_message("Idempotency-Key: k\r\n")), Not(HasSubstr("queued as ")))
      << "SMTP judges before it knows the key";
}

TEST(Idempotency, AnswersAReplayOverHttpWhereTheQuotaIsUsedUp) {
  Doors doors;
  doors.use_account(AccountMode::Production, {"small", {}, 1, {}});
  doors.use_key(Environment::Live);
  const ApiResponse first = doors.send(kFirstEmail, {{"idempotency-key", "k"}});
  EXPECT_EQ(doors.send(kFirstEmail).status, 429);
  EXPECT_EQ(doors.send(kFirstEmail, {{"idempotency-key", "k"}}).body, first.body);
}

TEST(Idempotency, IsEachAccountsOwn) {
  Doors doors;
  const ApiResponse first = doors.send(kFirstEmail, {{"idempotency-key", "k"}});
  doors.use_account(AccountMode::Production);
  doors.use_key(Environment::Live);
  const ApiResponse second = doors.send(kFirstEmail, {{"idempotency-key", "k"}});
  EXPECT_EQ(second.status, 200);
  EXPECT_NE(second.body, first.body);
}

// Both are open before either is committed: the store decides, in one commit.
TEST(Idempotency, StoresOneOfTwoThatAreUnderWayAtOnce) {
  for (const bool is_same : {true, false}) {
    Doors doors;
    const auto [first, second] = doors.send_at_once({kFirstEmail, is_same ? kFirstEmail : kOther}, {{"idempotency-key", "k"}});
    EXPECT_EQ(first.status, 200) << first.body;
    EXPECT_EQ(second.status, is_same ? 200 : 409) << second.body;
    if (is_same) {
      EXPECT_EQ(second.body, first.body);
    }
    EXPECT_EQ(stored(doors), 1U);
  }
}

TEST(Idempotency, OfABatchCompletesWhatWasBegun) {
  Doors doors;
  const std::string batch = '[' + std::string(kFirstEmail) + ',' + kOther + ']';
  const ApiResponse first = doors.post("/v1/emails/batch", batch, {{"idempotency-key", "k"}});
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(doors.post("/v1/emails/batch", batch, {{"idempotency-key", "k"}}).body, first.body);
  const std::string changed = '[' + std::string(kFirstEmail) + ',' + kOtherTo + ']';
  EXPECT_EQ(doors.post("/v1/emails/batch", changed, {{"idempotency-key", "k"}}).status, 409);
  EXPECT_EQ(stored(doors), 2U);
}

TEST(Idempotency, OfABatchIsForThatBatchAlone) {
  for (const char* validation : {"strict", "permissive"}) {
    Doors doors;
    const Doors::Headers headers = {{"idempotency-key", "k"}, {"x-batch-validation", validation}};
    const std::string one(kFirstEmail);
    ASSERT_EQ(doors.post("/v1/emails/batch", '[' + one + ',' + kOther + ']', headers).status, 200);
    for (const std::string& other :
         {'[' + one + ']', '[' + one + ',' + kOther + ',' + kOtherTo + ']', '[' + one + ',' + one + ']'}) {
      const ApiResponse conflict = doors.post("/v1/emails/batch", other, headers);
      EXPECT_EQ(conflict.status, 409) << other;
      EXPECT_EQ(text_of(body_of(conflict), "name"), "idempotency_conflict");
    }
    EXPECT_EQ(stored(doors), 2U) << validation;
  }
}

TEST(Idempotency, OfTwentyEqualBatchesAtOnceIsAnsweredOnceAnew) {
  Doors doors;
  const std::string batch = '[' + std::string(kFirstEmail) + ',' + kOther + ',' + kOtherTo + ']';
  std::set<std::string> bodies;
  std::size_t replayed = 0;
  for (const ApiResponse& response : doors.batches_at_once(20, batch, {{"idempotency-key", "k"}})) {
    EXPECT_EQ(response.status, 200) << response.body;
    bodies.insert(response.body);
    if (!response.headers.empty()) ++replayed;
  }
  EXPECT_EQ(bodies.size(), 1U);
  EXPECT_EQ(replayed, 19U);
  EXPECT_EQ(stored(doors), 3U);
}

TEST(Idempotency, OfABatchKeepsClearOfTheKeysOfEmails) {
  Doors doors;
  ASSERT_EQ(doors.send(kOther, {{"idempotency-key", "k/0"}}).status, 200);
  EXPECT_EQ(doors.post("/v1/emails/batch", '[' + std::string(kFirstEmail) + ']', {{"idempotency-key", "k"}}).status, 200);
  EXPECT_EQ(doors.send(kOther, {{"idempotency-key", "k"}}).status, 200);
  EXPECT_EQ(stored(doors), 3U);
}

TEST(Idempotency, OfAPermissiveBatchSendsLaterWhatCouldNotGo) {
  Doors doors;
  doors.use_account(AccountMode::Sandbox);
  doors.use_key(Environment::Live);
  ASSERT_TRUE(doors.accounts.allow(doors.account, "c@example.net"));
  const std::string batch = '[' + std::string(kFirstEmail) + ',' + kOtherTo + ']';
  const Doors::Headers headers = {{"idempotency-key", "k"}, {"x-batch-validation", "permissive"}};
  const auto count = [&](const char* list) {
    return body_of(doors.post("/v1/emails/batch", batch, headers)).at(list).as_array().size();
  };
  EXPECT_EQ(count("errors"), 1U);
  EXPECT_EQ(stored(doors), 1U);
  ASSERT_TRUE(doors.accounts.allow(doors.account, "b@example.net"));
  EXPECT_EQ(count("data"), 2U);
  EXPECT_EQ(count("data"), 2U);
  EXPECT_EQ(stored(doors), 2U) << "each once";
}

// Whichever write of the batch finds the disk full: what was sent stays sent, and asking again sends the rest.
TEST(Idempotency, OfABatchCompletesWhatAFullDiskCutOff) {
  constexpr std::size_t kMoreThanItsWrites = 60;
  const std::string batch = '[' + std::string(kFirstEmail) + ',' + kOther + ',' + kOtherTo + ']';
  std::set<std::size_t> cut_off_after;
  for (std::size_t nth = 1; nth <= kMoreThanItsWrites; ++nth) {
    Doors doors;
    test::disk::fail(test::disk::Call::Write, nth, ENOSPC, false);
    const ApiResponse first = doors.post("/v1/emails/batch", batch, {{"idempotency-key", "k"}});
    const bool was_met = test::disk::was_met();
    test::disk::reset();
    if (!was_met) break;
    // LMDB's meta page, which needs no room: then the disk is broken rather than full, and nothing is taken until a restart.
    if (!doors.store.spool().usage()) continue;
    cut_off_after.insert(stored(doors));
    const ApiResponse again = doors.post("/v1/emails/batch", batch, {{"idempotency-key", "k"}});
    ASSERT_EQ(again.status, 200) << "write " << nth << ": " << first.body << again.body;
    EXPECT_EQ(body_of(again).at("data").as_array().size(), 3U);
    EXPECT_EQ(stored(doors), 3U) << "write " << nth;
  }
  EXPECT_EQ(cut_off_after, (std::set<std::size_t>{0, 1, 2})) << "each of the three was the one that failed";
}

}  // namespace
}  // namespace postern::api
