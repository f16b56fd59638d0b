// Event: an immutable record of something that happened to a message. It records and never decides.
#pragma once

#include "core/clock.h"
#include "core/ids.h"
#include "core/message_id.h"
#include "core/status.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace postern {

// Stored values: never renumber, never reuse.
enum class EventType : std::uint8_t {
  MessageAccepted = 1,    // committed; the client has its 250
  RecipientDelivered = 2, // the next hop took it (or the simulation did)
  RecipientDeferred = 3,
  RecipientBounced = 4,   // refused for good by the next hop
  RecipientExpired = 5,   // given up after the queue lifetime
  RecipientComplained = 6,
  RecipientSuppressed = 7,
  RecipientCancelled = 8, // taken off the queue by an operator
  DsnQueued = 9,          // a delivery status notification was made; `detail` is its message id
  DsnWithheld = 10,       // one was due but may not be sent; `detail` says why
  MessageScheduled = 12,  // it is held until a time, which `detail` says (RFC 3339); again where that is changed
  MessageReceived = 13,   // one for the account's own domain; `recipient` is whom it is for; the rest the inbound record tells
  RecipientUnsubscribed = 14,  // by the link in the message; `detail` is the stream that it unsubscribed from
  WebhookDisabled = 11,   // by lasting failure; belongs to no message; `detail` is the webhook's id
};

std::string_view event_type_name(EventType type);  // "recipient_delivered"
constexpr bool belongs_to_message(EventType type) { return type != EventType::WebhookDisabled; }

struct Event {
  std::uint64_t sequence = 0;  // given by the store, in commit order, never reused
  Instant at;
  EventType type = EventType::MessageAccepted;
  AccountId account;       // null: of a notification, which is the relay's own mail; no account's list has it
  MessageId message;
  Environment environment = Environment::Live;
  std::string recipient;   // empty where it concerns the message as a whole
  Status status;           // code 0 where there is none
  std::string detail;      // remote host, or as the type says
};

}  // namespace postern
