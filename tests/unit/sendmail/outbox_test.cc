#include "sendmail/outbox.h"

#include "core/message_id.h"
#include "tests/support/fake_random.h"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace postern::sendmail {
namespace {

const Instant kWritten{std::chrono::seconds(1'764'590'400)};

class OutboxTest : public ::testing::Test {
 protected:
  OutboxTest() {
    std::string name = (std::filesystem::temp_directory_path() / "postern-outbox-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    spool_ = name;
  }
  ~OutboxTest() override { std::filesystem::remove_all(spool_); }

  std::filesystem::path own() const { return spool_ / std::to_string(::geteuid()); }
  Letter letter(Duration after = {}) {
    return {.id = format_message_id(make_message_id(kWritten + after, random_)),
            .part = 3,
            .sender = parse_mailbox("a@example.org").value(),
            .recipients = {parse_mailbox("b@example.net").value(), parse_mailbox("\"c d\"@example.net").value()},
            .content = "Subject: x\r\n\r\n\r\nto <z@example.net>\r\n"};
  }

  std::filesystem::path spool_;
  test::FakeRandom random_;
};

TEST_F(OutboxTest, GivesBackWhatItKeeps) {
  auto outbox = Outbox::open(spool_);
  ASSERT_TRUE(outbox);
  const Letter second = letter(std::chrono::seconds(1));
  Letter first = letter();
  first.sender.reset();
  ASSERT_TRUE(outbox->keep(second));
  ASSERT_TRUE(outbox->keep(first));
  const auto entries = Outbox::open(spool_)->list();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].id, first.id) << "the older one first";
  EXPECT_EQ(entries[0].written_at, kWritten);
  EXPECT_TRUE(outbox->load(first.id).value() == first);
  EXPECT_TRUE(outbox->load(second.id).value() == second);
  ASSERT_TRUE(outbox->remove(first.id));
  EXPECT_EQ(outbox->list().size(), 1U);
}

TEST_F(OutboxTest, IsForItsUserAlone) {
  ASSERT_TRUE(Outbox::open(spool_));
  struct stat facts {};
  ASSERT_EQ(::stat(own().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0700U);
  ASSERT_EQ(::chmod(own().c_str(), 0750), 0);
  EXPECT_EQ(Outbox::open(spool_).error().code(), ErrorCode::Conflict);
}

TEST_F(OutboxTest, FollowsNoLinkThatStandsInItsPlace) {
  std::filesystem::create_directory(spool_ / "elsewhere");
  std::filesystem::create_directory_symlink(spool_ / "elsewhere", own());
  EXPECT_EQ(Outbox::open(spool_).error().code(), ErrorCode::Conflict);
}

TEST_F(OutboxTest, IsBounded) {
  auto outbox = Outbox::open(spool_).value();
  for (std::size_t i = 0; i < kMaxKeptLetters; ++i) {
    std::ofstream(own() / (letter(std::chrono::seconds(i)).id + ".letter")) << "x";
  }
  EXPECT_EQ(outbox.keep(letter()).error().code(), ErrorCode::LimitExceeded);
}

TEST_F(OutboxTest, PassesOverFilesThatAreNotItsOwn) {
  const auto outbox = Outbox::open(spool_).value();
  std::ofstream(own() / "notes.letter") << "x";
  std::ofstream(own() / (letter().id + ".draft")) << "x";
  std::filesystem::create_directory(own() / (letter().id + ".letter"));
  EXPECT_TRUE(outbox.list().empty());
}

TEST_F(OutboxTest, RefusesForGoodAndForgetsThatLater) {
  auto outbox = Outbox::open(spool_).value();
  const Letter one = letter();
  ASSERT_TRUE(outbox.keep(one));
  ASSERT_TRUE(outbox.refuse(one.id, "b@example.net: 550 nobody"));
  EXPECT_TRUE(outbox.list()[0].is_refused);
  EXPECT_FALSE(outbox.load(one.id));
  outbox.forget_refused(kWritten + kRefusedFor - std::chrono::seconds(1));
  EXPECT_EQ(outbox.list().size(), 1U);
  outbox.forget_refused(kWritten + kRefusedFor);
  EXPECT_TRUE(std::filesystem::is_empty(own()));
}

TEST_F(OutboxTest, IsSentByOneAtATime) {
  auto outbox = Outbox::open(spool_).value();
  auto other = Outbox::open(spool_).value();
  EXPECT_TRUE(outbox.lock());
  EXPECT_FALSE(other.lock());
}

TEST(LetterFile, ThatIsCutOrOddIsNoLetter) {
  Letter letter{.id = "x", .sender = {}, .recipients = {parse_mailbox("b@example.net").value()}, .content = "hello\r\n"};
  const std::string whole = encode_letter(letter);
  EXPECT_TRUE(decode_letter("x", whole).value() == letter);
  for (std::size_t end = 0; end + letter.content.size() < whole.size(); ++end) {
    EXPECT_FALSE(decode_letter("x", whole.substr(0, end))) << end;
  }
  EXPECT_FALSE(decode_letter("x", "postern letter 1\npart 1\nfrom <>\n\nno recipient"));
  EXPECT_FALSE(decode_letter("x", "postern letter 1\npart 1\nfrom <>\nto <b@example.net> <c@example.net>\n\nx"));
  EXPECT_FALSE(decode_letter("x", "postern letter 1\npart 99999\nfrom <>\nto <b@example.net>\n\nx"));
}

}  // namespace
}  // namespace postern::sendmail
