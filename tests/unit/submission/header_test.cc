#include "mime/header_scan.h"
#include "mime/long_lines.h"
#include "submission/message_fixups.h"

#include <gtest/gtest.h>

namespace postern::submission {
namespace {

mime::HeaderScan scan(std::string_view content, std::size_t piece = 1'000'000) {
  mime::HeaderScan header;
  while (!content.empty() && header.state() == mime::HeaderScan::State::Reading) {
    const std::size_t taken = header.feed(content.substr(0, piece));
    content.remove_prefix(taken);
  }
  header.finish();
  return header;
}

constexpr const char* kMessage =
    "From: Ann <ann@example.org>\r\nTo: you@example.net\r\nSubject: folded\r\n over two lines\r\nBcc: secret@example.net,\r\n"
    "\tother@example.net\r\n\r\nBody\r\n";

TEST(HeaderScan, FindsTheSameFieldsInAnySplit) {
  for (const std::size_t piece : {1UL, 2UL, 3UL, 7UL, 64UL, 1'000UL}) {
    const mime::HeaderScan header = scan(kMessage, piece);
    ASSERT_EQ(header.state(), mime::HeaderScan::State::Complete) << piece;
    ASSERT_EQ(header.fields().size(), 4U) << piece;
    EXPECT_EQ(header.find("subject")->value, " folded\r\n over two lines") << piece;
    EXPECT_TRUE(header.has_empty_line()) << piece;
  }
}

TEST(HeaderScan, EndsWhereTheBodyBegins) {
  struct Case {
    const char* name;
    const char* content;
    std::size_t fields;
    const char* body_start;
  };
  const Case cases[] = {
      {"no header at all", "just text\r\nmore\r\n", 0, "just text\r\n"},
      {"empty line at once", "\r\nbody\r\n", 0, ""},
      {"header only", "From: a@example.org\r\n", 1, ""},
      {"header without its last line end", "From: a@example.org", 1, ""},
      {"continuation without a field", " folded\r\n\r\n", 0, " folded\r\n"},
      {"a line that is no field", "From: a@example.org\r\nnot a field\r\n\r\n", 1, "not a field\r\n"},
      {"nothing", "", 0, ""},
  };
  for (const Case& c : cases) {
    const mime::HeaderScan header = scan(c.content);
    EXPECT_EQ(header.fields().size(), c.fields) << c.name;
    EXPECT_EQ(header.body_start(), c.body_start) << c.name;
  }
}

TEST(HeaderScan, IsBounded) {
  mime::HeaderScan header;
  const std::string line = "X-Long: " + std::string(990, 'x') + "\r\n";
  while (header.state() == mime::HeaderScan::State::Reading) header.feed(line);
  EXPECT_EQ(header.state(), mime::HeaderScan::State::TooBig);
  mime::HeaderScan endless;
  while (endless.state() == mime::HeaderScan::State::Reading) endless.feed(std::string(10'000, 'x'));
  EXPECT_EQ(endless.state(), mime::HeaderScan::State::TooBig);
}

TEST(HeaderScan, DropsMboxLinesBeforeTheFirstField) {
  for (const std::string mbox : {"From root@h Mon Nov 30 03:05:10 2026\r\n", ">From ann@h Mon Nov 30 03:05:10 2026\r\n",
                                 "From x\r\n>From y\r\n"}) {
    const mime::HeaderScan header = scan(mbox + kMessage, 5);
    EXPECT_EQ(header.fields().size(), 4U) << mbox;
    EXPECT_EQ(header.fields().front().name, "From") << mbox;
    EXPECT_TRUE(header.has_dropped_line()) << mbox;
    EXPECT_EQ(header.body_start(), "") << mbox;
  }
  EXPECT_EQ(scan("From : ann@example.org\r\n\r\n").count("From"), 1U) << "a field in the obsolete form";
  EXPECT_EQ(scan("Subject: x\r\nFrom the field\r\n\r\n").body_start(), "From the field\r\n") << "not before the first field";
}

constexpr Instant kFixupTime{std::chrono::seconds(1'795'253'400)};

std::string fixed(std::string_view content, bool folds = true) {
  const FixUps fix_ups{.message_id = "id1", .hostname = "relay.example", .now = kFixupTime, .folds = folds};
  return fixed_header(scan(content), fix_ups).section;
}

TEST(MessageFixups, AddWhatIsMissingAndRemoveWhatIsPrivate) {
  EXPECT_EQ(fixed(kMessage),
            "Date: Sat, 21 Nov 2026 09:30:00 +0000\r\nMessage-ID: <id1@relay.example>\r\nFrom: Ann <ann@example.org>\r\n"
            "To: you@example.net\r\nSubject: folded\r\n over two lines\r\n\r\n");
  const std::string whole = "Date: x\r\nmessage-id: <y@z>\r\nFrom: a@example.org\r\n\r\n";
  EXPECT_EQ(fixed(whole), whole);
  EXPECT_EQ(fixed("Date: x\r\nIdempotency-Key: k\r\nMessage-ID: <y@z>\r\nidempotency-key: l\r\n\r\n"),
            "Date: x\r\nMessage-ID: <y@z>\r\n\r\n");
}

TEST(MessageFixups, PutOurLinkInThePlaceOfTheSendersOwn) {
  const std::string asks = "Date: x\r\nMessage-ID: <y@z>\r\nX-Postern-Unsubscribe: news\r\n";
  const std::string own = "List-Unsubscribe: <mailto:a@example.org>,\r\n <https://example.org>\r\nlist-unsubscribe-post: x\r\n";
  FixUps fix_ups{.message_id = "id1", .hostname = "relay.example", .now = kFixupTime, .folds = true};
  EXPECT_EQ(fixed_header(scan(asks + own + "\r\n"), fix_ups).section, "Date: x\r\nMessage-ID: <y@z>\r\n" + own + "\r\n");
  fix_ups.unsubscribe_fields = "List-Unsubscribe: <https://relay.example/1>\r\n";
  EXPECT_EQ(fixed_header(scan(asks + own + "\r\n"), fix_ups).section,
            "List-Unsubscribe: <https://relay.example/1>\r\nDate: x\r\nMessage-ID: <y@z>\r\n\r\n");
}

TEST(MessageFixups, KeepTheFirstGoodMessageId) {
  struct Case {
    const char* fields;
    const char* kept;
  };
  constexpr const char* kOurs = "Message-ID: <id1@relay.example>\r\nDate: x\r\n\r\n";
  for (const Case& c : {Case{"Message-ID: 12345\r\n", kOurs}, Case{"Message-ID:\r\n", kOurs},
                        Case{"Message-ID: <a b@c>\r\n", kOurs}, Case{"Message-ID: <abc>\r\n", kOurs},
                        Case{"Message-ID: <@c>\r\n", kOurs}, Case{"Message-ID: <a@>\r\n", kOurs},
                        Case{"Message-ID: <a@b> <c@d>\r\n", kOurs}, Case{"Message-ID: a@b\r\n", kOurs},
                        Case{"Message-ID: <a@b>\r\nMessage-ID: <c@d>\r\n", "Message-ID: <a@b>\r\nDate: x\r\n\r\n"},
                        Case{"Message-ID: bad\r\nMessage-ID: <c@d>\r\n", "Message-ID: <c@d>\r\nDate: x\r\n\r\n"},
                        Case{"Message-ID:\r\n <a@b>\r\n", "Message-ID:\r\n <a@b>\r\nDate: x\r\n\r\n"},
                        Case{"Message-ID: <a@b> (by me)\r\n", "Message-ID: <a@b> (by me)\r\nDate: x\r\n\r\n"}}) {
    EXPECT_EQ(fixed(std::string(c.fields) + "Date: x\r\n\r\n"), c.kept) << c.fields;
  }
}

TEST(MessageFixups, FoldALongFieldWhereTheyMay) {
  std::string references = "References:";
  for (int i = 0; i < 60; ++i) references += " <" + std::to_string(i) + std::string(20, 'r') + "@example.org>";
  const std::string content = "Date: x\r\nMessage-ID: <y@z>\r\n" + references + "\r\n\r\n";
  const std::string folded = fixed(content);
  EXPECT_NE(folded, content);
  EXPECT_FALSE(mime::has_long_line(folded));
  std::string unfolded = folded;
  for (std::size_t at = 0; (at = unfolded.find("\r\n ", at)) != std::string::npos;) unfolded.erase(at, 2);
  EXPECT_EQ(unfolded, content);
  EXPECT_EQ(fixed(content, false), content);
}

TEST(MessageFixups, WarnOfWhatReceiversMayRefuse) {
  using Warnings = std::vector<std::string>;
  EXPECT_EQ(header_warnings(scan(kMessage)), Warnings{});
  EXPECT_EQ(header_warnings(scan("Subject: x\r\nSubject: y\r\n\r\n")),
            (Warnings{"there is no From field: many receivers refuse that", "there is more than one Subject field"}));
  EXPECT_EQ(header_warnings(scan("From: root\r\nMessage-ID: 1\r\n\r\n")),
            (Warnings{"the From field names an address without a domain", "the Message-ID field is malformed and was replaced"}));
  EXPECT_EQ(header_warnings(scan("From x\r\nFrom: a:b;\r\n\r\n")).size(), 2U);
}

}  // namespace
}  // namespace postern::submission
