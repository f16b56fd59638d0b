#include "net/ticket_keys.h"

#include "core/check.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <memory>
#include <tuple>
#include <utility>

namespace postern::net {
namespace {

void wipe_key(std::optional<TicketKeys::Key>& key) {
  if (key) OPENSSL_cleanse(&*key, sizeof *key);
  key.reset();
}

std::optional<TicketKeys::Key> make_key(TicketKeys::Clock::time_point now) {
  TicketKeys::Key key{.made = now};
  const bool is_random = RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) == 1 &&
                         RAND_priv_bytes(key.cipher.data(), static_cast<int>(key.cipher.size())) == 1 &&
                         RAND_priv_bytes(key.mac.data(), static_cast<int>(key.mac.size())) == 1;
  return is_random ? std::optional(key) : std::nullopt;
}

void free_keys(void*, void* keys, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<TicketKeys*>(keys); }

int keys_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, &free_keys);
  return index;
}

bool begin_mac(EVP_MAC_CTX* mac, const TicketKeys::Key& key) {
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
  return EVP_MAC_init(mac, key.mac.data(), key.mac.size(), parameters) == 1;
}

// SSL_CTX_set_tlsext_ticket_key_evp_cb(3): -1 an error, 0 a ticket that cannot be opened, 1 done, 2 done and to be renewed.
int use_key(SSL* connection, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int seals) {
  auto* const keys = static_cast<TicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), keys_index()));
  const auto now = TicketKeys::Clock::now();
  if (seals != 0) {
    const auto key = keys->sealing_key(now);
    if (!key || RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
    std::ranges::copy(key->name, name);
    if (EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key->cipher.data(), iv) != 1 || !begin_mac(mac, *key)) return -1;
    return 1;
  }
  const auto key = keys->opening_key({name, std::tuple_size_v<decltype(TicketKeys::Key::name)>}, now);
  if (!key) return 0;
  if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key->cipher.data(), iv) != 1 || !begin_mac(mac, *key)) return -1;
  // A ticket of TLS 1.3 is for one use (RFC 8446 §C.4): without a new one the client could not resume again.
  const bool is_for_one_use = SSL_version(connection) >= TLS1_3_VERSION;
  return is_for_one_use || now - key->made >= TicketKeys::kLifetime ? 2 : 1;
}

}  // namespace

TicketKeys::~TicketKeys() {
  wipe_key(current_);
  wipe_key(previous_);
}

std::optional<TicketKeys::Key> TicketKeys::sealing_key(Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (!current_ || now - current_->made >= kLifetime) {
    std::optional<Key> fresh = make_key(now);
    if (!fresh) return std::nullopt;
    wipe_key(previous_);
    previous_ = std::exchange(current_, fresh);
  }
  return current_;
}

std::optional<TicketKeys::Key> TicketKeys::opening_key(std::span<const unsigned char> name, Clock::time_point now) const {
  const std::lock_guard lock(mutex_);
  for (const std::optional<Key>& key : {current_, previous_}) {
    if (key && std::ranges::equal(key->name, name) && now - key->made < 2 * kLifetime) return key;
  }
  return std::nullopt;
}

void rotate_ticket_keys(SSL_CTX* context) {
  auto keys = std::make_unique<TicketKeys>();
  POSTERN_CHECK(SSL_CTX_set_ex_data(context, keys_index(), keys.get()) == 1);
  keys.release();  // NOLINT(bugprone-unused-return-value): the context's now
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, &use_key);
}

}  // namespace postern::net
