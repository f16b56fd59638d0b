// Signing keys of a domain: made here, over OpenSSL, together with the record that publishes them.
#pragma once

#include "core/random.h"
#include "core/result.h"
#include "store/records.h"

#include <string>
#include <string_view>

namespace postern::domains {

// RSA 2048 (RFC 8301 §3.2) with a selector "pr…", Ed25519 (RFC 8463) with a selector "pe…": random, so that a domain added
// again publishes beside what is still there. Takes some tenths of a second. IoError: OpenSSL makes no key.
Result<store::DkimKey> make_rsa_key(Random& random);
Result<store::DkimKey> make_ed25519_key(Random& random);

// The private half in `pem`, which another system made: RSA of 1,024 to 4,096 bits (RFC 8301 §3.2) or Ed25519. InvalidArgument, in
// words for people and without a word of it.
Result<store::DkimKey> read_private_key(std::string selector, std::string_view pem);

// Overwrites and empties the private halves: for whoever read the record for something else than signing.
void wipe_private_keys(store::DomainRecord& domain) noexcept;

}  // namespace postern::domains
