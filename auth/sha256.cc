#include "auth/sha256.h"

#include "core/check.h"

#include <openssl/evp.h>

namespace postern::auth {
namespace {

// Fetching the algorithm costs more than the digest of a short text: once a process.
const EVP_MD* sha256() {
  static const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> fetched(EVP_MD_fetch(nullptr, "SHA256", nullptr), EVP_MD_free);
  return fetched.get();
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) { begin(); }

void Sha256::begin() { POSTERN_CHECK(EVP_DigestInit_ex2(context_.get(), sha256(), nullptr) == 1); }

void Sha256::update(std::string_view octets) {
  POSTERN_CHECK(EVP_DigestUpdate(context_.get(), octets.data(), octets.size()) == 1);
}

void Sha256::update_field(std::string_view octets) {
  std::array<char, 8> length{};
  std::uint64_t rest = octets.size();
  for (char& octet : length) {
    octet = static_cast<char>(rest & 0xFF);
    rest >>= 8;
  }
  update({length.data(), length.size()});
  update(octets);
}

Sha256Digest Sha256::finish() {
  Sha256Digest digest{};
  POSTERN_CHECK(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) == 1);
  begin();
  return digest;
}

}  // namespace postern::auth
