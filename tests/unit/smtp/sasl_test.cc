// PLAIN and LOGIN exchanges: what decodes, what does not, and what is as good as a wrong key.
#include "smtp/sasl.h"

#include "core/base64.h"
#include "smtp/limits.h"

#include <gtest/gtest.h>

#include <string>

namespace postern::smtp {
namespace {

using namespace std::string_literals;

SaslOutcome plain(const std::string& message) {
  return SaslExchange::start("PLAIN")->begin(encode_base64(message));
}

TEST(Sasl, KnowsTwoMechanisms) {
  EXPECT_TRUE(SaslExchange::start("PLAIN").has_value());
  EXPECT_TRUE(SaslExchange::start("login").has_value());
  for (const char* name : {"", "CRAM-MD5", "NTLM", "EXTERNAL", "XOAUTH2", "PLAINX", "ANONYMOUS"}) {
    EXPECT_FALSE(SaslExchange::start(name).has_value()) << name;
  }
}

TEST(Sasl, PlainGivesTheCredential) {
  for (const std::string& message : {"\0app\0key"s, "app\0app\0key"s}) {
    const SaslOutcome outcome = plain(message);
    ASSERT_TRUE(std::holds_alternative<Credential>(outcome));
    EXPECT_EQ(std::get<Credential>(outcome).mechanism, "PLAIN");
    EXPECT_EQ(std::get<Credential>(outcome).user_name, "app");
    EXPECT_EQ(std::get<Credential>(outcome).password.reveal(), "key");
  }
}

TEST(Sasl, PlainOfAnotherShapeIsAWrongKey) {
  struct Case { const char* name; std::string message; };
  const Case kCases[] = {
      {"empty", ""s},
      {"no NUL", "appkey"s},
      {"one NUL", "app\0key"s},
      {"three NULs", "\0app\0key\0"s},
      {"no password", "\0app\0"s},
      {"foreign authzid", "root\0app\0key"s},
  };
  for (const Case& c : kCases) {
    const SaslOutcome outcome = plain(c.message);
    ASSERT_TRUE(std::holds_alternative<SaslFailure>(outcome)) << c.name;
    EXPECT_EQ(std::get<SaslFailure>(outcome), SaslFailure::WrongShape) << c.name;
  }
}

TEST(Sasl, AUserNameIsRefusedByItsOwnName) {
  for (const std::string& name : {"ap\np"s, "\xFF"s, std::string(kMaxUserNameOctets + 1, 'n')}) {
    const SaslOutcome outcome = plain("\0"s + name + "\0key"s);
    ASSERT_TRUE(std::holds_alternative<SaslFailure>(outcome)) << name;
    EXPECT_EQ(std::get<SaslFailure>(outcome), SaslFailure::BadUserName) << name;
    const SaslOutcome login = SaslExchange::start("LOGIN")->begin(encode_base64(name));
    ASSERT_TRUE(std::holds_alternative<SaslFailure>(login)) << name;
    EXPECT_EQ(std::get<SaslFailure>(login), SaslFailure::BadUserName) << name;
  }
  const std::string longest(1'024, 'n');
  EXPECT_EQ(std::get<Credential>(plain("\0"s + longest + "\0key"s)).user_name, longest);
}

TEST(Sasl, PlainWithoutInitialResponseIsAskedForIt) {
  auto exchange = SaslExchange::start("PLAIN");
  const SaslOutcome challenge = exchange->begin(std::nullopt);
  ASSERT_TRUE(std::holds_alternative<SaslChallenge>(challenge));
  EXPECT_EQ(std::get<SaslChallenge>(challenge).base64, "");
  EXPECT_TRUE(std::holds_alternative<Credential>(exchange->respond(encode_base64("\0app\0key"s))));
}

TEST(Sasl, LoginAsksForNameAndPassword) {
  auto exchange = SaslExchange::start("LOGIN");
  const SaslOutcome first = exchange->begin(std::nullopt);
  EXPECT_EQ(decode_base64(std::get<SaslChallenge>(first).base64), "Username:");
  const SaslOutcome second = exchange->respond(encode_base64("app"));
  EXPECT_EQ(decode_base64(std::get<SaslChallenge>(second).base64), "Password:");
  const SaslOutcome third = exchange->respond(encode_base64("key"));
  ASSERT_TRUE(std::holds_alternative<Credential>(third));
  EXPECT_EQ(std::get<Credential>(third).user_name, "app");
  EXPECT_EQ(std::get<Credential>(third).password.reveal(), "key");
}

TEST(Sasl, LoginTakesTheNameAsInitialResponse) {
  auto exchange = SaslExchange::start("LOGIN");
  const SaslOutcome outcome = exchange->begin(encode_base64("app"));
  ASSERT_TRUE(std::holds_alternative<SaslChallenge>(outcome));
  EXPECT_EQ(decode_base64(std::get<SaslChallenge>(outcome).base64), "Password:");
}

TEST(Sasl, LoginRefusesAnEmptyPasswordAndNul) {
  for (const std::string& password : {""s, "k\0y"s}) {
    auto exchange = SaslExchange::start("LOGIN");
    static_cast<void>(exchange->begin(encode_base64("app")));
    EXPECT_EQ(std::get<SaslFailure>(exchange->respond(encode_base64(password))), SaslFailure::WrongShape);
  }
}

TEST(Sasl, AnEqualsSignIsAnEmptyInitialResponse) {
  EXPECT_EQ(std::get<SaslFailure>(SaslExchange::start("PLAIN")->begin("=")), SaslFailure::WrongShape);
}

TEST(Sasl, AStarCancels) {
  auto exchange = SaslExchange::start("PLAIN");
  static_cast<void>(exchange->begin(std::nullopt));
  EXPECT_EQ(std::get<SaslFailure>(exchange->respond("*")), SaslFailure::Cancelled);
}

TEST(Sasl, RefusesWhatIsNoBase64) {
  for (const char* text : {"*", "abc", "ab=c", "a b=", "AGFwcABrZXk", "AGFwcABrZXk===", "AGFwcABrZXl="}) {
    const SaslOutcome outcome = SaslExchange::start("PLAIN")->begin(text);
    ASSERT_TRUE(std::holds_alternative<SaslFailure>(outcome)) << text;
    EXPECT_EQ(std::get<SaslFailure>(outcome), SaslFailure::BadBase64) << text;
  }
}

}  // namespace
}  // namespace postern::smtp
