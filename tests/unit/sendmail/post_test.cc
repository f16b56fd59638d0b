#include "sendmail/post.h"

#include "core/message_id.h"
#include "tests/support/fake_random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>

namespace postern::sendmail {
namespace {

const Instant kSent{std::chrono::seconds(1'764'590'400)};
const Status kTaken{250, EnhancedCode{2, 0, 0}, "Ok"};
const Status kLater{450, EnhancedCode{4, 2, 1}, "later"};
const Status kNever{550, EnhancedCode{5, 1, 1}, "nobody"};

class PostTest : public ::testing::Test {
 protected:
  PostTest() {
    std::string name = (std::filesystem::temp_directory_path() / "postern-post-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    spool_ = name;
  }
  ~PostTest() override { std::filesystem::remove_all(spool_); }

  Letter letter(std::initializer_list<const char*> recipients, Duration after = {}) {
    Letter made{.id = format_message_id(make_message_id(kSent + after, random_)), .content = "x\r\n"};
    for (const char* one : recipients) made.recipients.push_back(parse_mailbox(one).value());
    return made;
  }
  // As a relay that says of each address what `answers` has, and takes what it has nothing on.
  Deliver relay() {
    return [this](const Letter& letter) {
      seen_.push_back(letter);
      Delivery delivery{.has_session = !is_away_, .statuses = {}};
      for (const Mailbox& mailbox : letter.recipients) {
        const auto found = answers_.find(format_mailbox(mailbox));
        delivery.statuses.push_back(is_away_ ? away_ : found == answers_.end() ? kTaken : found->second);
      }
      return delivery;
    };
  }
  std::function<Result<Outbox>()> opening() {
    return [this] { return Outbox::open(spool_); };
  }
  Flushed flush_now(Duration after = {}, std::size_t limit = 100) {
    auto outbox = Outbox::open(spool_).value();
    return flush(outbox, relay(), kSent + after, limit);
  }

  std::filesystem::path spool_;
  test::FakeRandom random_;
  std::map<std::string, Status> answers_;
  bool is_away_ = false;
  Status away_{451, EnhancedCode{4, 4, 1}, "no answer"};
  std::vector<Letter> seen_;
};

TEST_F(PostTest, AWholeLetterLeavesNothingBehind) {
  const auto handed = hand_over(letter({"a@example.org", "b@example.org"}), relay(), opening()).value();
  EXPECT_EQ(handed.taken, 2U);
  EXPECT_TRUE(std::filesystem::is_empty(spool_)) << "no folder without a need";
}

TEST_F(PostTest, WhatTheRelayCannotTakeNowIsSentLaterAndOnce) {
  answers_ = {{"b@example.org", kLater}, {"c@example.org", kNever}};
  const auto handed = hand_over(letter({"a@example.org", "b@example.org", "c@example.org"}), relay(), opening()).value();
  EXPECT_EQ(handed.taken, 1U);
  EXPECT_EQ(handed.kept, 1U);
  EXPECT_EQ(handed.why_kept, "450 4.2.1 later");
  EXPECT_THAT(handed.refused, testing::ElementsAre("c@example.org: 550 5.1.1 nobody"));
  answers_.clear();
  const Flushed flushed = flush_now();
  EXPECT_EQ(flushed.taken, 1U);
  EXPECT_EQ(flushed.waiting, 0U);
  ASSERT_EQ(seen_.size(), 2U);
  EXPECT_EQ(seen_[1].recipients, seen_[0].recipients.size() == 3 ? std::vector{seen_[0].recipients[1]} : seen_[0].recipients);
  EXPECT_EQ(seen_[0].id, seen_[1].id);
  EXPECT_EQ(seen_[1].part, 2U) << "other recipients are another submission to the relay";
  EXPECT_EQ(flush_now().taken, 0U);
}

TEST_F(PostTest, ALetterThatNobodyTookIsTheSameSubmissionAgain) {
  is_away_ = true;
  ASSERT_TRUE(hand_over(letter({"a@example.org"}), relay(), opening()));
  is_away_ = false;
  EXPECT_EQ(flush_now().taken, 1U);
  EXPECT_EQ(seen_[1].part, 1U);
}

TEST_F(PostTest, WithARelayThatIsAwayNotEveryLetterIsTried) {
  is_away_ = true;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(hand_over(letter({"a@example.org"}, std::chrono::seconds(i)), relay(), opening()));
  seen_.clear();
  const Flushed flushed = flush_now();
  EXPECT_EQ(seen_.size(), 1U);
  EXPECT_EQ(flushed.waiting, 5U);
  EXPECT_THAT(flushed.reports, testing::ElementsAre("451 4.4.1 no answer"));
}

TEST_F(PostTest, AKeyThatIsNotLetInLosesNothingThatWaits) {
  is_away_ = true;
  ASSERT_TRUE(hand_over(letter({"a@example.org"}), relay(), opening()));
  away_ = {535, EnhancedCode{5, 7, 8}, "invalid_key"};
  EXPECT_EQ(flush_now().waiting, 1U);
  is_away_ = false;
  EXPECT_EQ(flush_now().taken, 1U);
}

TEST_F(PostTest, ALetterThatIsPutOffAgainHoldsUpNoOther) {
  answers_ = {{"late@example.org", kLater}};
  ASSERT_TRUE(hand_over(letter({"late@example.org"}), relay(), opening()));
  is_away_ = true;
  ASSERT_TRUE(hand_over(letter({"b@example.org"}, std::chrono::seconds(1)), relay(), opening()));
  is_away_ = false;
  const Flushed flushed = flush_now();
  EXPECT_EQ(flushed.taken, 1U);
  EXPECT_EQ(flushed.waiting, 1U);
}

TEST_F(PostTest, WhatIsRefusedLaterIsKeptForPeopleToRead) {
  is_away_ = true;
  ASSERT_TRUE(hand_over(letter({"a@example.org"}), relay(), opening()));
  is_away_ = false;
  answers_ = {{"a@example.org", kNever}};
  const Flushed flushed = flush_now();
  EXPECT_EQ(flushed.refused, 1U);
  EXPECT_THAT(flushed.reports, testing::ElementsAre("a@example.org: 550 5.1.1 nobody"));
  seen_.clear();
  EXPECT_EQ(flush_now().refused, 0U);
  EXPECT_TRUE(seen_.empty()) << "it is not sent again";
}

TEST_F(PostTest, WhatHasWaitedForTooLongIsGivenUp) {
  is_away_ = true;
  ASSERT_TRUE(hand_over(letter({"a@example.org"}), relay(), opening()));
  EXPECT_EQ(flush_now(kWaitsFor - std::chrono::seconds(1)).waiting, 1U);
  EXPECT_EQ(flush_now(kWaitsFor).refused, 1U);
}

TEST_F(PostTest, SendsNoMoreThanItIsTold) {
  is_away_ = true;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(hand_over(letter({"a@example.org"}, std::chrono::seconds(i)), relay(), opening()));
  is_away_ = false;
  const Flushed flushed = flush_now({}, 2);
  EXPECT_EQ(flushed.taken, 2U);
  EXPECT_EQ(flushed.waiting, 1U);
}

TEST_F(PostTest, SaysWhenALetterIsLost) {
  is_away_ = true;
  spool_ /= "absent";
  const auto handed = hand_over(letter({"a@example.org"}), relay(), opening());
  ASSERT_FALSE(handed);
  EXPECT_THAT(handed.error().context(), testing::HasSubstr("451 4.4.1 no answer"));
  spool_ = spool_.parent_path();
}

}  // namespace
}  // namespace postern::sendmail
