#include "auth/password.h"

#include <argon2.h>
#include <string.h>

#include <array>

namespace postern::auth {

Result<std::string> hash_password(const Secret& password, Random& random) {
  std::array<std::uint8_t, kPasswordSaltOctets> salt{};
  random.fill(salt);
  std::string encoded(argon2_encodedlen(kPasswordPasses, kPasswordMemoryKib, kPasswordLanes, kPasswordSaltOctets,
                                        kPasswordHashOctets, Argon2_id),
                      '\0');
  const std::string_view text = password.reveal();  // libargon2 takes octets
  const int status = argon2id_hash_encoded(kPasswordPasses, kPasswordMemoryKib, kPasswordLanes, text.data(), text.size(),
                                           salt.data(), salt.size(), kPasswordHashOctets, encoded.data(), encoded.size());
  if (status != ARGON2_OK) return Error(ErrorCode::IoError, std::string("hash a password: ") + argon2_error_message(status));
  encoded.resize(::strnlen(encoded.data(), encoded.size()));
  return encoded;
}

bool verify_password(const std::string& encoded, const Secret& password) {
  const std::string_view text = password.reveal();  // libargon2 takes octets
  return argon2id_verify(encoded.c_str(), text.data(), text.size()) == ARGON2_OK;
}

bool has_current_costs(std::string_view encoded) {
  static const std::string kBeginning = "$argon2id$v=" + std::to_string(ARGON2_VERSION_NUMBER) +
                                        "$m=" + std::to_string(kPasswordMemoryKib) +
                                        ",t=" + std::to_string(kPasswordPasses) + ",p=" + std::to_string(kPasswordLanes) + '$';
  return encoded.starts_with(kBeginning);
}

void spend_password_work(const Secret& password) {
  static constexpr std::array<std::uint8_t, kPasswordSaltOctets> kNoSalt{};
  std::array<std::uint8_t, kPasswordHashOctets> hash{};
  const std::string_view text = password.reveal();  // libargon2 takes octets
  argon2id_hash_raw(kPasswordPasses, kPasswordMemoryKib, kPasswordLanes, text.data(), text.size(), kNoSalt.data(), kNoSalt.size(),
                    hash.data(), hash.size());
  ::explicit_bzero(hash.data(), hash.size());
}

}  // namespace postern::auth
