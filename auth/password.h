// Passwords of people: argon2id (RFC 9106) over libargon2, in its encoded form "$argon2id$v=19$m=…,t=…,p=…$salt$hash". Every call
// takes kPasswordMemoryKib of memory and some 30 ms of a core, so it runs on the workers (net/worker_pool.h): their number is
// what bounds both.
#pragma once

#include "core/random.h"
#include "core/result.h"
#include "core/secret.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace postern::auth {

// The OWASP Password Storage Cheat Sheet's second choice: with one lane it is as strong as 46 MiB and one pass.
inline constexpr std::uint32_t kPasswordMemoryKib = 19'456;
inline constexpr std::uint32_t kPasswordPasses = 2;
inline constexpr std::uint32_t kPasswordLanes = 1;
inline constexpr std::size_t kPasswordSaltOctets = 16;  // RFC 9106 §3.1
inline constexpr std::size_t kPasswordHashOctets = 32;

// With a salt of its own. IoError where there is no memory for it.
Result<std::string> hash_password(const Secret& password, Random& random);
// With the costs that stand in `encoded`, so that old hashes outlive a change of the constants. False too for what is no hash.
bool verify_password(const std::string& encoded, const Secret& password);
// False where `encoded` was made with other costs than today's: hash the password again when it is next at hand.
bool has_current_costs(std::string_view encoded);
// The work of verify_password() for nobody: an unknown address must take as long as a wrong password.
void spend_password_work(const Secret& password);

}  // namespace postern::auth
