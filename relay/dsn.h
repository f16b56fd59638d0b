// Delivery status notifications: which recipients are owed one (RFC 3461 §5.2), and the report itself (RFC 3464). Pure.
#pragma once

#include "core/clock.h"
#include "core/envelope.h"
#include "core/message_id.h"
#include "core/status.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::relay {

enum class DsnAction { Failed, Delayed, Delivered, Relayed };

// True if `notify` asks for a notice of this kind; never for a message whose reverse-path is null.
bool owes_dsn(const Envelope& envelope, std::uint32_t recipient, DsnAction action);

struct DsnRecipient {
  const Recipient* recipient = nullptr;
  DsnAction action = DsnAction::Failed;
  Status status;                       // the next hop's or ours
  std::string remote;                  // the next hop; empty: none was asked
  bool is_own_word = false;            // we said it, whatever the next hop is
  std::optional<Instant> retry_until;  // Delayed
};

// Content returned with a report at most, in octets; of more, the header section alone (RFC 3461 §6.2 allows it).
inline constexpr std::size_t kMaxReturnedOctets = 1'048'576;

struct DsnFacts {
  std::string hostname;
  MessageId id;                        // of the report
  Instant now;
  const Envelope* envelope = nullptr;  // of the message it is about
  MessageId about;
  Instant arrived;
  std::vector<DsnRecipient> recipients;
  std::string_view returned;           // its header section, or all of it
  bool is_returned_whole = false;
};

// True if the next hop refused the message for 8-bit content or an address that it cannot take (RFC 3463 §3.7, X.6.3 and X.6.7):
// a report about it probably goes by the same hop, and nobody reports that a report was lost.
bool is_seven_bit_way(const Status& status);

// The report as content: header and body, CRLF line ends. Every part but a whole message is ASCII, encoded where it has to be.
std::string format_dsn(const DsnFacts& facts);

// True if the whole content should be returned, going by RET, the size (RFC 3461 §4.3) and REQUIRETLS.
bool returns_whole(const Envelope& envelope, std::uint64_t content_octets, DsnAction action);

}  // namespace postern::relay
