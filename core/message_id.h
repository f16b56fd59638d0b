// MessageId: Postern's own id of a spooled message, told to the client in the 250 after end-of-data. Never the Message-ID
// header field (that one is `header_message_id` in the code).
#pragma once

#include "core/clock.h"
#include "core/random.h"

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postern {

// 16 octets: microseconds since 1970 (8, big endian), the number of the machine that made it (1; 0 while an installation has one;
// ids that 0.1 made have chance there), then 7 random. Sorts by time of creation, as octets and as text.
struct MessageId {
  std::array<std::uint8_t, 16> octets{};

  Instant created() const;
  friend auto operator<=>(const MessageId&, const MessageId&) = default;
};

MessageId make_message_id(Instant now, Random& random);

// 26 characters of lower-case base32hex (RFC 4648 §7, no padding), which keeps the order.
std::string format_message_id(const MessageId& id);
std::optional<MessageId> parse_message_id(std::string_view text);

}  // namespace postern
