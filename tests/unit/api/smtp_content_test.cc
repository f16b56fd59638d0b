// What SMTP brings, as it lies in the store: by DATA and by BDAT the same, and marked as 8-bit where it is.
#include "tests/unit/api/doors.h"

#include <gtest/gtest.h>

#include <string>

namespace postern::api {
namespace {

constexpr std::string_view kTransaction = "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\n";
constexpr std::string_view kHeader =
    "From: a@example.org\r\nTo: b@example.net\r\nDate: Fri, 20 Nov 2026 08:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\n";

std::string chunk(std::string_view octets, std::string_view marker = "") {
  std::string command = "BDAT " + std::to_string(octets.size());
  return command.append(marker).append("\r\n").append(octets);
}

store::MessageRecord stored_message(Doors& doors, const std::string& replies) {
  constexpr std::string_view kQueued = "queued as ";
  const std::size_t at = replies.find(kQueued);
  EXPECT_NE(at, std::string::npos) << replies;
  const std::string id = replies.substr(at + kQueued.size(), replies.find("\r\n", at) - at - kQueued.size());
  return doors.store.spool().find(parse_message_id(id).value()).value()->message;
}

// Without the trace header, which names the message's id.
std::string content_of(Doors& doors, const store::MessageRecord& message) {
  return test::read_content(doors.store.spool(), message).substr(message.trace_octets);
}

TEST(SmtpContent, IsTheSameByChunksAndByData) {
  Doors doors;
  const std::string header(kHeader);
  const auto by_data =
      stored_message(doors, doors.smtp(std::string(kTransaction) + "DATA\r\n" + header + "..\r\n...\r\nend\r\n.\r\n"));
  const auto by_chunks = stored_message(doors, doors.smtp(std::string(kTransaction) + chunk(header.substr(0, 30)) +
                                                          chunk(header.substr(30) + ".\r") + chunk("\n..\r\nend\r\n", " LAST")));
  EXPECT_EQ(content_of(doors, by_data), header + ".\r\n..\r\nend\r\n");
  EXPECT_EQ(content_of(doors, by_chunks), content_of(doors, by_data));
}

TEST(SmtpContent, HasItsTagsInAFieldThatGoesNoFurther) {
  Doors doors;
  const std::string fields =
      "X-Postern-Tags: kind=order, customer = 17,\r\n bad one=x, =y, z=, a=b=c\r\nx-postern-tags: more=1\r\n";
  const auto message =
      stored_message(doors, doors.smtp(std::string(kTransaction) + "DATA\r\n" + fields + std::string(kHeader) + "x\r\n.\r\n"));
  EXPECT_EQ(content_of(doors, message), std::string(kHeader) + "x\r\n");
  using Tags = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(message.summary.tags, (Tags{{"kind", "order"}, {"customer", "17"}, {"more", "1"}}));
}

TEST(SmtpContent, EndsWithALineEndWhereTheLastChunkHasNone) {
  Doors doors;
  const auto message = stored_message(doors, doors.smtp(std::string(kTransaction) + chunk(kHeader) + chunk("end", " LAST")));
  EXPECT_EQ(content_of(doors, message), std::string(kHeader) + "end\r\n");
}

TEST(SmtpContent, OfAChunkThatIsOnlyHeaderIsTakenToo) {
  Doors doors;
  const std::string_view open_header = kHeader.substr(0, kHeader.size() - 4);
  const auto message = stored_message(doors, doors.smtp(std::string(kTransaction) + chunk(open_header, " LAST")));
  EXPECT_EQ(content_of(doors, message).substr(0, open_header.size() + 2), std::string(open_header) + "\r\n");
}

TEST(SmtpContent, CountsAs8BitWhateverTheClientSaid) {
  struct Case {
    const char* name;
    std::string_view parameter;
    std::string_view header;
    std::string_view body;
    BodyType expected;
  };
  for (const Case& c : {Case{"7-bit, nothing said", "", "", "plain\r\n", BodyType::SevenBit},
                        {"7-bit, said to be 8-bit", " BODY=8BITMIME", "", "plain\r\n", BodyType::SevenBit},
                        {"8-bit body, nothing said", "", "", "caf\xC3\xA9\r\n", BodyType::EightBitMime},
                        {"8-bit body, said to be 7-bit", " BODY=7BIT", "", "caf\xE9\r\n", BodyType::EightBitMime},
                        {"8-bit field, nothing said", "", "Subject: caf\xC3\xA9\r\n", "plain\r\n", BodyType::EightBitMime}}) {
    SCOPED_TRACE(c.name);
    Doors doors;
    std::string input = "MAIL FROM:<a@example.org>";
    input.append(c.parameter).append("\r\nRCPT TO:<b@example.net>\r\nDATA\r\n");
    input.append(c.header).append(kHeader).append(c.body).append(".\r\n");
    EXPECT_EQ(stored_message(doors, doors.smtp(input)).envelope.parameters.body, c.expected);
  }
}

// Some clients say it of all their mail, and not every next hop takes it.
TEST(SmtpContent, NeedsSmtputf8OnlyWhereSomethingIsBeyondAscii) {
  struct Case {
    const char* name;
    std::string_view sender;
    std::string_view recipient;
    std::string_view header;
    std::string_view body;
    bool expected;
  };
  for (const Case& c : {Case{"nothing", "a@example.org>", "b@example.net>", "", "plain\r\n", false},
                        {"the sender", "\xC3\xA4@example.org>", "b@example.net>", "", "plain\r\n", true},
                        {"the recipient", "a@example.org>", "\xC3\xA4@example.net>", "", "plain\r\n", true},
                        {"the original recipient", "a@example.org>", "b@example.net> ORCPT=utf-8;b@b\xC3\xBC" "cher.example", "",
                         "plain\r\n", true},
                        {"the header section", "a@example.org>", "b@example.net>", "Subject: caf\xC3\xA9\r\n", "plain\r\n", true},
                        {"a domain alone, which goes out as A-labels", "a@example.org>", "b@\xEF\xBD\x85xample.net>", "",
                         "plain\r\n", false},
                        {"the body", "a@example.org>", "b@example.net>", "", "caf\xC3\xA9\r\n", false}}) {
    SCOPED_TRACE(c.name);
    Doors doors;
    std::string input = "MAIL FROM:<";
    input.append(c.sender).append(" SMTPUTF8\r\nRCPT TO:<").append(c.recipient).append("\r\nDATA\r\n");
    input.append(c.header).append(kHeader).append(c.body).append(".\r\n");
    EXPECT_EQ(stored_message(doors, doors.smtp(input)).envelope.parameters.smtputf8, c.expected);
  }
}

}  // namespace
}  // namespace postern::api
