// Events as the HTTP API and webhooks say them: the one table of wire names, and Event → JSON. Names and payload follow the
// Resend API where it has them; docs/events.md holds the table. Pure.
#pragma once

#include "core/event.h"
#include "mime/message_reader.h"
#include "store/records.h"

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postern::events {

class AttachmentLinks;
class EventIds;
struct ReceivedContent;

struct EventTypeRow {
  EventType type;
  std::string_view wire_name;  // "email.delivered"; stable
  std::string_view when;       // for the docs
  std::string_view data;       // what `data` holds beside the message's own fields; for the docs
};
std::span<const EventTypeRow> event_type_table();

std::string_view event_wire_name(EventType type);
std::optional<EventType> parse_event_wire_name(std::string_view name);

// Whether one of these routes brought the mail that came in; no routes: whatever did.
bool is_brought_by(const Event& event, const std::vector<std::string>& routes);

// True if `types` (wire names; empty: all) has the event's.
bool wants_event(const std::vector<std::string>& types, EventType type);

inline constexpr std::string_view kEventIdPrefix = "evt_";

// "evt_4711" for sequence 4711; the bare number is read too. For people on the machine; accounts get those of events/event_ids.
std::string format_event_id(std::uint64_t sequence);
std::optional<std::uint64_t> parse_event_id(std::string_view text);

// {code, enhanced, text}: a reply as events and explanations show it.
boost::json::object status_json(const Status& status);

// {spf, dkim, dmarc, arc, …} in the words of RFC 8601; null: it was not checked.
boost::json::value verdicts_json(const std::optional<store::InboundVerdicts>& verdicts);

// {type, created_at, data}: what a webhook gets. `stored` is the event's message; null: its record is gone, or it has none.
boost::json::object event_payload(const Event& event, const store::StoredMessage* stored);
// What an email.received that goes to a webhook says beside: text, html, truncated, attachments with links.
void add_received_content(boost::json::object& payload, const MessageId& message, const ReceivedContent& content,
                          const AttachmentLinks& links, Instant now);
// One attachment as events and lists show it.
boost::json::object received_attachment_json(const MessageId& message, const mime::ReadAttachment& attachment,
                                             const AttachmentLinks& links, Instant now);
// The same with object and id: an item of GET /v1/events.
boost::json::object event_item(const Event& event, const store::StoredMessage* stored, const EventIds& ids);

// The table as docs/events.md shows it, without a final line end.
std::string event_table_markdown();

}  // namespace postern::events
