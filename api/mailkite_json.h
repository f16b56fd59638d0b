// What MailKite's clients read: rows with bare members, times in milliseconds, ids that say what they are of. Pure.
#pragma once

#include "core/event.h"
#include "events/event_ids.h"
#include "events/webhook_attempts.h"
#include "store/records.h"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace postern::api {

// `webhook`: null where there is none.
boost::json::object mailkite_domain(const store::DomainRecord& domain, const store::WebhookRecord* webhook);
boost::json::object mailkite_route(const store::DomainRecord& domain, const store::InboundRoute& route,
                                   const store::WebhookRecord* webhook);
boost::json::object mailkite_message(const store::InboundRecord& record);
// One event for one webhook, with the last attempt that is remembered. `attempts` may be null.
boost::json::object mailkite_delivery(const store::WebhookRecord& webhook, const Event& event, const events::EventIds& ids,
                                      events::WebhookAttempts* attempts);

// "msg_…", or our bare id.
std::optional<MessageId> parse_mailkite_message_id(std::string_view text);
struct DeliveryPlace {
  WebhookId webhook;
  std::string event;  // its id
};
std::optional<DeliveryPlace> parse_mailkite_delivery_id(std::string_view text);

// No message that was made then or later has a lower one.
MessageId first_message_id_at(Instant at);

extern const std::string_view kMailKiteSchemas;

}  // namespace postern::api
