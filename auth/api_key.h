// The text format of API keys: <brand>_<environment>_<secret>, the secret 42 random base62 characters and 6 that are the
// CRC-32 of all that precedes them.
#pragma once

#include "core/ids.h"
#include "core/random.h"
#include "core/secret.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace postern::auth {

// What an installation's keys look like. `conf/examples/` reproduces five services' schemes with it.
struct KeyScheme {
  std::string brand = "pk";          // 1 to 16 of a-z and 0-9, beginning with a letter
  bool has_environment = true;       // false: "<brand>_<secret>", and every key is live
  std::uint32_t max_active_keys = 0;  // per account; 0: no bound
  bool name_required = false;         // whoever makes a key says what it is for
};

inline constexpr std::size_t kSecretCharacters = 48;   // 42 random (250 bits) and 6 of checksum
inline constexpr std::size_t kKeyPrefixCharacters = 16;  // kept in the clear, to recognise a key by

// Requires: environment Live where the scheme has no environment part.
Secret generate_api_key(const KeyScheme& scheme, Environment environment, Random& random);

// The environment of a well-formed key of this scheme; nullopt for anything else (brand, length, alphabet, checksum).
std::optional<Environment> check_api_key(const KeyScheme& scheme, std::string_view text);

// The first 16 characters.
std::string key_prefix(std::string_view api_key);

}  // namespace postern::auth
