// Any octets as an API key, and keys made from any chance: every key that is made is taken, and none with one character changed.
// The first octet chooses the scheme.
#include "auth/api_key.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/fake_random.h"

#include <algorithm>
#include <string>

namespace postern::fuzz {
namespace {

// The input's octets, then ever new ones: a draw that is refused is drawn again.
class InputRandom final : public Random {
 public:
  explicit InputRandom(std::string_view octets) : octets_(octets) {}
  void fill(std::span<std::uint8_t> octets) override {
    rest_.fill(octets);
    for (std::uint8_t& octet : octets.first(std::min(octets.size(), octets_.size()))) octet = take_octet(octets_);
  }

 private:
  std::string_view octets_;
  test::FakeRandom rest_;
};

}  // namespace

POSTERN_FUZZ(api_key) {
  const std::uint8_t choice = take_octet(input);
  const std::uint8_t place = take_octet(input);
  auth::KeyScheme scheme;
  scheme.has_environment = (choice & 1U) == 0;
  const Environment environment = scheme.has_environment && (choice & 2U) != 0 ? Environment::Test : Environment::Live;
  if (auth::check_api_key(scheme, input)) POSTERN_CHECK(input.size() > auth::kSecretCharacters && input.starts_with("pk_"));

  InputRandom random(input);
  const Secret key = auth::generate_api_key(scheme, environment, random);
  POSTERN_CHECK(auth::check_api_key(scheme, key.reveal()) == environment);
  std::string changed(key.reveal());
  char& character = changed[changed.size() - 1 - place % auth::kSecretCharacters];
  character = static_cast<char>(character ^ (1 + (choice >> 2)));
  POSTERN_CHECK(!auth::check_api_key(scheme, changed));
}

}  // namespace postern::fuzz
