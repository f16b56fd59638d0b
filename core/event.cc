#include "core/event.h"

namespace postern {

std::string_view event_type_name(EventType type) {
  switch (type) {
    case EventType::MessageAccepted: return "message_accepted";
    case EventType::RecipientDelivered: return "recipient_delivered";
    case EventType::RecipientDeferred: return "recipient_deferred";
    case EventType::RecipientBounced: return "recipient_bounced";
    case EventType::RecipientExpired: return "recipient_expired";
    case EventType::RecipientComplained: return "recipient_complained";
    case EventType::RecipientSuppressed: return "recipient_suppressed";
    case EventType::RecipientCancelled: return "recipient_cancelled";
    case EventType::DsnQueued: return "dsn_queued";
    case EventType::DsnWithheld: return "dsn_withheld";
    case EventType::MessageScheduled: return "message_scheduled";
    case EventType::MessageReceived: return "message_received";
    case EventType::RecipientUnsubscribed: return "recipient_unsubscribed";
    case EventType::WebhookDisabled: return "webhook_disabled";
  }
  return "unknown";
}

}  // namespace postern
