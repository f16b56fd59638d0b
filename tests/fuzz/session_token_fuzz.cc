// Any octets as a session token, and any claims rightly signed: nothing unsigned is taken, and what is taken is a user's session
// that has not ended. An even first octet: the input is the token. Odd: it is the payload, signed as our own tokens are.
#include "auth/session_token.h"
#include "core/base64.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_random.h"
#include "tests/support/temp_store.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <string>

namespace postern::fuzz {
namespace {

std::string base64url(std::string_view octets) {
  std::string text = encode_base64(octets);
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  text.erase(std::min(text.find('='), text.size()));
  return text;
}

// Tokens of an installation whose signing key was read from its file.
struct Installation {
  Installation() {
    const auto file = folder.path() / "keys";
    tokens = auth::SessionTokens::open(file, std::chrono::hours(1), std::chrono::hours(24), clock, random).value();
    std::ifstream stream(file);
    std::string id;
    std::string created;
    std::string octets;
    stream >> id >> created >> octets;
    key = decode_base64(octets).value();
    own = std::string(tokens->issue(store::UserRecord{}).reveal());
    header = own.substr(0, own.find('.'));
  }

  std::string sign(std::string_view payload) const {
    const std::string text = header + '.' + base64url(payload);
    std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
    unsigned size = 0;
    const auto* octets = reinterpret_cast<const unsigned char*>(text.data());
    POSTERN_CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), octets, text.size(), mac.data(), &size) != nullptr);
    return text + '.' + base64url({reinterpret_cast<const char*>(mac.data()), size});
  }

  test::TempFolder folder;
  test::FakeClock clock;
  test::FakeRandom random;
  std::unique_ptr<auth::SessionTokens> tokens;
  std::string key;
  std::string own;
  std::string header;
};

}  // namespace

POSTERN_FUZZ(session_token) {
  static const Installation installation;
  POSTERN_CHECK(installation.tokens->verify(installation.own).has_value());
  if (take_octet(input) % 2 == 0) {
    POSTERN_CHECK(!installation.tokens->verify(input));
    POSTERN_CHECK(!installation.tokens->verify(installation.header + '.' + std::string(input)));
    return;
  }
  const auto claims = installation.tokens->verify(installation.sign(input));
  if (claims) POSTERN_CHECK(claims->expires_at > installation.clock.now());
}

}  // namespace postern::fuzz
