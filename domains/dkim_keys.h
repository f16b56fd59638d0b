// Signing keys of a domain: made here, over OpenSSL, together with the record that publishes them.
#pragma once

#include "core/random.h"
#include "core/result.h"
#include "store/records.h"

namespace postern::domains {

// RSA 2048 (RFC 8301 §3.2) with a selector "pr…", Ed25519 (RFC 8463) with a selector "pe…": random, so that a domain added
// again publishes beside what is still there. Takes some tenths of a second. IoError: OpenSSL makes no key.
Result<store::DkimKey> make_rsa_key(Random& random);
Result<store::DkimKey> make_ed25519_key(Random& random);

// Overwrites and empties the private halves: for whoever read the record for something else than signing.
void wipe_private_keys(store::DomainRecord& domain) noexcept;

}  // namespace postern::domains
