// Reading a message that may be anybody's.
#include "mime/message_reader.h"

#include "core/bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::mime {
namespace {

using ::testing::ElementsAre;

constexpr std::string_view kMixed =
    "Received: from x by y\r\n"
    "From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\r\n"
    "To: a@example.net, \"B, C\" <b@example.net>\r\n"
    "Cc: c@example.net\r\n"
    "Message-ID: <1@example.org>\r\n"
    "Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\n"
    "\r\n"
    "--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe\r\n"
    "--b\r\nContent-Type: text/html\r\n\r\n<p>Hello</p>\r\n"
    "--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nattached\r\n"
    "--b\r\nContent-Type: image/png\r\nContent-ID: <logo>\r\nContent-Disposition: inline\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n"
    "--b--\r\n";

TEST(MessageReader, ReadsHeaderTextsAndAttachments) {
  const ReadMessage message = read_message(kMixed);
  EXPECT_EQ(message.from, "Jürgen <j@example.org>");
  EXPECT_EQ(message.subject, "Grüße");
  EXPECT_EQ(message.header_message_id, "1@example.org");
  EXPECT_THAT(message.to, ElementsAre("a@example.net", "\"B, C\" <b@example.net>"));
  EXPECT_THAT(message.cc, ElementsAre("c@example.net"));
  EXPECT_EQ(message.text, "Grüße");
  EXPECT_EQ(message.html, "<p>Hello</p>");
  ASSERT_EQ(message.attachments.size(), 2U);
  EXPECT_EQ(message.attachments[0].filename, "a.txt");
  EXPECT_EQ(message.attachments[0].octets, 8U);
  EXPECT_EQ(message.attachments[1].content_id, "logo");
  EXPECT_TRUE(message.attachments[1].is_inline);
  EXPECT_EQ(read_attachment(kMixed, "1")->octets, std::string("\0\1\2", 3));
  EXPECT_FALSE(read_attachment(kMixed, "2"));
  EXPECT_FALSE(read_attachment(kMixed, ""));
}

TEST(MessageReader, AnswersValidUtf8ForAnyOctets) {
  const std::string raw =
      "From: \xFF\xFE <a@example.org>\r\nSubject: \x80\x81\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\xC3(\r\n";
  const ReadMessage message = read_message(raw);
  EXPECT_TRUE(is_valid_utf8(message.from));
  EXPECT_TRUE(is_valid_utf8(message.subject));
  EXPECT_TRUE(is_valid_utf8(message.text.value_or("")));
}

TEST(MessageReader, GivesWhatThereIsOfABrokenMessage) {
  const std::string_view cases[] = {"", "\r\n", "no header at all", "Subject: x", "Content-Type: multipart/mixed\r\n\r\n--\r\n",
                                    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: "};
  for (const std::string_view raw : cases) {
    const ReadMessage message = read_message(raw);
    EXPECT_TRUE(message.attachments.size() <= 1) << raw;
  }
}

std::string nested(int depth) {
  std::string raw;
  for (int i = 0; i < depth; ++i) {
    const std::string boundary = "b" + std::to_string(i);
    raw += "Content-Type: multipart/mixed; boundary=" + boundary + "\r\n\r\n--" + boundary + "\r\n";
  }
  return raw + "Content-Type: application/octet-stream\r\n\r\nx\r\n";
}

TEST(MessageReader, GoesNoDeeperThanItsBound) {
  EXPECT_EQ(read_message(nested(kMaxMimeDepth)).attachments.size(), 1U);
  EXPECT_EQ(read_message(nested(kMaxMimeDepth + 1)).attachments.size(), 0U);
  EXPECT_EQ(read_message(nested(5'000)).attachments.size(), 0U);
}

TEST(MessageReader, ReadsNoMorePartsThanItsBound) {
  std::string raw = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (std::size_t i = 0; i < kMaxMimeParts + 100; ++i) raw += "--b\r\nContent-Type: image/png\r\n\r\nx\r\n";
  EXPECT_EQ(read_message(raw).attachments.size(), kMaxMimeParts - 1) << "the multipart is one of them";
}

// A small message may not become gigabytes of objects, however its structure is hidden.
TEST(MessageReader, ReadsNoMoreStructureThanItsBound) {
  const auto lines = [](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += "A:\r\n";
    return text;
  };
  const std::string multipart = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n";
  const std::string digest = "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\n";
  const std::string message = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n";
  const std::string rest = "\r\nx\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>\r\n--b--\r\n";
  for (const std::string& start : {multipart, digest, message}) {
    EXPECT_TRUE(read_message(start + lines(kMaxStructureLines / 2) + rest).html) << start;
    EXPECT_FALSE(read_message(start + lines(kMaxStructureLines) + rest).html) << start;
    const std::string long_line = "A: " + std::string(kMaxStructureOctets, 'x') + "\r\n";
    EXPECT_FALSE(read_message(start + long_line + rest).html) << start;
  }
  std::string boundaries = multipart;
  for (std::size_t i = 0; i < kMaxStructureLines; ++i) boundaries += "\r\n--c\r\n";
  EXPECT_FALSE(read_message(boundaries + rest).html);
  std::string text = multipart + "Content-Type: text/plain\r\n\r\n";
  for (std::size_t i = 0; i < 2 * kMaxStructureLines; ++i) text += "many lines\r\n";
  EXPECT_TRUE(read_message(text + rest).html) << "text is no structure";
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

// GMime recurses over groups and reads lists in quadratic time: unbounded, these overflow the stack or take half a minute.
TEST(MessageReader, LeavesOutFieldsThatWouldCostTooMuch) {
  const std::string texts[] = {"a:", "a,", "(", "<", "\"\\", "a <a@b>,", "a:\r\n ", "a,\r\n "};
  const std::string places[] = {"", "Content-Type: message/rfc822\r\n\r\n",
                                "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"};
  for (const std::string& place : places) {
    for (const std::string& text : texts) {
      for (const char* name : {"To", "resent-cc ", "Subject"}) {
        const std::string raw = place + name + ": " + repeated(text, 20'000) + "\r\nX: y\r\n\r\nx\r\n";
        EXPECT_LE(read_message(raw).to.size(), kMaxAddressOctets) << place << name << text;
      }
    }
  }
  EXPECT_LE(read_message(repeated("To: a@example.net\r\n", 15'000) + "\r\nx").to.size(), kMaxAddressFields);
}

TEST(MessageReader, TakesNoTextForStructure) {
  const std::string header = "Message-ID: <1@b>\r\nSubject: a message digest\r\nContent-Type: text/plain\r\n\r\n";
  const std::string lines = repeated("To: a@example.net\r\n", 2 * kMaxStructureLines);
  EXPECT_EQ(read_message(header + lines).text->size(), lines.size() - 2 * kMaxStructureLines) << "LF for CR LF";
  const std::string line(2 * kMaxStructureOctets, 'x');
  EXPECT_TRUE(read_message(header + line).text == line);
}

TEST(MessageReader, KeepsWhatIsBehindAFieldItLeavesOut) {
  const ReadMessage message =
      read_message("Subject: first\r\nTo: " + repeated("a@example.net, ", 2'000) + "\r\nMessage-ID: <1@b>\r\n\r\ntext\r\n");
  EXPECT_EQ(message.subject, "first");
  EXPECT_EQ(message.header_message_id, "1@b");
  EXPECT_EQ(message.text, "text\n");
  std::string sound = "To: a@example.net";
  for (int i = 0; i < 300; ++i) sound += ",\r\n b" + std::to_string(i) + "@example.net";
  EXPECT_EQ(read_message(sound + "\r\n\r\nx").to.size(), 301U);
}

TEST(MessageReader, CutsALongTextWhereACharacterEnds) {
  std::string raw = "Content-Type: text/plain; charset=utf-8\r\n\r\nx";
  while (raw.size() < kMaxShownTextOctets + 1'000) raw += "\xC3\xBC";
  const ReadMessage message = read_message(raw);
  ASSERT_TRUE(message.text);
  EXPECT_LE(message.text->size(), kMaxShownTextOctets);
  EXPECT_GE(message.text->size(), kMaxShownTextOctets - 3);
  EXPECT_TRUE(is_valid_utf8(*message.text));
}

TEST(MessageReader, DecodesWordsOneByOneAndUnfolds) {
  const ReadMessage message = read_message(
      "From: =?UTF-8?B?R3LDvMOfZSBhdXM=?=\r\n =?UTF-8?B?IEvDtmxu?= <a@example.org>\r\n"
      "To: \"A very\r\n long name\" <b@example.org>, =?utf-8?q?=E5?= =?utf-8?q?=B1=B1?= <c@example.org>,\r\n"
      " =?iso-8859-1?q?Doe=2C_J=FCrgen?= <d@example.org>\r\n"
      "Cc: =?utf-8?b?w7wNCkJjYzogeA==?= <e@example.org>\r\n"
      "Subject: =?UTF-8?B?R3LDvMOfZSBhdXM=?=\r\n =?UTF-8?B?IEvDtmxu?=\r\n"
      "Content-Type: application/pdf\r\n"
      "Content-Disposition: attachment; filename=\"=?UTF-8?B?R3LDvMOfZQ==?=\r\n =?UTF-8?B?LnBkZg==?=\"\r\n\r\nx\r\n");
  EXPECT_EQ(message.from, "Gr\xC3\xBC\xC3\x9F" "e aus K\xC3\xB6ln <a@example.org>");
  EXPECT_THAT(message.to, ElementsAre("A very long name <b@example.org>", "\xE5\xB1\xB1 <c@example.org>",
                                      "\"Doe, J\xC3\xBCrgen\" <d@example.org>"));
  EXPECT_THAT(message.cc, ElementsAre("\"\xC3\xBC  Bcc: x\" <e@example.org>"));
  EXPECT_EQ(message.subject, "Gr\xC3\xBC\xC3\x9F" "e aus K\xC3\xB6ln");
  ASSERT_EQ(message.attachments.size(), 1U);
  EXPECT_EQ(message.attachments[0].filename, "Gr\xC3\xBC\xC3\x9F" "e.pdf");
}

std::string multipart(std::string_view subtype, const std::vector<std::string>& parts) {
  std::string raw = "Content-Type: multipart/" + std::string(subtype) + "; boundary=b\r\n\r\n";
  for (const std::string& part : parts) raw += "--b\r\n" + part + "\r\n";
  return raw + "--b--\r\n";
}

TEST(MessageReader, TakesNoResourceForTheBody) {
  const std::string html = "Content-Type: text/html\r\nContent-ID: <h>\r\n\r\n<p>";
  const std::string text = "Content-Type: text/plain\r\nContent-ID: <t>\r\n\r\ntext";
  EXPECT_EQ(read_message(text).text, "text") << "alone";
  EXPECT_EQ(read_message(multipart("alternative", {text, html})).text, "text") << "some mailers give every part an id";
  EXPECT_EQ(read_message(multipart("mixed", {text, html})).text, "text");
  for (const char* subtype : {"related", "mixed"}) {
    const ReadMessage message = read_message(multipart(subtype, {html, text}));
    EXPECT_EQ(message.html, "<p>") << subtype;
    EXPECT_FALSE(message.text) << subtype;
    ASSERT_EQ(message.attachments.size(), 1U) << subtype;
    EXPECT_EQ(message.attachments[0].content_id, "t") << subtype;
  }
}

TEST(MessageReader, KeepsEveryOctetOfALoneText) {
  const std::string nul("a\0b\rc\r\n", 8);
  EXPECT_EQ(read_message("Content-Type: text/plain; charset=utf-8\r\n\r\n" + nul).text, std::string("a\0b\rc\n", 7));
  EXPECT_EQ(read_message("Content-Transfer-Encoding: base64\r\n\r\nYQBi\r\n").text, std::string("a\0b", 3));
  EXPECT_EQ(read_message("Content-Transfer-Encoding: quoted-printable\r\n\r\na=00b=\r\n").text, std::string("a\0b", 3));
  EXPECT_EQ(read_message("\r\nHello").text, "Hello");
  EXPECT_EQ(read_message("Content-Type: text/plain; charset=iso-8859-1\r\n\r\n\xFC\r\n").text, "\xC3\xBC\n");
}

TEST(MessageReader, NamesTheFormsThatOnlySomeReadersShow) {
  const ReadMessage message = read_message(multipart(
      "alternative", {"Content-Type: text/plain\r\n\r\ntext", "Content-Type: text/x-amp-html\r\n\r\n<html amp4email>",
                      "Content-Type: text/html\r\n\r\n<p>", "Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR"}));
  EXPECT_EQ(message.text, "text");
  EXPECT_EQ(message.html, "<p>");
  ASSERT_EQ(message.attachments.size(), 2U);
  EXPECT_EQ(message.attachments[0].filename, "message.amp.html");
  EXPECT_EQ(message.attachments[1].filename, "invite.ics");
  EXPECT_TRUE(message.attachments[1].is_inline);
}

}  // namespace
}  // namespace postern::mime
