#include "cluster/row_seal.h"

#include "core/check.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <memory>
#include <optional>

namespace postern::cluster {
namespace {

constexpr char kForm = 1;
constexpr std::size_t kSaltOctets = 16;
constexpr std::size_t kTagOctets = 16;
using Key = std::array<unsigned char, 32>;

struct CipherDeleter {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, CipherDeleter>;

const unsigned char* octets_in(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* octets_in(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

Key derive(const Secret& key, std::string_view salt) {
  Key derived{};
  unsigned length = 0;
  const std::string_view secret = key.reveal();  // it is what the seal is made with
  POSTERN_CHECK(HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), octets_in(salt), salt.size(), derived.data(),
                     &length) != nullptr);
  return derived;
}

// `tag` is filled in, or compared where `seals` is false. The key serves once, so the nonce is all zeros.
std::optional<std::string> run(bool seals, const Key& key, std::string_view place, std::string_view text, std::string& tag) {
  constexpr std::array<unsigned char, 12> nonce{};
  const Cipher cipher(EVP_CIPHER_CTX_new());
  std::string out(text.size(), '\0');
  int length = 0;
  bool is_done = cipher && EVP_CipherInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(), nonce.data(), seals) == 1;
  is_done = is_done && EVP_CipherUpdate(cipher.get(), nullptr, &length, octets_in(place), static_cast<int>(place.size())) == 1 &&
            EVP_CipherUpdate(cipher.get(), octets_in(out), &length, octets_in(text), static_cast<int>(text.size())) == 1;
  if (is_done && !seals) is_done = EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagOctets, tag.data()) == 1;
  is_done = is_done && EVP_CipherFinal_ex(cipher.get(), octets_in(out) + out.size(), &length) == 1;
  if (is_done && seals) is_done = EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagOctets, tag.data()) == 1;
  if (is_done) return out;
  wipe_string(out);
  return std::nullopt;
}

}  // namespace

std::string RowSeal::seal(std::string_view place, std::string_view value, Random& random) const {
  std::string sealed(1 + kSaltOctets, kForm);
  random.fill({octets_in(sealed) + 1, kSaltOctets});
  Key key = derive(key_, std::string_view(sealed).substr(1));
  std::string tag(kTagOctets, '\0');
  const auto text = run(true, key, place, value, tag);
  OPENSSL_cleanse(key.data(), key.size());
  POSTERN_CHECK(text.has_value());
  return sealed + *text + tag;
}

Result<std::string> RowSeal::unseal(std::string_view place, std::string_view sealed) const {
  const Error wrong(ErrorCode::CorruptRecord, "a row of the cluster's database is not sealed with this node's key");
  if (sealed.size() < kSealOctets || sealed.front() != kForm) return wrong;
  const std::string_view salt = sealed.substr(1, kSaltOctets);
  std::string tag(sealed.substr(sealed.size() - kTagOctets));
  Key key = derive(key_, salt);
  auto text = run(false, key, place, sealed.substr(1 + kSaltOctets, sealed.size() - kSealOctets), tag);
  OPENSSL_cleanse(key.data(), key.size());
  if (!text) return wrong;
  return std::move(*text);
}

}  // namespace postern::cluster
