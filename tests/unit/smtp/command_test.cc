// One line → one command; the table; the paths of MAIL and RCPT.
#include "smtp/command.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace postern::smtp {
namespace {

TEST(SmtpCommand, FindsTheVerbAndItsArgument) {
  struct Case { const char* line; Verb verb; const char* argument; };
  const Case kCases[] = {
      {"NOOP", Verb::Noop, ""},
      {"noop", Verb::Noop, ""},
      {"nOoP  ", Verb::Noop, ""},
      {"EHLO  client.example ", Verb::Ehlo, "client.example"},
      {"MAIL FROM:<a@b>  SIZE=1", Verb::Mail, "FROM:<a@b>  SIZE=1"},
      {"", Verb::Unknown, ""},
      {" NOOP", Verb::Unknown, "NOOP"},
      {"NOOPX", Verb::Unknown, ""},
      {"NOO", Verb::Unknown, ""},
      {"NOOP\tx", Verb::Unknown, ""},
      {"MAIL\vFROM:<a@b>", Verb::Unknown, ""},
      {"BDAT 10 LAST", Verb::Bdat, "10 LAST"},
      {"EXPN list", Verb::NotOffered, "list"},
      {"XCLIENT ADDR=127.0.0.1", Verb::Unknown, "ADDR=127.0.0.1"},
      {"GET / HTTP/1.1", Verb::NotSmtp, "/ HTTP/1.1"},
      {"post /x HTTP/1.1", Verb::NotSmtp, "/x HTTP/1.1"},
      {"SSH-2.0-OpenSSH_9.2", Verb::NotSmtp, ""},
      {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2", Verb::NotSmtp, "TCP4 192.0.2.1 192.0.2.2 1 2"},
  };
  for (const Case& c : kCases) {
    const Command command = parse_command(c.line);
    EXPECT_EQ(command.row->verb, c.verb) << c.line;
    EXPECT_EQ(command.argument, c.argument) << c.line;
  }
}

TEST(SmtpCommand, KnowsWhatBeginsNoCommand) {
  for (const char c : std::string("aZ \r\n")) EXPECT_TRUE(is_first_octet_of_command(c));
  for (const char c : std::string("\x16\x80.0<\t{") + '\0') EXPECT_FALSE(is_first_octet_of_command(c)) << int{c};
}

TEST(SmtpCommand, OnlyTheVerbsOfRfc3207AreLegalBeforeTls) {
  std::set<Verb> offered;
  std::set<std::string_view> legal;
  for (const char* word : {"EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA",
                           "BDAT", "RSET", "NOOP", "HELP", "VRFY", "QUIT"}) {
    const VerbRow& row = find_verb(word);
    offered.insert(row.verb);
    if (row.before_tls) legal.insert(row.name);
  }
  EXPECT_EQ(offered.size(), static_cast<std::size_t>(Verb::NotOffered)) << "a verb was left out";
  // HELP tells nothing, and AUTH has a refusal of its own.
  EXPECT_EQ(legal, (std::set<std::string_view>{"EHLO", "HELO", "STARTTLS", "NOOP", "QUIT", "HELP", "AUTH"}));
}

TEST(SmtpCommand, ParsesThePathOfMail) {
  struct Case { const char* argument; bool is_read; const char* path; const char* parameters; };
  const Case kCases[] = {
      {"FROM:<a@b.example>", true, "<a@b.example>", ""},
      {"from:<a@b.example> SIZE=1", true, "<a@b.example>", "SIZE=1"},
      {"FROM: <a@b.example>", true, "<a@b.example>", ""},
      {"FROM:<>", true, "<>", ""},
      {"FROM:<> BODY=7BIT", true, "<>", "BODY=7BIT"},
      {"FROM:<@x.example,@y.example:a@b.example>", true, "<a@b.example>", ""},
      {"FROM:<a@b.example>SIZE=1", false, "", ""},
      {"FROM <a@b.example>", false, "", ""},
      {"TO:<a@b.example>", false, "", ""},
      {"", false, "", ""},
  };
  for (const Case& c : kCases) {
    const auto parsed = parse_mail_argument(c.argument);
    ASSERT_EQ(parsed.has_value(), c.is_read) << c.argument;
    if (!c.is_read) continue;
    ASSERT_FALSE(parsed->path.error.has_value()) << c.argument;
    EXPECT_EQ(format_path(parsed->path.mailbox), c.path) << c.argument;
    EXPECT_EQ(parsed->parameters, c.parameters) << c.argument;
  }
}

TEST(SmtpCommand, RefusesPathsThatAreNone) {
  for (const char* argument : {"FROM:a@b.example", "FROM:", "FROM:<a@b.example", "FROM:<a b@c.example>", "FROM:<a@>"}) {
    const auto parsed = parse_mail_argument(argument);
    EXPECT_TRUE(!parsed || parsed->path.error.has_value()) << argument;
  }
  const auto null_recipient = parse_rcpt_argument("TO:<>");
  EXPECT_TRUE(!null_recipient || null_recipient->path.error.has_value());
}

}  // namespace
}  // namespace postern::smtp
