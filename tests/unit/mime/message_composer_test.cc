// What is composed is a message by RFC 5322 and MIME, whatever the parts hold, and reads back as what was given.
#include "mime/message_composer.h"

#include "core/bytes.h"
#include "mime/message_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace postern::mime {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

OutgoingMail mail_with_text(std::string text = "Hello") {
  OutgoingMail mail;
  mail.from = parse_named_mailbox("Shop <shop@example.org>").value();
  mail.to = {parse_named_mailbox("ann@example.net").value()};
  mail.subject = "Your order";
  mail.text = std::move(text);
  return mail;
}

std::vector<std::string_view> lines_of(std::string_view content) {
  std::vector<std::string_view> lines;
  while (!content.empty()) {
    const std::size_t end = content.find("\r\n");
    if (end == std::string_view::npos) return {};
    lines.push_back(content.substr(0, end));
    content.remove_prefix(end + 2);
  }
  return lines;
}

// CR LF line ends only, lines of at most 998 octets, 7-bit, no NUL.
void expect_sendable(const std::string& content, bool is_seven_bit = true) {
  const auto lines = lines_of(content);
  ASSERT_FALSE(lines.empty()) << "does not end with CR LF";
  for (const std::string_view line : lines) {
    EXPECT_LE(line.size(), 998U) << line.substr(0, 60);
    EXPECT_EQ(line.find_first_of(std::string_view("\r\n\0", 3)), std::string_view::npos) << line.substr(0, 60);
  }
  const bool has_eighth_bit = std::ranges::any_of(content, [](char c) { return (static_cast<unsigned char>(c) & 0x80) != 0; });
  EXPECT_EQ(has_eighth_bit, !is_seven_bit);
}

TEST(MessageComposer, WritesAPlainMessage) {
  const std::string content = compose_mail(mail_with_text("Hello\nAnn\n"));
  expect_sendable(content);
  EXPECT_TRUE(
      content.starts_with("From: Shop <shop@example.org>\r\nTo: ann@example.net\r\nSubject: Your order\r\nMIME-Version: 1.0\r\n"))
      << content;
  EXPECT_TRUE(content.ends_with("\r\n\r\nHello\r\nAnn\r\n")) << content;
  EXPECT_THAT(content, Not(HasSubstr("Date:")));
  EXPECT_THAT(content, Not(HasSubstr("Message-")));
}

TEST(MessageComposer, IsDeterministicSoThatAReplayIsRecognised) {
  OutgoingMail mail = mail_with_text();
  mail.html = "<p>Hello</p>";
  mail.attachments.push_back({"a.pdf", "", "", "pdf"});
  EXPECT_EQ(compose_mail(mail), compose_mail(mail));
  OutgoingMail other = mail;
  other.attachments[0].content = "PDF";
  EXPECT_NE(compose_mail(mail), compose_mail(other));
}

TEST(MessageComposer, InventsNoTextForHtml) {
  OutgoingMail mail = mail_with_text();
  mail.text.reset();
  mail.html = "<p>Hello</p>";
  const std::string content = compose_mail(mail);
  EXPECT_THAT(content, HasSubstr("Content-Type: text/html; charset=utf-8"));
  EXPECT_THAT(content, Not(HasSubstr("text/plain")));
  EXPECT_THAT(content, Not(HasSubstr("multipart/")));
}

TEST(MessageComposer, NestsOnlyTheLayersItNeeds) {
  struct Case {
    const char* name;
    bool has_html;
    std::vector<std::string> content_ids;  // of attachments; "" is an ordinary one
    std::vector<std::string> layers;
  };
  const Case cases[] = {
      {"text", false, {}, {}},
      {"text and html", true, {}, {"alternative"}},
      {"text and a file", false, {""}, {"mixed"}},
      {"text and an inline part without html", false, {"logo"}, {"mixed"}},
      {"html with a picture", true, {"logo"}, {"alternative", "related"}},
      {"all of it", true, {"logo", ""}, {"mixed", "alternative", "related"}},
  };
  for (const Case& c : cases) {
    OutgoingMail mail = mail_with_text();
    if (c.has_html) mail.html = "<img src='cid:logo'>";
    for (const std::string& id : c.content_ids) mail.attachments.push_back({"a.png", "", id, "png"});
    const std::string content = compose_mail(mail);
    expect_sendable(content);
    std::vector<std::string> layers;
    for (std::size_t at = content.find("multipart/"); at != std::string::npos; at = content.find("multipart/", at + 1)) {
      layers.push_back(content.substr(at + 10, content.find(';', at) - at - 10));
    }
    EXPECT_EQ(layers, c.layers) << c.name;
    const ReadMessage read = read_message(content);
    EXPECT_EQ(read.attachments.size(), c.content_ids.size()) << c.name;
    EXPECT_EQ(read.html.has_value(), c.has_html) << c.name;
    EXPECT_THAT(read.text.value_or(""), ::testing::StartsWith("Hello")) << c.name;
  }
}

TEST(MessageComposer, EncodesWhatIsNotAsciiAndReadsBackAsGiven) {
  const std::string names[] = {"Jürgen Groß", "山田太郎", "O'Brien, \"Bob\" (Acme)", "a@b", "=?utf-8?q?x?=", std::string(300, 'n'),
                               "\xF0\x9F\x92\x8C mail"};
  for (const std::string& name : names) {
    OutgoingMail mail = mail_with_text();
    mail.to[0].name = name;
    mail.subject = name;
    const std::string content = compose_mail(mail);
    expect_sendable(content);
    const ReadMessage read = read_message(content);
    ASSERT_EQ(read.to.size(), 1U) << name;
    EXPECT_THAT(read.to[0], HasSubstr("<ann@example.net>")) << name;
    EXPECT_EQ(read.subject, name);
  }
}

TEST(MessageComposer, KeepsEncodedWordsWithinTheirBound) {
  OutgoingMail mail = mail_with_text();
  std::string text;
  for (int i = 0; i < 60; ++i) text += "\xE5\xB1\xB1";
  mail.subject = text;
  mail.from.name = mail.to[0].name = text;
  mail.headers = {{"X-Note", text}, {"X-" + std::string(74, 'n'), text}};
  const std::string content = compose_mail(mail);
  expect_sendable(content);
  for (const std::string_view line : lines_of(content)) {
    const bool has_word = line.find("=?") != std::string_view::npos;
    EXPECT_LE(line.size(), has_word ? 76U : 998U) << line;  // RFC 2047 §2
  }
  const ReadMessage read = read_message(content);
  EXPECT_EQ(read.subject, text);
  EXPECT_EQ(read.from, text + " <shop@example.org>");
}

std::string field_of(const std::string& content, std::string_view name) {
  std::size_t begin = content.find("\r\n" + std::string(name) + ":");
  if (begin == std::string::npos) return {};
  begin += 2;
  std::size_t end = content.find("\r\n", begin);
  while (end + 2 < content.size() && content[end + 2] == ' ') end = content.find("\r\n", end + 2);
  return content.substr(begin, end - begin);
}

std::string unfolded(std::string field) {
  for (std::size_t at = field.find("\r\n"); at != std::string::npos; at = field.find("\r\n")) field.erase(at, 2);
  return field;
}

TEST(MessageComposer, FoldsAsciiFieldsAndEncodesNoneOfThem) {
  std::string references[2];
  for (int i = 0; i < 200; ++i) {
    const std::string id = "<" + std::string(60, 'r') + '.' + std::to_string(i) + "@mail.example.org>";
    if (i < 14) references[0] += (i > 0 ? " " : "") + id;
    references[1] += (i > 0 ? " " : "") + id;
  }
  const std::pair<std::string, std::string> fields[] = {
      {"List-Unsubscribe", "<https://e.org/" + std::string(70, 'u') + ">"},
      {"List-Unsubscribe", "<https://e.org/" + std::string(70, 'u') + ">, <mailto:" + std::string(70, 'v') + "@e.org>"},
      {"List-Unsubscribe", "<https://e.org/" + std::string(860, 'u') + ">"},
      {"Message-ID", "<" + std::string(90, 'm') + "@example.org>"},
      {"In-Reply-To", "<" + std::string(90, 'm') + "@example.org>"},
      {"References", references[0]},
      {"References", references[1]},
      {"X-Json", "{\"a\":  \"" + std::string(100, 'j') + "\", \"b\":   1}"},
      {"X-Ready", "=?utf-8?q?as_it_stands?="},
      {"List-Id", "A long name for a list of people who like long names <" + std::string(60, 'l') + ".example.org>"},
      {"X-" + std::string(74, 'n'), "one two"},
      {"X-Empty", ""},
  };
  for (const auto& [name, value] : fields) {
    OutgoingMail mail = mail_with_text();
    mail.headers = {{name, value}};
    const std::string content = compose_mail(mail);
    expect_sendable(content);
    const std::string field = field_of(content, name);
    EXPECT_EQ(unfolded(field), name + ':' + (value.empty() ? "" : " ") + value);
    if (field.find("\r\n") != std::string::npos) {
      const std::string whole = field + "\r\n";
      for (const std::string_view line : lines_of(whole)) {
        EXPECT_NE(line.find_first_not_of(' '), std::string_view::npos) << "RFC 5322 §3.2.2: no blank line within " << name;
      }
    }
  }
}

TEST(MessageComposer, EncodesOnlyTheWordsBeyondAscii) {
  OutgoingMail mail = mail_with_text();
  mail.headers = {{"List-Id", "Gr\xC3\xBC\xC3\x9F" "e aus K\xC3\xB6ln <list.example.org>"}, {"X-Two", "a \xC3\xBC  \xC3\xA4 b"}};
  const std::string content = compose_mail(mail);
  EXPECT_EQ(field_of(content, "List-Id"), "List-Id: =?utf-8?b?R3LDvMOfZQ==?= aus =?utf-8?b?S8O2bG4=?=\r\n <list.example.org>");
  EXPECT_EQ(field_of(content, "X-Two"), "X-Two: a =?utf-8?b?w7wgIMOk?= b");
}

// RFC 2047 §2 and §5(3), RFC 5322 §3.2.4.
TEST(MessageComposer, BringsAnyNameBack) {
  const std::string names[] = {
      std::string(80, 'n'),
      std::string(78, 'n') + "=0A",
      "a=0Ab",
      "=0A=0D",
      "_",
      "?",
      "\\",
      "\"",
      "a\\\"b",
      "Doe, John",
      "John (Jack) Doe",
      "a@b.c",
      "<x>",
      "a  b",
      "Dr. med. X",
      "=?utf-8?q?x?=",
      "x =?utf-8?b?w7w=?= y",
      "=?",
      std::string(300, '='),
      std::string(300, ','),
      "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen",
      "a, long, phrase, with, commas, one two three four five six seven eight nine ten eleven twelve thirteen",
      "J\xC3\xBCrgen \"der Gro\xC3\x9F"
      "e\" M\xC3\xBCller, Vorstand (kommissarisch) der Beispielgesellschaft <AG>",
      std::string(60, '\xE5')
          .replace(0, 60,
                   "\xE5\xB1\xB1\xE5\xB1\xB1\xE5\xB1\xB1\xE5\xB1\xB1\xE5\xB1\xB1\xE5\xB1\xB1\xE5\xB1\xB1\xE5\xB1\xB1\xE5\xB1\xB1"
                   "\xE5\xB1\xB1\xE5\xB1\xB1"),
      "\xF0\x9F\x92\x8C\xF0\x9F\x92\x8C\xF0\x9F\x92\x8C\xF0\x9F\x92\x8C\xF0\x9F\x92\x8C\xF0\x9F\x92\x8C\xF0\x9F\x92\x8C\xF0\x9F\x92"
      "\x8C\xF0\x9F\x92\x8C\xF0\x9F\x92\x8C"};
  for (const std::string& name : names) {
    for (const char* address :
         {"ann@example.net", "a-local-part-of-some-forty-octets-in-all@a-domain-of-some-length.example.net"}) {
      OutgoingMail mail = mail_with_text();
      mail.from = {name, parse_mailbox(address).value()};
      mail.to = {mail.from, mail.from};
      const std::string content = compose_mail(mail);
      expect_sendable(content);
      for (const std::string_view line : lines_of(content)) {
        const bool has_word = line.find("=?utf-8?") != std::string_view::npos;
        EXPECT_LE(line.size(), has_word ? 76U : 998U) << line;
        for (std::size_t at = line.find("=?utf-8?"); at != std::string_view::npos; at = line.find("=?utf-8?", at + 1)) {
          EXPECT_LE(line.find("?=", at + 10) + 2 - at, 75U) << line;
        }
      }
      const ReadMessage read = read_message(content);
      const auto back = parse_named_mailbox(read.from);
      ASSERT_TRUE(back) << read.from;
      EXPECT_EQ(back->name, name) << content;
      ASSERT_EQ(read.to.size(), 2U);
      EXPECT_EQ(read.to[1], read.from);
    }
  }
}

TEST(MessageComposer, KeepsEveryLineWithinItsBound) {
  const std::string long_word(2'000, 'w');
  OutgoingMail mail = mail_with_text(long_word + "\n" + std::string(5'000, ' ') + "x");
  mail.subject = std::string(900, 's');
  mail.headers = {{"X-Long", std::string(900, 'h')}, {"List-Unsubscribe", "<https://example.org/" + std::string(700, 'u') + ">"}};
  mail.html = "<p>" + std::string(4'000, 'p') + "</p>";
  for (int i = 0; i < 50; ++i) {
    mail.cc.push_back(parse_named_mailbox("Someone Long <c" + std::to_string(i) + "@example.net>").value());
  }
  const std::string content = compose_mail(mail);
  expect_sendable(content);
  const ReadMessage read = read_message(content);
  EXPECT_EQ(read.cc.size(), 50U);
  EXPECT_TRUE(read.text == *mail.text);
  EXPECT_EQ(read.subject, mail.subject);
}

TEST(MessageComposer, BringsAnyTextThroughUnchangedButForLineEnds) {
  struct Case {
    const char* name;
    std::string text;
    std::string expected;
  };
  const Case cases[] = {
      {"empty", "", ""},
      {"every line end", "a\nb\r\nc\rd", "a\nb\nc\nd"},
      {"empty lines of every kind", "\n\r\n\ra\r\r\n\n", "\n\n\na\n\n\n"},
      {"a dot alone", "a\n.\nb\n", "a\n.\nb\n"},
      {"From at a line's start", "From me\n", "From me\n"},
      {"smuggled header", "\nSubject: other\n\nbody", "\nSubject: other\n\nbody"},
      {"umlauts", "Grüße\n", "Grüße\n"},
      {"only ideographs", "山田太郎は元気です\n山田\n", "山田太郎は元気です\n山田\n"},
      {"trailing blanks", "a  \nb\t\n", "a  \nb\t\n"},
      {"something like a boundary", "--=_1_\n--=_1_--\n", "--=_1_\n--=_1_--\n"},
  };
  for (const Case& c : cases) {
    OutgoingMail mail = mail_with_text(c.text);
    mail.attachments.push_back({"f.bin", "", "", std::string("\0\r\n\xFF", 4)});
    const std::string content = compose_mail(mail);
    expect_sendable(content);
    EXPECT_EQ(read_message(content).text, c.expected) << c.name;
    EXPECT_EQ(read_attachment(content, "0")->octets, mail.attachments[0].content) << c.name;
    EXPECT_EQ(read_message(content).subject, "Your order") << c.name;
  }
}

TEST(MessageComposer, TypesAttachmentsByNameWhereNothingIsSaid) {
  struct Case {
    OutgoingAttachment attachment;
    const char* type;
  };
  const Case cases[] = {
      {{"invoice.PDF", "", "", "x"}, "application/pdf"},
      {{"data.bin", "", "", "x"}, "application/octet-stream"},
      {{"", "", "", "x"}, "application/octet-stream"},
      {{"a.txt", "text/x-log", "", "x"}, "text/x-log"},
      {{"invite.ics", "text/calendar; charset=utf-8; method=REQUEST", "", "x"}, "text/calendar"},
      {{"a.eml", "message/rfc822", "", "x"}, "application/octet-stream"},
      {{"Bücher, \"neu\".csv", "", "", "x"}, "text/csv"},
  };
  for (const Case& c : cases) {
    OutgoingMail mail = mail_with_text();
    mail.attachments = {c.attachment};
    const std::string content = compose_mail(mail);
    expect_sendable(content);
    const ReadMessage read = read_message(content);
    ASSERT_EQ(read.attachments.size(), 1U) << c.attachment.filename;
    EXPECT_EQ(read.attachments[0].content_type, c.type) << c.attachment.filename;
    EXPECT_EQ(read.attachments[0].filename, c.attachment.filename);
    EXPECT_FALSE(read.attachments[0].is_inline);
  }
}

TEST(MessageComposer, KeepsTheParametersOfAnAttachmentsType) {
  struct Case {
    const char* type;
    const char* written;
  };
  const Case cases[] = {
      {"text/calendar; charset=utf-8; method=REQUEST", "Content-Type: text/calendar; charset=utf-8; method=REQUEST"},
      {"text/plain; charset=\"iso-8859-1\"; format=flowed", "Content-Type: text/plain; charset=iso-8859-1; format=flowed"},
      {"application/octet-stream; name=\"a b.bin\"", "Content-Type: application/octet-stream; name=\"a b.bin\""},
  };
  for (const Case& c : cases) {
    OutgoingMail mail = mail_with_text();
    mail.attachments = {{"", c.type, "", "x"}};
    const std::string content = compose_mail(mail);
    expect_sendable(content);
    EXPECT_THAT(unfolded(content), HasSubstr(c.written));
  }
}

TEST(MessageComposer, BringsALoneTextThroughToItsLastOctet) {
  for (const std::string text : {"Hello", "Hello\n", "Hello\n\n",
                                 "Gr\xC3\xBC\xC3\x9F"
                                 "e",
                                 "Gr\xC3\xBC\xC3\x9F"
                                 "e\n",
                                 "\xE5\xB1\xB1", "\xE5\xB1\xB1\n", "a ", "\n", "x="}) {
    const std::string content = compose_mail(mail_with_text(text));
    expect_sendable(content);
    EXPECT_EQ(read_message(content).text, text) << content;
    OutgoingMail html = mail_with_text();
    html.html = text;
    html.text.reset();
    EXPECT_EQ(read_message(compose_mail(html)).html, text);
  }
}

TEST(MessageComposer, WritesAUtf8LocalPartAsItIs) {
  OutgoingMail mail = mail_with_text();
  mail.to = {parse_named_mailbox("用户@example.net").value()};
  const std::string content = compose_mail(mail);
  expect_sendable(content, false);
  EXPECT_THAT(content, HasSubstr("\r\nTo: 用户@example.net\r\n"));
}

TEST(NamedMailbox, IsReadAsPeopleWriteIt) {
  struct Case {
    const char* text;
    std::string name;
    std::string address;  // empty: refused
  };
  const Case cases[] = {
      {"a@example.org", "", "a@example.org"},
      {" a@example.org ", "", "a@example.org"},
      {"<a@example.org>", "", "a@example.org"},
      {"Ann <a@example.org>", "Ann", "a@example.org"},
      {"\"Ann, the \\\"first\\\"\" <a@example.org>", "Ann, the \"first\"", "a@example.org"},
      {"Acme, Inc. <a@example.org>", "Acme, Inc.", "a@example.org"},
      {"Ann <a@bücher.example>", "Ann", "a@xn--bcher-kva.example"},
      {"用户@example.org", "", "用户@example.org"},
      {"", "", ""},
      {"a", "", ""},
      {"a@", "", ""},
      {"@example.org", "", ""},
      {"a@example.org, b@example.org", "", ""},
      {"Ann a@example.org>", "", ""},
      {"a@example.org\r\nBcc: b@example.org", "", ""},
      {"Ann\r\nBcc: b@example.org <a@example.org>", "", ""},
      {"Ann\n <a@example.org>", "", ""},
      {"Ann <a@example.org\r\n>", "", ""},
      {"\x01 <a@example.org>", "", ""},
      {"\xFF <a@example.org>", "", ""},
  };
  for (const Case& c : cases) {
    const auto parsed = parse_named_mailbox(c.text);
    ASSERT_EQ(parsed.has_value(), !c.address.empty()) << c.text;
    if (!parsed) continue;
    EXPECT_EQ(parsed->name, c.name) << c.text;
    EXPECT_EQ(format_mailbox(parsed->mailbox), c.address) << c.text;
  }
}

}  // namespace
}  // namespace postern::mime
