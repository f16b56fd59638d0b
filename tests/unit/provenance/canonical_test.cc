#include "provenance/canonical.h"

#include "core/base64.h"

#include <gtest/gtest.h>

namespace postern::provenance {
namespace {

std::string hash_of(std::string_view body, Canonical form, std::size_t piece = 1'000'000) {
  BodyHash hash(form);
  for (std::size_t i = 0; i < body.size(); i += piece) hash.append(body.substr(i, piece));
  return hash.finish();
}

// RFC 6376 §3.4.5.
TEST(Canonical, FollowsTheExampleOfRfc6376) {
  EXPECT_EQ(canonical_field("A: X\r\n", Canonical::Relaxed), "a:X\r\n");
  EXPECT_EQ(canonical_field("B : Y\t\r\n\tZ  \r\n", Canonical::Relaxed), "b:Y Z\r\n");
  EXPECT_EQ(canonical_field("B : Y\t\r\n\tZ  \r\n", Canonical::Simple), "B : Y\t\r\n\tZ  \r\n");
  const std::string body = " C \r\nD \t E\r\n\r\n\r\n";
  EXPECT_EQ(hash_of(body, Canonical::Relaxed), sha256(" C\r\nD E\r\n"));
  EXPECT_EQ(hash_of(body, Canonical::Simple), sha256(" C \r\nD \t E\r\n"));
}

TEST(Canonical, HashesEveryShapeOfBody) {
  struct Case {
    const char* name;
    std::string body;
    std::string simple;
    std::string relaxed;
  };
  const Case cases[] = {
      {"nothing", "", "\r\n", ""},
      {"an empty line", "\r\n", "\r\n", ""},
      {"empty lines", "\r\n\r\n\r\n", "\r\n", ""},
      {"blanks only", " \t\r\n \r\n", " \t\r\n \r\n", ""},
      {"no end of the last line", "a", "a\r\n", "a\r\n"},
      {"blanks at the very end", "a \t", "a \t\r\n", "a\r\n"},
      {"empty lines between", "a\r\n\r\n\r\nb\r\n", "a\r\n\r\n\r\nb\r\n", "a\r\n\r\n\r\nb\r\n"},
      {"blanks before a line", "  a\r\n", "  a\r\n", " a\r\n"},
      {"a lone carriage return", "a\rb\r", "a\rb\r\r\n", "a\rb\r\r\n"},
      {"forty thousand lines",
       [] {
         std::string lines;
         for (int i = 0; i < 20'000; ++i) lines += "\r\nx\r\n";
         return lines;
       }(),
       "", ""},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    const bool is_same = one.body.size() > 1'000;
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{1'000'000}}) {
      EXPECT_EQ(hash_of(one.body, Canonical::Simple, piece), sha256(is_same ? one.body : one.simple));
      EXPECT_EQ(hash_of(one.body, Canonical::Relaxed, piece), sha256(is_same ? one.body : one.relaxed));
    }
  }
}

TEST(Canonical, CountsTheOctetsThatItHashes) {
  BodyHash hash(Canonical::Relaxed);
  hash.append("a  b \r\n\r\n\r\n");
  hash.finish();
  EXPECT_EQ(hash.octets(), 5U);
}

TEST(Canonical, ChoosesFieldsFromTheBottomAndEachOnce) {
  mime::HeaderScan header;
  header.feed("To: 1\r\nX: 2\r\nto: 3\r\n\r\n");
  EXPECT_EQ(canonical_fields(header, {"TO", "from", "to", "to", "x"}, Canonical::Relaxed), "to:3\r\nto:1\r\nx:2\r\n");
}

}  // namespace
}  // namespace postern::provenance
