// Keys as text: shape, checksum, and what is refused without a look-up.
#include "auth/api_key.h"

#include "core/bytes.h"
#include "tests/support/fake_random.h"

#include <boost/crc.hpp>

#include <map>
#include <set>

namespace postern::auth {
namespace {

struct SchemeCase {
  const char* name;
  KeyScheme scheme;
  Environment environment;
  const char* start;
};

const SchemeCase kSchemes[] = {
    {"live", {"pk", true, 0}, Environment::Live, "pk_live_"},
    {"test", {"pk", true, 0}, Environment::Test, "pk_test_"},
    {"no environment part", {"sk", false, 0}, Environment::Live, "sk_"},
    {"long brand", {"sixteencharacter", true, 0}, Environment::Test, "sixteencharacter_test_"},
};

std::string make_key(const KeyScheme& scheme, Environment environment, std::uint64_t seed = 7) {
  test::FakeRandom random(seed);
  return std::string(generate_api_key(scheme, environment, random).reveal());
}

TEST(ApiKey, HasBrandEnvironmentAnd48Characters) {
  for (const SchemeCase& c : kSchemes) {
    const std::string key = make_key(c.scheme, c.environment);
    const std::string_view start = c.start;
    EXPECT_TRUE(key.starts_with(start)) << c.name;
    ASSERT_EQ(key.size(), start.size() + 48) << c.name;
    for (const char character : key.substr(start.size())) EXPECT_TRUE(is_ascii_alnum(character)) << c.name;
    EXPECT_EQ(check_api_key(c.scheme, key), c.environment) << c.name;
  }
}

// Written out a second time, so that a change of the format cannot pass unnoticed: scanners rely on it.
TEST(ApiKey, EndsWithTheCrc32OfAllThatPrecedesIt) {
  const std::string key = make_key({}, Environment::Live);
  boost::crc_32_type crc;
  crc.process_bytes(key.data(), key.size() - 6);
  std::uint64_t value = 0;
  for (const char c : key.substr(key.size() - 6)) {
    const int digit = is_ascii_digit(c) ? c - '0' : c >= 'a' ? c - 'a' + 36 : c - 'A' + 10;
    value = value * 62 + static_cast<std::uint64_t>(digit);
  }
  EXPECT_EQ(value, crc.checksum());
}

TEST(ApiKey, IsRefusedAfterEveryChangeOfOneCharacter) {
  constexpr std::string_view kAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-";
  for (const SchemeCase& c : kSchemes) {
    const std::string key = make_key(c.scheme, c.environment);
    for (std::size_t i = 0; i < key.size(); ++i) {
      for (const char replacement : kAlphabet) {
        std::string changed = key;
        changed[i] = replacement;
        if (changed == key) continue;
        EXPECT_FALSE(check_api_key(c.scheme, changed)) << c.name << " at " << i << ": " << replacement;
      }
    }
  }
}

TEST(ApiKey, IsRefusedAfterEverySwapOfNeighbours) {
  const std::string key = make_key({}, Environment::Test);
  for (std::size_t i = 0; i + 1 < key.size(); ++i) {
    std::string changed = key;
    std::swap(changed[i], changed[i + 1]);
    if (changed == key) continue;
    EXPECT_FALSE(check_api_key({}, changed)) << "at " << i;
  }
}

TEST(ApiKey, IsRefusedInEveryOtherLength) {
  const std::string key = make_key({}, Environment::Live);
  for (std::size_t length = 0; length < key.size(); ++length) EXPECT_FALSE(check_api_key({}, key.substr(0, length))) << length;
  for (const char* extra : {" ", "0", "\n", "\r\n"}) EXPECT_FALSE(check_api_key({}, key + extra));
  for (const char* extra : {" ", "0", "\t"}) EXPECT_FALSE(check_api_key({}, extra + key));
  EXPECT_FALSE(check_api_key({}, key + std::string(1, '\0')));
  EXPECT_FALSE(check_api_key({}, std::string(100'000, 'a')));
}

TEST(ApiKey, IsRefusedUnderAnotherScheme) {
  const std::string key = make_key({"pk", true, 0}, Environment::Live);
  for (const KeyScheme& other :
       {KeyScheme{"sk", true, 0}, KeyScheme{"p", true, 0}, KeyScheme{"pk", false, 0}, KeyScheme{"pkk", true, 0}}) {
    EXPECT_FALSE(check_api_key(other, key)) << other.brand;
  }
  EXPECT_FALSE(check_api_key({"pk", true, 0}, make_key({"pk", false, 0}, Environment::Live)));
}

TEST(ApiKey, DiffersEveryTime) {
  test::FakeRandom random;
  std::set<std::string> seen;
  for (int i = 0; i < 2'000; ++i) EXPECT_TRUE(seen.emplace(generate_api_key({}, Environment::Live, random).reveal()).second);
}

// 84,000 characters over 62 values: 1,355 expected each, and 4.2 standard deviations is 155. With `octet % 62` the first eight
// values would come 1.25 times as often (1,640).
TEST(ApiKey, UsesEveryCharacterAboutEquallyOften) {
  test::FakeRandom random;
  std::map<char, int> counts;
  for (int i = 0; i < 2'000; ++i) {
    const Secret key = generate_api_key({}, Environment::Live, random);
    for (const char c : key.reveal().substr(8, 42)) ++counts[c];
  }
  EXPECT_EQ(counts.size(), 62U);
  for (const auto& [character, count] : counts) {
    EXPECT_GT(count, 1'200) << character;
    EXPECT_LT(count, 1'510) << character;
  }
}

TEST(ApiKey, IsRecognisedByItsFirst16Characters) {
  const std::string key = make_key({}, Environment::Live);
  EXPECT_EQ(key_prefix(key), key.substr(0, 16));
  EXPECT_TRUE(key_prefix(key).starts_with("pk_live_"));
}

}  // namespace
}  // namespace postern::auth
