#include "auth/api_key.h"

#include "core/bytes.h"
#include "core/check.h"

#include <boost/crc.hpp>

#include <algorithm>

namespace postern::auth {
namespace {

constexpr std::string_view kBase62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::size_t kChecksumCharacters = 6;  // 62^6 > 2^32
constexpr std::size_t kRandomCharacters = kSecretCharacters - kChecksumCharacters;

std::string checksum(std::string_view text) {
  boost::crc_32_type crc;
  crc.process_bytes(text.data(), text.size());
  std::uint32_t value = crc.checksum();
  std::string digits(kChecksumCharacters, '0');
  for (std::size_t i = kChecksumCharacters; i-- > 0; value /= 62) digits[i] = kBase62[value % 62];
  return digits;
}

std::string intro(const KeyScheme& scheme, Environment environment) {
  if (!scheme.has_environment) return scheme.brand + '_';
  return scheme.brand + '_' + std::string(environment_name(environment)) + '_';
}

}  // namespace

Secret generate_api_key(const KeyScheme& scheme, Environment environment, Random& random) {
  POSTERN_CHECK(scheme.has_environment || environment == Environment::Live);
  std::string text = intro(scheme, environment);
  text.reserve(text.size() + kSecretCharacters);
  for (std::size_t i = 0; i < kRandomCharacters; ++i) text.push_back(kBase62[random.below(62)]);
  text.append(checksum(text));
  return Secret(std::move(text));
}

std::optional<Environment> check_api_key(const KeyScheme& scheme, std::string_view text) {
  for (const Environment environment : {Environment::Live, Environment::Test}) {
    if (!scheme.has_environment && environment == Environment::Test) continue;
    const std::string start = intro(scheme, environment);
    if (!text.starts_with(start) || text.size() != start.size() + kSecretCharacters) continue;
    const std::string_view secret = text.substr(start.size());
    if (!std::all_of(secret.begin(), secret.end(), is_ascii_alnum)) return std::nullopt;
    const std::string_view covered = text.substr(0, text.size() - kChecksumCharacters);
    if (checksum(covered) != text.substr(covered.size())) return std::nullopt;
    return environment;
  }
  return std::nullopt;
}

std::string key_prefix(std::string_view api_key) { return std::string(api_key.substr(0, kKeyPrefixCharacters)); }

}  // namespace postern::auth
