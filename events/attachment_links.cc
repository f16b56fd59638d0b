#include "events/attachment_links.h"

#include "core/bytes.h"
#include "core/check.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include <algorithm>

namespace postern::events {
namespace {

std::string unix_time(Instant at) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count());
}

}  // namespace

std::string AttachmentLinks::sign(const MessageId& message, std::string_view attachment, std::string_view expires) const {
  // The words in front: the secret signs other things as well (domains/return_path).
  std::string text = "attachment " + format_message_id(message) + " ";
  text.append(attachment).append(" ").append(expires);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  const auto* octets = reinterpret_cast<const unsigned char*>(text.data());
  const unsigned char* made =
      HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()), octets, text.size(), digest.data(), &length);
  POSTERN_CHECK(made != nullptr);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string signature;
  for (unsigned i = 0; i < length; ++i) {
    signature += kDigits[digest[i] >> 4];
    signature += kDigits[digest[i] & 15];
  }
  return signature;
}

AttachmentLinks::Link AttachmentLinks::link_to(const MessageId& message, std::string_view attachment, Instant now) const {
  Link link{.url = {}, .expires_at = now + kAttachmentLinkLifetime};
  const std::string expires = unix_time(link.expires_at);
  link.url = base_url_ + "/v1/inbound/" + format_message_id(message) + "/attachments/" + std::string(attachment) +
             "/content?expires=" + expires + "&signature=" + sign(message, attachment, expires);
  return link;
}

AttachmentLinks::Finding AttachmentLinks::check(const MessageId& message, std::string_view attachment, std::string_view expires,
                                                std::string_view signature, Instant now) const {
  const std::string right = sign(message, attachment, expires);
  const auto time = parse_unsigned(expires);
  const bool is_ours =
      time && signature.size() == right.size() && CRYPTO_memcmp(signature.data(), right.data(), right.size()) == 0;
  if (!is_ours) return Finding::Forged;
  return Instant(std::chrono::seconds(*time)) < now ? Finding::Expired : Finding::Good;
}

}  // namespace postern::events
