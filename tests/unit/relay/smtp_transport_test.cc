// What leaves in one go, and what becomes of it where the next hop fails in the middle.
#include "tests/unit/relay/queue_smtp_fixture.h"

#include <gmock/gmock.h>

namespace postern::relay {
namespace {

using std::chrono::minutes;
using store::RecipientStage;

class SmtpTransportTest : public QueueSmtpFixture {};

// RFC 2920 §3.1, where messages wait for the connection.
TEST_F(SmtpTransportTest, SendsTheNextEnvelopeBehindTheContentOfTheOneBefore) {
  for (const bool pipelines : {true, false}) {
    SCOPED_TRACE(pipelines);
    test::FakeSmarthost hop({.keywords = {pipelines ? "PIPELINING" : "DSN", "8BITMIME"}});
    routes_[0].max_connections = 1;
    std::vector<MessageId> ids;
    for (int i = 0; i < 3; ++i)
      ids.push_back(accept(draft_to({"live.example"}), "Subject: " + std::to_string(i) + "\r\n\r\n.\r\n"));
    start_to(hop);
    for (const MessageId& id : ids) run_until([&] { return stage(id) == RecipientStage::Delivered; });
    const std::vector<test::SmarthostMessage> got = hop.messages();
    ASSERT_EQ(got.size(), 3U);
    EXPECT_EQ(hop.connections(), 1U);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(got[i].content, "Subject: " + std::to_string(i) + "\r\n\r\n.\r\n");
    EXPECT_EQ(got[0].was_followed, pipelines);
    EXPECT_EQ(got[1].was_followed, pipelines);
    EXPECT_FALSE(got[2].was_followed);
    for (const MessageId& id : ids) {
      ASSERT_EQ(dialogues_of(id).size(), 1U);
      const std::string text = dialogues_of(id)[0].text;
      const std::string_view end = "> DATA\n< 250 2.1.0 ok\n< 250 2.1.5 ok\n< 354 go\n= the content\n< 250 2.0.0 taken\n";
      EXPECT_TRUE(text.ends_with(end) || !pipelines) << text;
      EXPECT_EQ(text.find("> MAIL"), text.rfind("> MAIL")) << text;
    }
    stop();
  }
}

TEST_F(SmtpTransportTest, SendsEachEnvelopeByItselfWhereTheHopLostOneThatFollowedAContent) {
  test::FakeSmarthost hop;
  hop.reply("MAIL", "250 ok\r\n");
  hop.drop("MAIL");
  routes_[0].max_connections = 1;
  std::vector<MessageId> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(accept("live.example"));
  start_to(hop);
  for (const MessageId& id : ids) run_until([&] { return stage(id) == RecipientStage::Delivered; });
  std::vector<bool> followed;
  for (const test::SmarthostMessage& message : hop.messages()) followed.push_back(message.was_followed);
  EXPECT_THAT(followed, testing::ElementsAre(true, false, false, false));
  for (const MessageId& id : ids) EXPECT_EQ(state(id).attempts, 1U);
}

// A next hop that takes its time over one account's content is to hold up nobody else's.
TEST_F(SmtpTransportTest, SendsNoOtherAccountsEnvelopeBehindAContent) {
  test::FakeSmarthost hop;
  routes_[0].max_connections = 1;
  std::vector<MessageId> ids;
  for (std::uint8_t account = 1; account <= 3; ++account) {
    test::Draft draft = draft_to({"live.example"});
    draft.message.account = AccountId{{account}};
    ids.push_back(accept(std::move(draft)));
  }
  start_to(hop);
  for (const MessageId& id : ids) run_until([&] { return stage(id) == RecipientStage::Delivered; });
  for (const test::SmarthostMessage& message : hop.messages()) EXPECT_FALSE(message.was_followed);
}

// Of two messages of which the second was begun behind the first: whatever becomes of the one, the other is delivered once, and
// no word is taken for the other's.
TEST_F(SmtpTransportTest, KeepsTheBooksOfTwoMessagesWhicheverStepFailsWhereTheSecondWasBegunBehindTheFirst) {
  struct Case {
    const char* name;
    std::function<void(test::FakeSmarthost&)> misbehave;
    std::uint32_t first_attempts;  // until it is delivered
    std::uint32_t second_attempts;
  };
  const std::vector<Case> cases = {
      {"the first is deferred at its end", [](auto& hop) { hop.reply("end-of-data", "451 4.3.0 later\r\n"); }, 2, 1},
      {"the first ends with 421", [](auto& hop) { hop.reply("end-of-data", "421 4.3.2 closing\r\n"); }, 2, 1},
      {"the connection is lost at the first one's end", [](auto& hop) { hop.drop("end-of-data"); }, 2, 1},
      {"the second is told goodbye at MAIL",
       [](auto& hop) {
         hop.reply("MAIL", "250 ok\r\n");
         hop.reply("MAIL", "421 4.4.2 enough\r\n");
       },
       1, 1},
      {"the connection is lost at the second one's MAIL",
       [](auto& hop) {
         hop.reply("MAIL", "250 ok\r\n");
         hop.drop("MAIL");
       },
       1, 1},
      {"the second is deferred at RCPT",
       [](auto& hop) {
         hop.reply("RCPT", "250 ok\r\n");
         hop.reply("RCPT", "450 4.2.0 greylisted\r\n");
       },
       1, 2},
      {"the second is deferred at DATA",
       [](auto& hop) {
         hop.reply("DATA", "354 go\r\n");
         hop.reply("DATA", "451 4.3.0 later\r\n");
       },
       1, 2},
      {"the connection is lost at the second one's end",
       [](auto& hop) {
         hop.reply("end-of-data", "250 ok\r\n");
         hop.drop("end-of-data");
       },
       1, 2},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    test::FakeSmarthost hop;
    c.misbehave(hop);
    routes_[0].max_connections = 1;
    const MessageId first = accept(draft_to({"live.example"}), "Subject: first\r\n\r\n");
    const MessageId second = accept(draft_to({"live.example"}), "Subject: second\r\n\r\n");
    start_to(hop);
    const auto is_over = [&](const MessageId& id) { return stage(id) == RecipientStage::Delivered || state(id).attempts > 0; };
    run_until([&] { return is_over(first) && is_over(second); });
    for (int i = 0; i < 2; ++i) {
      advance(minutes(30));
      run_until([&] { return stage(first) == RecipientStage::Delivered && stage(second) == RecipientStage::Delivered; });
    }
    EXPECT_EQ(state(first).attempts, c.first_attempts);
    EXPECT_EQ(state(second).attempts, c.second_attempts);
    std::vector<std::string> contents;
    for (const test::SmarthostMessage& message : hop.messages()) contents.push_back(message.content);
    EXPECT_THAT(contents, testing::UnorderedElementsAre("Subject: first\r\n\r\n", "Subject: second\r\n\r\n"));
    stop();
  }
}

}  // namespace
}  // namespace postern::relay
