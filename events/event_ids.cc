#include "events/event_ids.h"

#include "core/check.h"
#include "core/message_id.h"
#include "events/event_json.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>

namespace postern::events {
namespace {

// One block of AES-128: the sequence, big endian, and the beginning of the account's id, by which a made-up id is told.
using CipherBlock = std::array<std::uint8_t, 16>;
constexpr std::size_t kSequenceOctets = 8;

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

CipherBlock run_cipher(const std::array<std::uint8_t, 16>& key, const CipherBlock& block, bool encrypts) {
  const std::unique_ptr<EVP_CIPHER_CTX, FreeCipher> context(EVP_CIPHER_CTX_new());
  CipherBlock out{};
  int length = 0;
  const bool is_done = context &&
                       EVP_CipherInit_ex(context.get(), EVP_aes_128_ecb(), nullptr, key.data(), nullptr, encrypts ? 1 : 0) == 1 &&
                       EVP_CIPHER_CTX_set_padding(context.get(), 0) == 1 &&
                       EVP_CipherUpdate(context.get(), out.data(), &length, block.data(), static_cast<int>(block.size())) == 1;
  POSTERN_CHECK(is_done && length == static_cast<int>(out.size()));
  return out;
}

}  // namespace

std::string EventIds::format(const AccountId& account, std::uint64_t sequence) const {
  if (!key_) return format_event_id(sequence);
  CipherBlock block{};
  for (std::size_t i = 0; i < kSequenceOctets; ++i) block[kSequenceOctets - 1 - i] = static_cast<std::uint8_t>(sequence >> (8 * i));
  std::copy_n(account.octets.begin(), block.size() - kSequenceOctets, block.begin() + kSequenceOctets);
  return std::string(kEventIdPrefix) + format_message_id(MessageId{run_cipher(key_->octets, block, true)});
}

std::optional<std::uint64_t> EventIds::parse(const AccountId& account, std::string_view text) const {
  if (!key_) return parse_event_id(text);
  if (!text.starts_with(kEventIdPrefix)) return std::nullopt;
  const auto octets = parse_message_id(text.substr(kEventIdPrefix.size()));
  if (!octets) {
    const auto number = parse_event_id(text);
    return number && *number <= key_->last_numbered ? number : std::nullopt;
  }
  const CipherBlock block = run_cipher(key_->octets, octets->octets, false);
  if (!std::equal(block.begin() + kSequenceOctets, block.end(), account.octets.begin())) return std::nullopt;
  std::uint64_t sequence = 0;
  for (std::size_t i = 0; i < kSequenceOctets; ++i) sequence = sequence << 8 | block[i];
  return sequence;
}

}  // namespace postern::events
