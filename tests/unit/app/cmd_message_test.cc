// postern message search.
#include "tests/unit/app/command_line_fixture.h"

#include "core/time_format.h"

namespace postern::app {
namespace {

class MessageSearch : public CommandLine {
 protected:
  MessageSearch() {
    must({"account", "create", "one"});
    must({"account", "create", "other"});
    invoice_ = put("one", [](store::MessageRecord& record) {
      record.summary.from = "Billing <billing@shop.example>";
      record.summary.subject = "Your Invoice 4711";
      record.summary.message_id = "inv-4711@shop.example";
      record.summary.tags = {{"kind", "invoice"}};
      record.key = KeyId{{7}};
    });
    hello_ = put("other", [](store::MessageRecord& record) {
      record.summary.from = "ann@else.example";
      record.summary.subject = "Hello";
      record.envelope.recipients.push_back({.mailbox = parse_mailbox("Bob@Example.com").value(), .notify = {}, .orcpt = {}});
    });
    age_of_mail_ = std::chrono::hours(3);
    old_ = put("one", {});
  }

  std::string put(const std::string& account, const std::function<void(store::MessageRecord&)>& change) {
    return format_message_id(put_message(account, "app", Environment::Live, change));
  }

  // Which of the three.
  std::string found(std::vector<std::string> words) {
    words.insert(words.begin(), {"message", "search"});
    const std::string listed = must(words);
    std::string names;
    if (listed.find(invoice_) != std::string::npos) names += " invoice";
    if (listed.find(hello_) != std::string::npos) names += " hello";
    if (listed.find(old_) != std::string::npos) names += " old";
    return names;
  }

  std::string invoice_;
  std::string hello_;
  std::string old_;
};

TEST_F(MessageSearch, FindsByEverythingThatAMessageIsKnownBy) {
  struct Row {
    std::vector<std::string> words;
    const char* found;
  };
  const std::vector<Row> rows = {{{}, " invoice hello old"},
                                 {{"invoice"}, " invoice"},
                                 {{"SHOP.example"}, " invoice"},
                                 {{"bob@"}, " hello"},
                                 {{"--to", "bob@example.com"}, " hello"},
                                 {{"--to", "you@example.net"}, " invoice hello old"},
                                 {{"--from", "BILLING@shop.example"}, " invoice"},
                                 {{"--from", "me@example.org"}, " old"},
                                 {{"--subject", "invoice 47"}, " invoice"},
                                 {{"--message-id", "<inv-4711@shop.example>"}, " invoice"},
                                 {{"--message-id", "inv-4711@shop.example"}, " invoice"},
                                 {{"--key", format_id(KeyId{{7}})}, " invoice"},
                                 {{"--tag", "kind:invoice"}, " invoice"},
                                 {{"--tag", "kind:other"}, ""},
                                 {{"--account", "other"}, " hello"},
                                 {{"--run", "app"}, " invoice hello old"},
                                 {{"--stage", "pending"}, " invoice hello old"},
                                 {{"--stage", "bounced"}, ""},
                                 {{"--status", "queued"}, " invoice hello old"},
                                 {{"--environment", "test"}, ""},
                                 {{"--since", "2h"}, " invoice hello"},
                                 {{"--until", "2h"}, " old"},
                                 {{"--since", "2020-01-31", "--until", "2020-02-01"}, ""},
                                 {{"--account", "one", "--since", "1h", "invoice"}, " invoice"},
                                 {{"--account", "other", "invoice"}, ""}};
  for (const Row& row : rows) EXPECT_EQ(found(row.words), row.found) << testing::PrintToString(row.words);
}

TEST_F(MessageSearch, ShowsWhatItFindsAsListsDo) {
  EXPECT_EQ(must({"message", "search", "--subject", "hello", "--json"}), must({"message", "list", "--account", "other", "--json"}));
  EXPECT_THAT(must({"message", "search", "--limit", "1"}), HasSubstr("2 more: --limit NUMBER or --all shows them"));
  const std::string shown = must({"message", "show", invoice_});
  EXPECT_THAT(shown, AllOf(ContainsRegex("subject +Your Invoice 4711"), ContainsRegex("message-id +inv-4711@shop.example"),
                           ContainsRegex("author +Billing <billing@shop.example>")));
}

TEST_F(MessageSearch, RefusesWhatNothingCanBe) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--to", "nobody"}, {"--since", "yesterday"}, {"--until", "5"}, {"--status", "eaten"},
        {"--environment", "both"}, {"--stage", "eaten"}, {"--limit", "0"}}) {
    auto command = words;
    command.insert(command.begin(), {"message", "search"});
    EXPECT_EQ(run(command).status, kExitUsage) << testing::PrintToString(words);
  }
  EXPECT_EQ(run({"message", "search", "--key", "key_none"}).status, kExitRefused);
  EXPECT_EQ(run({"message", "search", "--account", "nobody"}).status, kExitRefused);
}

}  // namespace
}  // namespace postern::app
