#include "core/message_id.h"

#include "core/bytes.h"

#include <algorithm>
#include <span>

namespace postern {
namespace {

constexpr std::size_t kNodeOctet = 8;
constexpr std::uint8_t kThisNode = 0;  // one machine

}  // namespace

Instant MessageId::created() const {
  std::uint64_t micros = 0;
  for (std::size_t i = 0; i < 8; ++i) micros = (micros << 8) | octets[i];
  return Instant{Duration{static_cast<Duration::rep>(micros)}};
}

MessageId make_message_id(Instant now, Random& random) {
  MessageId id;
  auto micros = static_cast<std::uint64_t>(now.time_since_epoch().count());
  for (std::size_t i = 8; i-- > 0; micros >>= 8) id.octets[i] = static_cast<std::uint8_t>(micros);
  id.octets[kNodeOctet] = kThisNode;
  random.fill(std::span(id.octets).subspan(kNodeOctet + 1));
  return id;
}

std::string format_message_id(const MessageId& id) { return format_base32hex(id.octets); }

std::optional<MessageId> parse_message_id(std::string_view text) {
  const auto octets = parse_base32hex(text);
  MessageId id;
  if (!octets || octets->size() != id.octets.size()) return std::nullopt;
  std::copy(octets->begin(), octets->end(), id.octets.begin());
  return id;
}

}  // namespace postern
