// Links to the attachments of mail that came in: whoever has one may fetch that attachment until it expires, without a key. Signed
// with a secret of the installation's; nothing is stored of them. Pure; any thread.
#pragma once

#include "core/clock.h"
#include "core/message_id.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace postern::events {

inline constexpr std::chrono::hours kAttachmentLinkLifetime{7 * 24};  // as MailKite's

// In the place of an attachment's number: the message itself.
inline constexpr std::string_view kWholeMessage = "raw";

class AttachmentLinks {
 public:
  AttachmentLinks() = default;
  // `base_url`: "https://relay.example.net", without a slash at its end.
  AttachmentLinks(const std::array<std::uint8_t, 16>& secret, std::string base_url)
      : secret_(secret), base_url_(std::move(base_url)) {}

  struct Link {
    std::string url;
    Instant expires_at{};
  };
  // Good for kAttachmentLinkLifetime.
  Link link_to(const MessageId& message, std::string_view attachment, Instant now) const;

  enum class Finding { Good, Expired, Forged };
  // What stands in the link: `expires` in seconds since 1970, `signature` in hexadecimal digits.
  Finding check(const MessageId& message, std::string_view attachment, std::string_view expires, std::string_view signature,
                Instant now) const;

 private:
  std::string sign(const MessageId& message, std::string_view attachment, std::string_view expires) const;

  std::array<std::uint8_t, 16> secret_{};
  std::string base_url_;
};

}  // namespace postern::events
