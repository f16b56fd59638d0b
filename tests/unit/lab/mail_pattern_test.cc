#include "lab/mail_pattern.h"

#include "tests/support/temp_store.h"

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>

namespace postern::lab {
namespace {

MailPattern pattern_of(const char* text) {
  std::vector<std::string> problems;
  const json::value value = json::parse(text);
  CheckedObject object(value, {}, problems);
  MailPattern pattern = read_mail_pattern(object);
  object.refuse_unknown();
  EXPECT_THAT(problems, testing::IsEmpty()) << text;
  return pattern;
}

store::StoredMessage welcome() {
  test::Draft draft = test::make_draft(MessageId{}, Instant{}, {"example.org", "example.net"}, Environment::Test);
  draft.message.envelope.recipients[0].mailbox = *parse_mailbox("Ann@example.org");
  draft.message.envelope.recipients[1].mailbox = *parse_mailbox("bob@example.net");
  draft.message.summary.from = "Example <hello@example.com>";
  draft.message.summary.subject = "Welcome, Ann";
  draft.message.summary.tags = {{"flow", "signup"}};
  draft.message.summary.message_id = "1@example.com";
  draft.delivery.recipients[0].stage = store::RecipientStage::Delivered;
  return {draft.message, draft.delivery};
}

TEST(MailPattern, FitsWhereAllThatIsGivenFits) {
  for (const char* text : {"{}", R"({"to":"ann@EXAMPLE.org"})", R"({"to":"*@example.net"})", R"({"from":"hello@example.com"})",
                           R"({"subject":"welcome"})", R"({"tag":"flow"})", R"({"tag":"flow:signup"})",
                           R"({"message_id":"<1@example.com>"})", R"({"kind":"mail"})",
                           R"({"to":"ann@example.org","status":"delivered"})", R"({"to":"bob@example.net","status":"queued"})"}) {
    EXPECT_EQ(first_mismatch(pattern_of(text), welcome()), "") << text;
  }
}

TEST(MailPattern, NamesWhatDoesNotFit) {
  struct Row {
    const char* text;
    const char* member;
  };
  constexpr Row kRows[] = {
      {R"({"to":"eve@example.org"})", "to"},           {R"({"from":"*@example.org"})", "from"},
      {R"({"subject":"goodbye"})", "subject"},         {R"({"tag":"flow:reset"})", "tag"},
      {R"({"message_id":"2@example.com"})", "message_id"}, {R"({"kind":"notice"})", "kind"},
      {R"({"status":"delivered"})", "status"},         {R"({"to":"bob@example.net","status":"delivered"})", "status"},
  };
  for (const Row& row : kRows) EXPECT_EQ(first_mismatch(pattern_of(row.text), welcome()), row.member) << row.text;
}

TEST(MailPattern, TellsAllProblemsAtOnce) {
  std::vector<std::string> problems;
  const json::value value = json::parse(R"({"to":"no address","subject":7,"status":"lost","kind":"x","sbuject":"a"})");
  CheckedObject object(value, "match", problems);
  (void)read_mail_pattern(object);
  object.refuse_unknown();
  EXPECT_EQ(problems.size(), 5U) << joined_problems(problems);
  EXPECT_THAT(problems.back(), testing::StartsWith("match.sbuject: there is no such name here"));
}

TEST(MailPattern, SaysForPeopleWhatIsMeant) {
  EXPECT_EQ(describe(pattern_of(R"({"to":"ann@example.org","subject":"Hi"})")), "mail, to ann@example.org, with the subject hi");
  EXPECT_EQ(describe(pattern_of(R"({"kind":"notice"})")), "a notice");
}

}  // namespace
}  // namespace postern::lab
