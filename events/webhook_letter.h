// One event as one webhook gets it: whether it wants it, and the signed request. For who sends, in whatever time: webhook_sender
// and run_webhooks.
#pragma once

#include "core/clock.h"
#include "core/event.h"
#include "core/result.h"
#include "events/attachment_links.h"
#include "events/event_ids.h"
#include "events/received_content.h"
#include "events/webhook_client.h"
#include "store/spool.h"

#include <cstdint>
#include <optional>

namespace postern::events {

// By what `event` says; the rest is told by its message.
bool wants(const store::WebhookRecord& webhook, const Event& event);

struct FoundEvent {
  std::optional<Event> event;  // nullopt: there is none to send
  std::optional<store::StoredMessage> stored;
  bool is_unwanted = false;  // because the webhook does not want it any more
};
// None where the event is gone, its retention having ended, or damaged for good; or where the webhook, as it is now, does not want
// it. `is_requested`: somebody asked for this one, whatever types the webhook wants.
Result<FoundEvent> find_event_for(const store::Spool& spool, const store::WebhookRecord& webhook, std::uint64_t sequence,
                                  bool is_requested);

struct LetterHead {
  const EventIds& ids;
  const AttachmentLinks& links;
};
// Signed at `now`, of the receiver's time. `found` has an event.
WebhookRequest make_webhook_request(const LetterHead& head, const store::WebhookRecord& webhook, const FoundEvent& found,
                                    const std::optional<ReceivedContent>& content, Instant now);

}  // namespace postern::events
