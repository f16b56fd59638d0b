#include "events/event_json.h"

#include "core/bytes.h"
#include "core/check.h"
#include "core/mailbox.h"
#include "core/time_format.h"
#include "events/attachment_links.h"
#include "events/event_ids.h"
#include "events/received_content.h"
#include "relay/failure_class.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <array>

namespace postern::events {
namespace {

namespace json = boost::json;

// In `to`: a message of a thousand recipients has thousands of events, and each has it.
constexpr std::size_t kMaxListedRecipients = 50;
constexpr std::size_t kMaxListedOctets = 2'048;

constexpr std::array<EventTypeRow, 14> kTypes = {{
    {EventType::MessageAccepted, "email.sent", "the message is on disk, its client has the 250", ""},
    {EventType::MessageScheduled, "email.scheduled", "it is held until that time, which may be changed", "`scheduled_at`"},
    {EventType::RecipientDelivered, "email.delivered", "the next hop took it for this recipient",
     "`recipient`, `status`, `remote`"},
    {EventType::RecipientDeferred, "email.delivery_delayed", "an attempt failed for now; another one follows",
     "`recipient`, `status`, `remote`, `delay`"},
    {EventType::RecipientBounced, "email.bounced", "the next hop refused the recipient for good",
     "`recipient`, `status`, `remote`, `bounce`"},
    {EventType::RecipientExpired, "email.failed", "given up after the queue's lifetime",
     "`recipient`, `status`, `remote`, `failed`"},
    {EventType::RecipientComplained, "email.complained", "the recipient called it spam", "`recipient`, `status`, `remote`"},
    {EventType::RecipientUnsubscribed, "email.unsubscribed", "the recipient unsubscribed by the message's link (RFC 8058)",
     "`recipient`, `stream`"},
    {EventType::RecipientSuppressed, "email.suppressed", "not attempted: the recipient is on the account's suppression list",
     "`recipient`, `status`, `suppressed`"},
    {EventType::RecipientCancelled, "email.canceled", "taken off the queue before it was delivered", "`recipient`, `status`"},
    {EventType::DsnQueued, "email.dsn_queued", "a delivery status notification goes to the sender", "`notification_id`"},
    {EventType::DsnWithheld, "email.dsn_withheld", "a notification was due but may not be sent", "`reason`"},
    {EventType::MessageReceived, "email.received", "mail for an address of a domain that receives here is on disk",
     "`recipient`, `auth`; at webhooks `text`, `html`, `truncated`, `attachments`"},
    {EventType::WebhookDisabled, "webhook.disabled", "a webhook failed for too long, or answered 410", "`webhook_id`"},
}};

bool is_about_recipient(EventType type) { return type != EventType::MessageAccepted && type <= EventType::RecipientCancelled; }

json::array recipients_of(const store::MessageRecord& message) {
  json::array to;
  std::size_t octets = 0;
  const auto list = [&](std::string_view address) {
    octets += address.size();
    const bool has_room = to.size() < kMaxListedRecipients && (octets <= kMaxListedOctets || to.empty());
    if (has_room) to.emplace_back(address);
    return has_room;
  };
  const store::MessageSummary& summary = message.summary;
  if (!summary.to.empty() || !summary.cc.empty() || !summary.bcc.empty()) {
    std::ranges::find_if_not(summary.to, list);
  } else {
    std::ranges::find_if_not(message.envelope.recipients,
                             [&](const Recipient& recipient) { return list(format_mailbox(recipient.mailbox)); });
  }
  return to;
}

// What is known of the message itself.
void add_message(json::object& data, const store::MessageRecord& message) {
  const auto& reverse_path = message.envelope.reverse_path;
  data["created_at"] = format_rfc3339(message.accepted_at);
  data["from"] = message.summary.from.empty() && reverse_path ? format_mailbox(*reverse_path) : message.summary.from;
  data["to"] = recipients_of(message);
  data["subject"] = message.summary.subject;
  json::object tags;
  for (const auto& [name, value] : message.summary.tags) tags[name] = value;
  data["tags"] = std::move(tags);
}

// The record's retention has ended: only the event itself is left.
void add_unknown_message(json::object& data, const Event& event) {
  data["created_at"] = format_rfc3339(event.message.created());
  data["from"] = "";
  data["to"] = event.recipient.empty() ? json::array() : json::array({json::value(event.recipient)});
  data["subject"] = "";
  data["tags"] = json::object();
}

// The words of the services whose clients read them.
json::object bounce_json(const Event& event) {
  using enum relay::FailureClass;
  const relay::FailureClass failure = relay::classify_failure(event.status, event.detail);
  std::string_view sub_type = "General";
  if (relay::concerns_address(failure)) sub_type = "NoEmail";
  if (failure == MailboxFull) sub_type = "MailboxFull";
  if (failure == MessageTooBig) sub_type = "MessageTooLarge";
  if (failure == Content || failure == Spam || failure == Virus) sub_type = "ContentRejected";
  return {{"type", "Permanent"},
          {"subType", sub_type},
          {"class", relay::failure_class_name(failure)},
          {"message", event.status.text}};
}

std::string_view failure_class_of(const Event& event) {
  return relay::failure_class_name(relay::classify_failure(event.status, event.detail));
}

void add_outcome(json::object& data, const Event& event) {
  data["recipient"] = event.recipient;
  if (event.status.code != 0) data["status"] = status_json(event.status);
  if (!event.detail.empty()) data["remote"] = event.detail;
  switch (event.type) {
    case EventType::RecipientBounced:
      data["bounce"] = bounce_json(event);
      return;
    case EventType::RecipientDeferred:
      data["delay"] = json::object({{"class", failure_class_of(event)}, {"message", event.status.text}});
      return;
    case EventType::RecipientExpired:
      data["failed"] = json::object({{"class", failure_class_of(event)}, {"reason", event.status.text}});
      return;
    case EventType::RecipientSuppressed:
      data["suppressed"] = json::object({{"type", "OnAccountSuppressionList"}, {"message", event.status.text}});
      return;
    default: return;
  }
}

json::object event_data(const Event& event, const store::StoredMessage* stored) {
  json::object data;
  if (event.type == EventType::WebhookDisabled) {
    data["webhook_id"] = event.detail;
    return data;
  }
  data["email_id"] = format_message_id(event.message);
  if (stored != nullptr) {
    add_message(data, stored->message);
  } else {
    add_unknown_message(data, event);
  }
  data["test"] = event.environment == Environment::Test;
  if (event.type == EventType::MessageAccepted && event.status.code != 0) data["warnings"] = event.status.text;
  if (is_about_recipient(event.type)) add_outcome(data, event);
  if (event.type == EventType::MessageReceived) {
    data["recipient"] = event.recipient;
    data["auth"] = stored != nullptr && stored->inbound ? verdicts_json(stored->inbound->verdicts) : json::value(nullptr);
  }
  if (event.type == EventType::RecipientUnsubscribed) {
    data["recipient"] = event.recipient;
    data["stream"] = event.detail;
  }
  if (event.type == EventType::MessageScheduled) data["scheduled_at"] = event.detail;
  if (event.type == EventType::DsnQueued) data["notification_id"] = event.detail;
  if (event.type == EventType::DsnWithheld) data["reason"] = event.detail;
  return data;
}

}  // namespace

json::object status_json(const Status& status) {
  json::object object;
  object["code"] = status.code;
  object["enhanced"] = status.enhanced ? json::value(format_enhanced_code(*status.enhanced)) : json::value(nullptr);
  object["text"] = status.text;
  return object;
}

json::value verdicts_json(const std::optional<store::InboundVerdicts>& verdicts) {
  if (!verdicts) return nullptr;
  json::object object{{"spf", verdicts->spf},
                      {"spf_domain", verdicts->spf_domain},
                      {"dkim", verdicts->dkim},
                      {"dkim_domains", json::array(verdicts->signers.begin(), verdicts->signers.end())},
                      {"dmarc", verdicts->dmarc},
                      {"from_domain", verdicts->author_domain},
                      {"policy", verdicts->asked_for},
                      {"arc", verdicts->arc}};
  object["suspicion"] = verdicts->suspicion.empty() ? json::value(nullptr) : json::value(verdicts->suspicion);
  return object;
}

std::span<const EventTypeRow> event_type_table() { return kTypes; }

std::string_view event_wire_name(EventType type) {
  const auto row = std::ranges::find(kTypes, type, &EventTypeRow::type);
  POSTERN_CHECK(row != kTypes.end());
  return row->wire_name;
}

std::optional<EventType> parse_event_wire_name(std::string_view name) {
  const auto row = std::ranges::find(kTypes, name, &EventTypeRow::wire_name);
  if (row == kTypes.end()) return std::nullopt;
  return row->type;
}

bool is_brought_by(const Event& event, const std::vector<std::string>& routes) {
  if (routes.empty()) return true;
  for (std::string_view rest = event.detail; !rest.empty();) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    if (std::ranges::find(routes, rest.substr(0, end)) != routes.end()) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

bool wants_event(const std::vector<std::string>& types, EventType type) {
  return types.empty() || std::ranges::find(types, event_wire_name(type)) != types.end();
}

std::string format_event_id(std::uint64_t sequence) { return std::string(kEventIdPrefix) + std::to_string(sequence); }

std::optional<std::uint64_t> parse_event_id(std::string_view text) {
  if (text.starts_with(kEventIdPrefix)) text.remove_prefix(kEventIdPrefix.size());
  return parse_unsigned(text);
}

json::object event_payload(const Event& event, const store::StoredMessage* stored) {
  json::object payload;
  payload["type"] = event_wire_name(event.type);
  payload["created_at"] = format_rfc3339(event.at);
  payload["data"] = event_data(event, stored);
  return payload;
}

json::object received_attachment_json(const MessageId& message, const mime::ReadAttachment& attachment,
                                      const AttachmentLinks& links, Instant now) {
  const AttachmentLinks::Link link = links.link_to(message, attachment.id, now);
  json::object object{{"id", attachment.id},
                      {"filename", attachment.filename},
                      {"content_type", attachment.content_type},
                      {"content_disposition", attachment.is_inline ? "inline" : "attachment"},
                      {"size", attachment.octets},
                      {"download_url", link.url},
                      {"expires_at", format_rfc3339(link.expires_at)}};
  if (!attachment.content_id.empty()) object["content_id"] = attachment.content_id;
  return object;
}

void add_received_content(json::object& payload, const MessageId& message, const ReceivedContent& content,
                          const AttachmentLinks& links, Instant now) {
  json::object& data = payload["data"].as_object();
  data["text"] = content.text ? json::value(*content.text) : json::value(nullptr);
  data["html"] = content.html ? json::value(*content.html) : json::value(nullptr);
  data["truncated"] = content.is_truncated;
  json::array attachments;
  for (const mime::ReadAttachment& attachment : content.attachments) {
    attachments.push_back(received_attachment_json(message, attachment, links, now));
  }
  data["attachments"] = std::move(attachments);
}

json::object event_item(const Event& event, const store::StoredMessage* stored, const EventIds& ids) {
  json::object item;
  item["object"] = "event";
  item["id"] = ids.format(event.account, event.sequence);
  json::object payload = event_payload(event, stored);
  for (auto& member : payload) item[member.key()] = std::move(member.value());
  return item;
}

std::string event_table_markdown() {
  std::string text = "| type | when | further `data` |\n|---|---|---|";
  for (const EventTypeRow& row : kTypes) {
    text += "\n| `" + std::string(row.wire_name) + "` | " + std::string(row.when) + " | " + std::string(row.data) + " |";
  }
  return text;
}

}  // namespace postern::events
