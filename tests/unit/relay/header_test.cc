#include "relay/header_scan.h"
#include "relay/message_fixups.h"

#include <gtest/gtest.h>

namespace postern::relay {
namespace {

HeaderScan scan(std::string_view content, std::size_t piece = 1'000'000) {
  HeaderScan header;
  while (!content.empty() && header.state() == HeaderScan::State::Reading) {
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
    const HeaderScan header = scan(kMessage, piece);
    ASSERT_EQ(header.state(), HeaderScan::State::Complete) << piece;
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
    const HeaderScan header = scan(c.content);
    EXPECT_EQ(header.fields().size(), c.fields) << c.name;
    EXPECT_EQ(header.body_start(), c.body_start) << c.name;
  }
}

TEST(HeaderScan, IsBounded) {
  HeaderScan header;
  const std::string line = "X-Long: " + std::string(990, 'x') + "\r\n";
  while (header.state() == HeaderScan::State::Reading) header.feed(line);
  EXPECT_EQ(header.state(), HeaderScan::State::TooBig);
  HeaderScan endless;
  while (endless.state() == HeaderScan::State::Reading) endless.feed(std::string(10'000, 'x'));
  EXPECT_EQ(endless.state(), HeaderScan::State::TooBig);
}

TEST(HeaderScan, ReadsTheDomainsOfAnAddressList) {
  struct Case {
    const char* value;
    std::optional<std::vector<std::string>> domains;
  };
  const Case cases[] = {
      {" ann@example.org", {{"example.org"}}},
      {" \"Ann, of Example\" <ann@EXAMPLE.org>", {{"example.org"}}},
      {" ann@one.example, Bob <bob@two.example>", {{"one.example", "two.example"}}},
      {" ann@example.org (said <eve@evil.example>)", {{"example.org"}}},
      {" Team: ann@one.example, bob@two.example;", {{"one.example", "two.example"}}},
      {" \"<eve@evil.example>\" <ann@example.org>", {{"example.org"}}},
      {" =?utf-8?q?Ann?= <ann@example.org>", {{"example.org"}}},
      {" <ann@example.org> eve@evil.example", std::nullopt},
      {" ann@example.org <ann@example.org>", {{"example.org", "example.org"}}},
      // What lax readers take for the author.
      {" eve@evil.example <ann@example.org>", {{"evil.example", "example.org"}}},
      {" <eve@evil.example> <ann@example.org>", std::nullopt},
      {" Eve [, eve@evil.example ] <ann@example.org>", std::nullopt},
      {" eve @ evil.example, of <ann@example.org>", {{"evil.example", "example.org"}}},
      {" Eve \"x\" eve@evil.example <ann@example.org>", {{"evil.example", "example.org"}}},
      {" eve@evil.example: ann@example.org;", {{"evil.example", "example.org"}}},
      {" ann", std::nullopt},
      {" ", std::nullopt},
      {" (unclosed ann@example.org", std::nullopt},
      {" \"unclosed <ann@example.org>", std::nullopt},
  };
  for (const Case& c : cases) EXPECT_EQ(address_domains(c.value), c.domains) << c.value;
}

TEST(MessageFixups, AddWhatIsMissingAndRemoveBccOnly) {
  const Instant now{std::chrono::seconds(1'795'253'400)};
  const std::string fixed = fixed_header(scan(kMessage), "id1", "relay.example", now);
  EXPECT_EQ(fixed,
            "Date: Sat, 21 Nov 2026 09:30:00 +0000\r\nMessage-ID: <id1@relay.example>\r\nFrom: Ann <ann@example.org>\r\n"
            "To: you@example.net\r\nSubject: folded\r\n over two lines\r\n\r\n");
  const std::string whole = "Date: x\r\nmessage-id: <y@z>\r\nFrom: a@example.org\r\n\r\n";
  EXPECT_EQ(fixed_header(scan(whole), "id1", "relay.example", now), whole);
}

}  // namespace
}  // namespace postern::relay
