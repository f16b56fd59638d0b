// What is stored of a key: the SHA-256 of its whole text. 250 random bits need no slow hash, and this stands on the hot path.
#pragma once

#include "store/records.h"

#include <string_view>

namespace postern::auth {

// Any thread.
store::KeyDigest digest_api_key(std::string_view api_key);
// Duration does not depend on where they differ.
bool digests_equal(const store::KeyDigest& a, const store::KeyDigest& b);

}  // namespace postern::auth
