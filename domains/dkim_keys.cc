// The record for RSA holds a SubjectPublicKeyInfo, the one for Ed25519 the bare key; both private halves are PKCS #8.
#include "domains/dkim_keys.h"

#include "core/base64.h"
#include "core/bytes.h"
#include "core/secret.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace postern::domains {
namespace {

constexpr unsigned kRsaBits = 2048;
constexpr int kLeastRsaBits = 1024;           // RFC 8301 §3.2
constexpr int kMostRsaBits = 4096;            // verifiers need not know more; a signature takes 5 ms
constexpr std::size_t kMaxPemOctets = 16'384;  // RSA 4096 has 3,272
constexpr std::size_t kSelectorCharacters = 6;
constexpr std::size_t kEd25519Octets = 32;

struct KeyDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct BioDeleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Key = std::unique_ptr<EVP_PKEY, KeyDeleter>;

Error no_key() { return Error(ErrorCode::IoError, "OpenSSL cannot make a signing key"); }

std::string make_selector(std::string_view prefix, Random& random) {
  std::array<std::uint8_t, 4> octets{};
  random.fill(octets);
  return std::string(prefix) + format_base32hex(octets).substr(0, kSelectorCharacters);
}

std::optional<std::string> private_pem(const Key& key) {
  // A secure-memory BIO: its buffer is wiped.
  const std::unique_ptr<BIO, BioDeleter> bio(BIO_new(BIO_s_secmem()));
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) return std::nullopt;
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(length));
}

// RFC 6376 §3.6.1 with erratum 3017: a SubjectPublicKeyInfo.
std::optional<std::string> rsa_public(const Key& key) {
  unsigned char* der = nullptr;
  const int length = i2d_PUBKEY(key.get(), &der);
  if (length <= 0) return std::nullopt;
  const std::string octets(der, der + length);
  OPENSSL_free(der);
  return "v=DKIM1; k=rsa; p=" + encode_base64(octets);
}

// RFC 8463 §4.2: the 32 octets themselves.
std::optional<std::string> ed25519_public(const Key& key) {
  std::array<unsigned char, kEd25519Octets> octets{};
  std::size_t length = octets.size();
  if (EVP_PKEY_get_raw_public_key(key.get(), octets.data(), &length) != 1) return std::nullopt;
  return "v=DKIM1; k=ed25519; p=" + encode_base64(std::string(octets.begin(), octets.end()));
}

Result<store::DkimKey> make_record(std::string selector, std::string_view algorithm, const Key& key,
                                   const std::optional<std::string>& public_record) {
  auto pem = private_pem(key);
  if (!pem || !public_record) return no_key();
  return store::DkimKey{.selector = std::move(selector),
                        .algorithm = std::string(algorithm),
                        .private_key = std::move(*pem),
                        .public_record = *public_record};
}

}  // namespace

Result<store::DkimKey> make_rsa_key(Random& random) {
  const Key key(EVP_RSA_gen(kRsaBits));
  if (!key) return no_key();
  return make_record(make_selector("pr", random), "rsa-sha256", key, rsa_public(key));
}

Result<store::DkimKey> make_ed25519_key(Random& random) {
  const Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  if (!key) return no_key();
  return make_record(make_selector("pe", random), "ed25519-sha256", key, ed25519_public(key));
}

Result<store::DkimKey> read_private_key(std::string selector, std::string_view pem) {
  if (pem.size() > kMaxPemOctets) return Error(ErrorCode::InvalidArgument, "that is too big for a private key");
  const std::unique_ptr<BIO, BioDeleter> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  // Nobody is asked for a password.
  const auto no_password = [](char*, int, int, void*) { return -1; };
  const Key key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr) : nullptr);
  if (!key) return Error(ErrorCode::InvalidArgument, "not a private key in PEM without a password");
  if (EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_ED25519) {
    return make_record(std::move(selector), "ed25519-sha256", key, ed25519_public(key));
  }
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) {
    return Error(ErrorCode::InvalidArgument, "neither an RSA nor an Ed25519 key");
  }
  const int bits = EVP_PKEY_get_bits(key.get());
  if (bits < kLeastRsaBits || bits > kMostRsaBits) {
    return Error(ErrorCode::InvalidArgument, "an RSA key of " + std::to_string(bits) + " bits: DKIM takes 1,024 to 4,096 of them");
  }
  return make_record(std::move(selector), "rsa-sha256", key, rsa_public(key));
}

void wipe_private_keys(store::DomainRecord& domain) noexcept {
  for (store::DkimKey& key : domain.dkim_keys) wipe_string(key.private_key);
}

}  // namespace postern::domains
