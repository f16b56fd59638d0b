// Session tokens: what is in them, what is refused, and the life of the keys that sign them.
#include "auth/session_token.h"

#include "core/base64.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_random.h"
#include "tests/support/temp_store.h"

#include <jwt.h>

#include <stdlib.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <future>
#include <sstream>

namespace postern::auth {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;

std::string base64url(std::string_view octets) {
  static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : octets) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) text += kAlphabet[bits >> (count - 6) & 63];
  }
  if (count > 0) text += kAlphabet[bits << (6 - count) & 63];
  return text;
}

class SessionTokenTest : public ::testing::Test {
 protected:
  std::filesystem::path file() const { return folder.path() / "session-keys"; }

  Result<std::unique_ptr<SessionTokens>> open() { return SessionTokens::open(file(), minutes(60), hours(720), clock, random); }

  std::string issue(SessionTokens& tokens) { return std::string(tokens.issue(record()).reveal()); }

  store::UserRecord record(std::string password_hash = "$argon2id$one") const {
    return {.id = user, .account = account, .email = "ada@example.org", .password_hash = std::move(password_hash), .created = {}};
  }

  std::string key_file() const {
    std::ostringstream text;
    text << std::ifstream(file()).rdbuf();
    return text.str();
  }
  std::string signing_key_id() const { return key_file().substr(0, key_file().find(' ')); }

  test::FakeClock clock;
  test::FakeRandom random;
  test::TempFolder folder;
  UserId user = make_user_id(random);
  AccountId account = make_account_id(random);
};

ErrorCode refusal_of(const SessionTokens& tokens, std::string_view token) {
  const auto claims = tokens.verify(token);
  EXPECT_TRUE(claims.has_error()) << token;
  return claims.has_error() ? claims.error().code() : ErrorCode::Cancelled;
}

TEST_F(SessionTokenTest, SaysWhoAndUntilWhen) {
  const auto tokens = open().value();
  const SessionClaims claims = tokens->verify(issue(*tokens)).value();
  EXPECT_EQ(claims.user, user);
  EXPECT_EQ(claims.account, account);
  EXPECT_EQ(claims.expires_at, clock.now() + minutes(60));
}

TEST_F(SessionTokenTest, IsOfTheUserAndThePasswordThatOpenedIt) {
  const auto tokens = open().value();
  const std::string token = issue(*tokens);
  SessionClaims claims = tokens->verify(token).value();
  EXPECT_TRUE(is_session_of(claims, record()));
  EXPECT_FALSE(is_session_of(claims, record("$argon2id$two"))) << "a session that was open before";
  store::UserRecord moved = record();
  moved.account = make_account_id(random);
  EXPECT_FALSE(is_session_of(claims, moved));
  claims.password_mark.clear();
  EXPECT_FALSE(is_session_of(claims, record())) << "a token from before there were marks";
}

TEST_F(SessionTokenTest, IsAnHs256JwtThatEveryLibraryReads) {
  const auto tokens = open().value();
  const std::string token = issue(*tokens);
  jwt_t* raw = nullptr;
  ASSERT_EQ(jwt_decode(&raw, token.c_str(), nullptr, 0), 0);
  EXPECT_STREQ(jwt_get_header(raw, "alg"), "HS256");
  EXPECT_EQ(jwt_get_header(raw, "kid"), signing_key_id());
  EXPECT_EQ(jwt_get_grant(raw, "sub"), format_id(user));
  EXPECT_EQ(jwt_get_grant(raw, "acc"), format_id(account));
  EXPECT_EQ(Instant(seconds(jwt_get_grant_int(raw, "iat"))), clock.now());
  EXPECT_EQ(std::string_view(jwt_get_grant(raw, "jti")).size(), 16U);
  jwt_free(raw);
  EXPECT_NE(issue(*tokens), token) << "each has an id of its own";
}

TEST_F(SessionTokenTest, EndsAtItsTime) {
  const auto tokens = open().value();
  const std::string token = issue(*tokens);
  clock.advance(minutes(60) - seconds(1));
  EXPECT_TRUE(tokens->verify(token).has_value());
  clock.advance(seconds(1));
  EXPECT_EQ(refusal_of(*tokens, token), ErrorCode::DeadlinePassed);
}

TEST_F(SessionTokenTest, RefusesWhatItDidNotSign) {
  const auto tokens = open().value();
  const std::string token = issue(*tokens);
  const std::string header = token.substr(0, token.find('.'));
  const std::string body = token.substr(header.size(), token.rfind('.') - header.size());
  const std::string signature = token.substr(token.rfind('.'));
  const std::string id = signing_key_id();
  const auto header_of = [](const std::string& json) { return base64url(json); };
  ASSERT_EQ(header_of(R"({"alg":"HS256","kid":")" + id + R"(","typ":"JWT"})"), header)
      << "so that the rows below differ as they say";
  std::string other_signature = signature;
  other_signature[5] = other_signature[5] == 'A' ? 'B' : 'A';
  const std::pair<const char*, std::string> rows[] = {
      {"nothing", ""},
      {"one part", "token"},
      {"an API key", "pk_test_0123456789012345678901234567890123456789012345"},
      {"no signature", header + body},
      {"an empty signature", header + body + "."},
      {"another signature", header + body + other_signature},
      {"a further part", token + ".x"},
      {"a blank behind it", token + " "},
      {"NUL behind it", token + std::string(1, '\0')},
      {"algorithm none", header_of(R"({"alg":"none","kid":")" + id + R"(","typ":"JWT"})") + body + "."},
      {"algorithm None", header_of(R"({"alg":"None","kid":")" + id + R"(","typ":"JWT"})") + body + "."},
      {"algorithm none with a signature", header_of(R"({"alg":"none","typ":"JWT"})") + body + signature},
      {"algorithm HS512", header_of(R"({"alg":"HS512","kid":")" + id + R"(","typ":"JWT"})") + body + signature},
      {"algorithm RS256", header_of(R"({"alg":"RS256","kid":")" + id + R"(","typ":"JWT"})") + body + signature},
      {"no algorithm", header_of(R"({"kid":")" + id + R"(","typ":"JWT"})") + body + signature},
      {"no key id", header_of(R"({"alg":"HS256","typ":"JWT"})") + body + signature},
      {"a key id that is a path", header_of(R"({"alg":"HS256","kid":"../../dev/null","typ":"JWT"})") + body + signature},
      {"another body", header + "." + base64url(R"({"sub":"usr_0000000000000000","exp":9999999999})") + signature},
      {"too long", header + body + std::string(2000, 'A') + signature},
  };
  for (const auto& [name, forged] : rows) EXPECT_EQ(refusal_of(*tokens, forged), ErrorCode::Malformed) << name;
  EXPECT_TRUE(tokens->verify(token).has_value());
}

TEST_F(SessionTokenTest, RefusesTheTokenOfAnotherInstallation) {
  const auto tokens = open().value();
  test::FakeRandom other_random(7);
  const auto others = SessionTokens::open(folder.path() / "others", minutes(60), hours(720), clock, other_random).value();
  EXPECT_EQ(refusal_of(*tokens, issue(*others)), ErrorCode::Malformed);
}

// Signed with the right key and header, but without the claims: the signature alone says nothing.
TEST_F(SessionTokenTest, DemandsItsClaims) {
  const auto tokens = open().value();
  const std::string id = signing_key_id();
  const std::string line = key_file().substr(0, key_file().find('\n'));
  const std::string encoded = line.substr(line.rfind(' ') + 1);
  std::string octets = decode_base64(encoded).value();
  ASSERT_EQ(octets.size(), 32U);
  const auto sign = [&](const std::string& claims) {
    jwt_t* raw = nullptr;
    EXPECT_EQ(jwt_new(&raw), 0);
    EXPECT_EQ(jwt_add_header(raw, "kid", id.c_str()), 0);
    EXPECT_EQ(jwt_add_grants_json(raw, claims.c_str()), 0);
    EXPECT_EQ(jwt_set_alg(raw, JWT_ALG_HS256, reinterpret_cast<const unsigned char*>(octets.data()), 32), 0);
    char* text = jwt_encode_str(raw);
    std::string token(text);
    ::free(text);
    jwt_free(raw);
    return token;
  };
  const std::string sub = R"("sub":")" + format_id(user) + '"';
  const std::string acc = R"("acc":")" + format_id(account) + '"';
  EXPECT_TRUE(tokens->verify(sign("{" + sub + "," + acc + R"(,"iat":1,"exp":9999999999})")).has_value());
  for (const std::string& claims : {"{" + acc + R"(,"iat":1,"exp":9999999999})", "{" + sub + R"(,"iat":1,"exp":9999999999})",
                                    "{" + sub + "," + acc + R"(,"exp":9999999999})", "{" + sub + "," + acc + R"(,"iat":1})",
                                    "{" + sub + "," + acc + R"(,"iat":1,"exp":"9999999999"})",
                                    R"({"sub":"root",)" + acc + R"(,"iat":1,"exp":9999999999})",
                                    "{" + sub + "," + acc + R"(,"iat":9999999998,"exp":9999999999})",
                                    "{" + sub + "," + acc + R"(,"iat":1,"nbf":9999999998,"exp":9999999999})"}) {
    EXPECT_EQ(refusal_of(*tokens, sign(claims)), ErrorCode::Malformed) << claims;
  }
}

TEST_F(SessionTokenTest, KeepsItsKeysOverARestartAndToItself) {
  const std::string token = issue(*open().value());
  EXPECT_TRUE(open().value()->verify(token).has_value());
  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status(file()).permissions(), perms::owner_read | perms::owner_write);
}

TEST_F(SessionTokenTest, SignsWithANewKeyAndVerifiesWithThePredecessor) {
  const auto tokens = open().value();
  const std::string first_id = signing_key_id();
  clock.advance(hours(720) - minutes(1));
  const std::string old = issue(*tokens);
  EXPECT_EQ(signing_key_id(), first_id);
  clock.advance(minutes(1));
  const std::string fresh = issue(*tokens);
  EXPECT_NE(signing_key_id(), first_id);
  EXPECT_TRUE(tokens->verify(old).has_value()) << "nobody is signed out by a rotation";
  EXPECT_TRUE(tokens->verify(fresh).has_value());
  EXPECT_TRUE(open().value()->verify(old).has_value()) << "nor by a restart after it";
}

// Chance that does something while it is asked.
class BusyRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> octets) override {
    if (const auto run = std::exchange(once, nullptr)) run();
    random.fill(octets);
  }
  test::FakeRandom random;
  std::function<void()> once;
};

TEST_F(SessionTokenTest, IsVerifiedWhileTheKeysAreRotated) {
  BusyRandom busy;
  const auto tokens = SessionTokens::open(file(), minutes(60), hours(720), clock, busy).value();
  const std::string old = issue(*tokens);
  clock.advance(hours(720));
  bool is_verified = false;
  busy.once = [&] {
    auto verified = std::async(std::launch::async, [&] { return tokens->verify(old).error().code(); });
    is_verified = verified.wait_for(seconds(120)) == std::future_status::ready;
  };
  issue(*tokens);
  EXPECT_TRUE(is_verified) << "an I/O thread would have waited for the disk";
}

TEST_F(SessionTokenTest, KeepsTwoKeysAndNoMore) {
  const auto tokens = open().value();
  const std::string first_id = signing_key_id();
  for (int i = 0; i < 3; ++i) {
    clock.advance(hours(720));
    issue(*tokens);
  }
  EXPECT_EQ(std::ranges::count(key_file(), '\n'), 2);
  EXPECT_EQ(key_file().find(first_id), std::string::npos);
}

TEST_F(SessionTokenTest, RefusesAFileThatOthersCanRead) {
  open().value();
  std::filesystem::permissions(file(), std::filesystem::perms::group_read, std::filesystem::perm_options::add);
  const auto opened = open();
  ASSERT_TRUE(opened.has_error());
  EXPECT_THAT(opened.error().context(), HasSubstr("chmod 600"));
}

TEST_F(SessionTokenTest, RefusesAFileThatHoldsNoKeys) {
  for (const char* content : {"nonsense\n", "id 2026-01-05T10:00:00Z c2hvcnQ=\n", "id when x\n", "no line end"}) {
    open().value();
    std::ofstream(file(), std::ios::trunc) << content;
    const auto opened = open();
    ASSERT_TRUE(opened.has_error()) << content;
    EXPECT_EQ(opened.error().code(), ErrorCode::Malformed) << content;
    std::filesystem::remove(file());
  }
}

TEST_F(SessionTokenTest, TellsWhereItCannotKeepItsKeys) {
  const auto opened = SessionTokens::open(folder.path() / "absent" / "keys", minutes(60), hours(720), clock, random);
  ASSERT_TRUE(opened.has_error());
  EXPECT_EQ(opened.error().code(), ErrorCode::IoError);
}

TEST_F(SessionTokenTest, GoesOnSigningWhereANewKeyCannotBeWritten) {
  const auto tokens = open().value();
  std::filesystem::create_directory(file().string() + ".new");
  std::ofstream(file().string() + ".new/blocks") << "x";
  clock.advance(hours(720));
  EXPECT_TRUE(tokens->verify(issue(*tokens)).has_value());
}

TEST_F(SessionTokenTest, IsBelievedByEveryMachineWithTheSameSecret) {
  const Secret secret(std::string(32, 's'));
  test::FakeClock ahead;
  const auto one = SessionTokens::open_shared(secret, minutes(60), hours(720), clock, random).value();
  const auto other = SessionTokens::open_shared(secret, minutes(60), hours(720), ahead, random).value();
  const auto stranger = SessionTokens::open_shared(Secret(std::string(32, 't')), minutes(60), hours(720), clock, random).value();
  for (int month = 0; month < 3; ++month) {
    EXPECT_EQ(other->verify(issue(*one)).value().user, user);
    EXPECT_EQ(one->verify(issue(*other)).value().account, account);
    EXPECT_EQ(refusal_of(*stranger, issue(*one)), ErrorCode::Malformed);
    clock.advance(hours(720));
    ahead.set(clock.now() + minutes(4));
  }
}

TEST_F(SessionTokenTest, ChangesTheSharedKeyWithoutAWordAndGoesOnBelievingTheLast) {
  const auto tokens = SessionTokens::open_shared(Secret(std::string(32, 's')), hours(2000), hours(720), clock, random).value();
  const std::string token = issue(*tokens);
  clock.advance(hours(720));
  EXPECT_TRUE(tokens->verify(token));
  EXPECT_NE(token.substr(0, token.find('.')), issue(*tokens).substr(0, token.find('.')));
  clock.advance(hours(720));
  EXPECT_EQ(refusal_of(*tokens, token), ErrorCode::Malformed);
  EXPECT_FALSE(std::filesystem::exists(file()));
}

}  // namespace
}  // namespace postern::auth
