#include "auth/key_digest.h"

#include "auth/sha256.h"
#include "core/bytes.h"

namespace postern::auth {

store::KeyDigest digest_api_key(std::string_view api_key) {
  thread_local Sha256 hash;
  hash.update(api_key);
  return hash.finish();
}

bool digests_equal(const store::KeyDigest& a, const store::KeyDigest& b) { return equals_in_constant_time(a, b); }

}  // namespace postern::auth
