// The key that a domain publishes for its signatures (RFC 6376 §3.6.1, RFC 8463 §4), and what it says of one. Over OpenSSL.
#pragma once

#include "core/result.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct evp_pkey_st;

namespace postern::provenance {

// RFC 8301 §3.2: shorter ones are broken, and each octet more costs whoever verifies.
inline constexpr int kMinRsaBits = 1'024;
inline constexpr int kMaxRsaBits = 4'096;

enum class SignatureAlgorithm { RsaSha256, Ed25519Sha256 };

struct SigningKey {
  struct Free {
    void operator()(evp_pkey_st* key) const;
  };
  std::unique_ptr<evp_pkey_st, Free> key;  // null: revoked
  SignatureAlgorithm algorithm = SignatureAlgorithm::RsaSha256;
  int bits = 0;
  bool is_testing = false;           // t=y
  bool is_for_domain_alone = false;  // t=s: not for identities below it
};

// Malformed: it is none, or none for mail.
Result<SigningKey> read_key_record(std::string_view text);

// Over `octets`, which are hashed with SHA-256. Requires: the key is not revoked.
bool is_signed(const SigningKey& key, std::string_view octets, std::string_view signature);

}  // namespace postern::provenance
