#include "auth/key_digest.h"

#include "core/bytes.h"
#include "core/check.h"

#include <openssl/evp.h>

#include <memory>

namespace postern::auth {
namespace {

// Fetching the algorithm costs more than the digest of so short a text: once a process, and a context a thread.
const EVP_MD* sha256() {
  static const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> fetched(EVP_MD_fetch(nullptr, "SHA256", nullptr), EVP_MD_free);
  return fetched.get();
}

}  // namespace

store::KeyDigest digest_api_key(std::string_view api_key) {
  thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  store::KeyDigest digest{};
  const bool is_done = EVP_DigestInit_ex2(context.get(), sha256(), nullptr) == 1 &&
                       EVP_DigestUpdate(context.get(), api_key.data(), api_key.size()) == 1 &&
                       EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1;
  POSTERN_CHECK(is_done);
  return digest;
}

bool digests_equal(const store::KeyDigest& a, const store::KeyDigest& b) { return equals_in_constant_time(a, b); }

}  // namespace postern::auth
