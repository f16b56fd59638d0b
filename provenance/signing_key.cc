#include "provenance/signing_key.h"

#include "core/base64.h"
#include "core/bytes.h"
#include "provenance/canonical.h"
#include "provenance/tag_list.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace postern::provenance {
namespace {

const unsigned char* octets_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Error malformed_key(std::string why) {
  return {ErrorCode::Malformed, std::move(why)};
}

// RFC 6376 §3.6.1, p=: a SubjectPublicKeyInfo as everybody publishes it, or the RSAPublicKey of the text.
EVP_PKEY* read_rsa(std::string_view der) {
  const unsigned char* at = octets_of(der);
  EVP_PKEY* key = d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size()));
  if (key == nullptr) {
    at = octets_of(der);
    key = d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, static_cast<long>(der.size()));
  }
  if (key != nullptr && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) return key;
  EVP_PKEY_free(key);
  return nullptr;
}

bool has_word(const std::optional<std::string>& list, std::string_view word) {
  if (!list) return false;
  const std::vector<std::string> words = split_colons(*list);
  return std::ranges::any_of(words, [word](const std::string& one) { return equals_ignoring_case(one, word); });
}

}  // namespace

void SigningKey::Free::operator()(evp_pkey_st* freed) const {
  EVP_PKEY_free(freed);
}

Result<SigningKey> read_key_record(std::string_view text) {
  const auto tags = TagList::parse(text);
  if (!tags) return malformed_key("the key record is no list of tags");
  if (const auto version = tags->find("v"); version && (*version != "DKIM1" || tags->tags().front().name != "v")) {
    return malformed_key("the key record is of another version");
  }
  const auto hashes = tags->find_compact("h");
  if (hashes && !has_word(hashes, "sha256")) return malformed_key("the key is not for SHA-256");
  const auto services = tags->find_compact("s");
  if (services && !has_word(services, "*") && !has_word(services, "email")) return malformed_key("the key is not for mail");
  const auto published = tags->find_compact("p");
  if (!published) return malformed_key("the key record has no key");
  SigningKey key;
  key.is_testing = has_word(tags->find_compact("t"), "y");
  key.is_for_domain_alone = has_word(tags->find_compact("t"), "s");
  const std::string kind = tags->find_compact("k").value_or("rsa");
  if (kind != "rsa" && kind != "ed25519") return malformed_key("the key is of a kind that is not known");
  key.algorithm = kind == "rsa" ? SignatureAlgorithm::RsaSha256 : SignatureAlgorithm::Ed25519Sha256;
  if (published->empty()) return key;
  const auto octets = decode_base64(*published);
  if (!octets) return malformed_key("the key is no base64");
  key.key.reset(kind == "rsa" ? read_rsa(*octets)
                              : EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets_of(*octets), octets->size()));
  ERR_clear_error();
  if (key.key == nullptr) return malformed_key("the key cannot be read");
  key.bits = EVP_PKEY_get_bits(key.key.get());
  return key;
}

bool is_signed(const SigningKey& key, std::string_view octets, std::string_view signature) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  // RFC 8463 §3: Ed25519 signs the hash as its message.
  const bool is_rsa = key.algorithm == SignatureAlgorithm::RsaSha256;
  const std::string hash = is_rsa ? std::string() : sha256(octets);
  const std::string_view message = is_rsa ? octets : std::string_view(hash);
  const bool is_right =
      context != nullptr &&
      EVP_DigestVerifyInit(context.get(), nullptr, is_rsa ? EVP_sha256() : nullptr, nullptr, key.key.get()) == 1 &&
      EVP_DigestVerify(context.get(), octets_of(signature), signature.size(), octets_of(message), message.size()) == 1;
  ERR_clear_error();
  return is_right;
}

}  // namespace postern::provenance
