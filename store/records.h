// What the store holds, as values. Encoded by store/codec, versioned and checksummed; enumerators are stored: never renumber.
#pragma once

#include "core/clock.h"
#include "core/envelope.h"
#include "core/ids.h"
#include "core/ip_address.h"
#include "core/message_id.h"
#include "core/status.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace postern::store {

// --- Directory -------------------------------------------------------------------------------------------------------

enum class AccountState : std::uint8_t { Active = 1, Suspended = 2 };
enum class Permission : std::uint8_t { FullAccess = 1, SendingAccess = 2 };

// nullopt is "unlimited"; zero is zero.
struct Plan {
  std::string name;                           // "starter", "growth", "scale" or "custom"
  std::optional<std::uint32_t> per_second;    // messages
  std::optional<std::uint64_t> per_day;       // recipients, UTC day
  std::optional<std::uint64_t> per_month;     // recipients, UTC month

  friend bool operator==(const Plan&, const Plan&) = default;
};

struct AccountRecord {
  AccountId id;
  std::string name;                       // unique, 1 to 64 printable characters
  AccountMode mode = AccountMode::Sandbox;
  AccountState state = AccountState::Active;
  Plan plan;
  std::vector<std::string> from_domains;  // normalised; empty: any
  Instant created;

  friend bool operator==(const AccountRecord&, const AccountRecord&) = default;
};

using KeyDigest = std::array<std::uint8_t, 32>;  // SHA-256 of the whole key

struct KeyRecord {
  KeyId id;
  AccountId account;
  std::string name;
  Environment environment = Environment::Live;
  Permission permission = Permission::SendingAccess;
  std::vector<std::string> from_domains;  // normalised; empty: all of the account's
  std::vector<IpNetwork> networks;        // empty: any
  std::optional<std::uint32_t> per_second;
  std::string prefix;                     // first 16 characters, for people
  KeyDigest digest{};
  Instant created;
  std::optional<Instant> expires_at;
  std::optional<Instant> revoked_at;      // for good
  std::optional<Instant> retires_at;      // end of the overlap after a rotation; as revoked from then on
  std::optional<KeyId> successor;

  friend bool operator==(const KeyRecord&, const KeyRecord&) = default;
};

// Last use; kept apart from KeyRecord so that a busy key does not rewrite its policy.
struct KeyUsage {
  Instant at;
  IpAddress address;
  std::string helo_name;

  friend bool operator==(const KeyUsage&, const KeyUsage&) = default;
};

struct WhitelistEntry {
  std::string address;  // normalised_mailbox()
  Instant added;

  friend bool operator==(const WhitelistEntry&, const WhitelistEntry&) = default;
};

enum class CounterPeriod : std::uint8_t { Day = 1, Month = 2 };

// --- Spool -----------------------------------------------------------------------------------------------------------

enum class MessageOrigin : std::uint8_t { Submission = 1, Notification = 2 };

// Written once, in the commit that accepts the message; never changed.
struct MessageRecord {
  MessageId id;
  AccountId account;
  KeyId key;
  Environment environment = Environment::Live;
  MessageOrigin origin = MessageOrigin::Submission;
  std::string user_name;        // what AUTH gave: for a test key the name of the run
  Envelope envelope;
  Instant accepted_at;
  IpAddress client_address;
  std::string helo_name;
  std::uint64_t content_octets = 0;
  std::uint32_t chunk_count = 0;
  std::uint32_t trace_octets = 0;  // length of the trace header that Postern put on top

  friend bool operator==(const MessageRecord&, const MessageRecord&) = default;
};

enum class RecipientStage : std::uint8_t {
  Pending = 1,
  Delivered = 2,
  Bounced = 3,
  Expired = 4,
  Suppressed = 5,
  Cancelled = 6,
};

struct RecipientState {
  RecipientStage stage = RecipientStage::Pending;
  std::uint16_t attempts = 0;
  Instant next_attempt;          // while Pending
  Status last_status;            // code 0 before the first attempt
  std::string remote;            // "mx.example.net [192.0.2.1]:25" of the last attempt
  bool delay_notified = false;

  friend bool operator==(const RecipientState&, const RecipientState&) = default;
};

// The changing half of a message: one state per recipient, in the envelope's order.
struct DeliveryRecord {
  std::vector<RecipientState> recipients;
  std::optional<Instant> due;          // its key in the due index; nullopt: nothing is pending
  std::uint64_t lane = 0;              // see DueEntry
  std::optional<Instant> settled_at;   // when the last recipient left Pending
  std::optional<Instant> content_until;  // content is kept until then (captured test messages); nullopt: gone

  bool is_settled() const { return !due.has_value(); }
  friend bool operator==(const DeliveryRecord&, const DeliveryRecord&) = default;
};

struct StoredMessage {
  MessageRecord message;
  DeliveryRecord delivery;
};

// One entry of the due index. `lane` is what lane_of_pending() says: the queue skips a saturated destination's messages
// without reading them.
struct DueEntry {
  Instant due;
  MessageId id;
  std::uint64_t lane = 0;

  friend bool operator==(const DueEntry&, const DueEntry&) = default;
};

// A stable 64-bit hash of the normalised domain.
std::uint64_t lane_of(std::string_view normalised_domain);

// The lane of messages that no single destination can hold up: the queue always reads them.
inline constexpr std::uint64_t kMixedLane = 0;
// lane_of() the pending recipients' domain; kMixedLane where their domains differ, and for a test message, which meets no
// destination at all.
std::uint64_t lane_of_pending(const MessageRecord& message, const DeliveryRecord& delivery);

}  // namespace postern::store
