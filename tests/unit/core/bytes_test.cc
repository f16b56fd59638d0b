#include "core/base64.h"
#include "core/bytes.h"

#include <gtest/gtest.h>

namespace postern {
namespace {

TEST(Base64, DecodesOnlyTheOneTextOfEachValue) {
  struct Case {
    const char* name;
    const char* text;
    std::optional<std::string> octets;
  };
  const Case cases[] = {
      {"empty", "", ""},
      {"one octet", "AA==", std::string(1, '\0')},
      {"two octets", "Zm8=", "fo"},
      {"three octets", "Zm9v", "foo"},
      {"padding missing", "Zm8", std::nullopt},
      {"padding too long", "Zg===", std::nullopt},
      {"padding within", "Zg==Zg==", std::nullopt},
      {"spare bits set", "Zm9=", std::nullopt},
      {"blank", "Zm 9", std::nullopt},
      {"line end", "Zm9v\r\n", std::nullopt},
      {"url alphabet", "_-__", std::nullopt},
  };
  for (const Case& c : cases) EXPECT_EQ(decode_base64(c.text), c.octets) << c.name;
}

TEST(Base64, DecodesWhatItEncodes) {
  std::string octets;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(decode_base64(encode_base64(octets)), octets);
    octets.push_back(static_cast<char>(i * 37));
  }
}

TEST(Base32Hex, KeepsTheOrderAndHasOneTextForAValue) {
  const std::vector<std::uint8_t> small = {0, 1, 2}, large = {0, 1, 3};
  EXPECT_LT(format_base32hex(small), format_base32hex(large));
  EXPECT_EQ(parse_base32hex(format_base32hex(small)), small);
  EXPECT_EQ(parse_base32hex("0001"), std::nullopt) << "a spare character";
  EXPECT_EQ(parse_base32hex("01"), std::nullopt) << "spare bits set";
  EXPECT_EQ(parse_base32hex("0W"), std::nullopt) << "outside the alphabet";
}

TEST(Numbers, AreWholeUnsignedAndDoNotWrap) {
  EXPECT_EQ(parse_unsigned("18446744073709551615"), UINT64_MAX);
  for (const char* bad : {"", "-1", "+1", " 1", "1 ", "0x10", "18446744073709551616", "99999999999999999999999"}) {
    EXPECT_EQ(parse_unsigned(bad), std::nullopt) << bad;
  }
}

TEST(Utf8, RefusesOverlongSurrogatesAndCutSequences) {
  for (const char* good : {"", "plain", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF",
                           "sixteen letters.", "eight be\xC3\xA9" "fore and after"}) {
    EXPECT_TRUE(is_valid_utf8(good)) << good;
  }
  for (const char* bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80", "\xE2\x82", "\xF0\x80\x80\x80",
                          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "eight be\xC3", "seven b\x80",
                          "eight be\xC3" "fore and after"}) {
    EXPECT_FALSE(is_valid_utf8(bad)) << escape_for_log(bad);
  }
}

TEST(HighOctets, AreThoseAbove127) {
  for (const char* none : {"", "plain", "\x7F\x01"}) EXPECT_FALSE(has_high_octet(none)) << escape_for_log(none);
  for (const char* one : {"\x80", "\xFF", "a long line of text and then caf\xC3\xA9"}) {
    EXPECT_TRUE(has_high_octet(one)) << escape_for_log(one);
  }
}

TEST(Escape, LeavesNothingThatATerminalObeys) {
  EXPECT_EQ(escape_for_log("a\r\n\x1b[31m\\\x7f"), "a\\x0d\\x0a\\x1b[31m\\\\\\x7f");
  EXPECT_EQ(escape_for_log("abcdef", 3), "abc…");
}

}  // namespace
}  // namespace postern
