#include "api/email_json.h"

#include "api/email_filter.h"
#include "core/time_format.h"
#include "relay/failure_class.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <array>

namespace postern::api {
namespace {

namespace json = boost::json;

using store::RecipientStage;

struct StageRow {
  RecipientStage stage;
  std::string_view name;        // of the stage
  std::string_view last_event;  // Resend's word
};

// The worst first.
constexpr std::array<StageRow, 7> kStages = {{
    {RecipientStage::Complained, "complained", "complained"},
    {RecipientStage::Bounced, "bounced", "bounced"},
    {RecipientStage::Expired, "expired", "failed"},
    {RecipientStage::Suppressed, "suppressed", "suppressed"},
    {RecipientStage::Cancelled, "cancelled", "canceled"},
    {RecipientStage::Pending, "pending", "queued"},
    {RecipientStage::Delivered, "delivered", "delivered"},
}};

const StageRow& row_of(RecipientStage stage) { return *std::ranges::find(kStages, stage, &StageRow::stage); }

json::array texts(const std::vector<std::string>& list) {
  json::array array;
  for (const std::string& text : list) array.emplace_back(text);
  return array;
}

json::value instant_or_null(const std::optional<Instant>& instant) {
  return instant ? json::value(format_rfc3339(*instant)) : json::value(nullptr);
}

// Where the header names nobody, only the envelope says who gets it.
json::array shown_recipients(const store::MessageRecord& message) {
  const store::MessageSummary& summary = message.summary;
  if (!summary.to.empty() || !summary.cc.empty() || !summary.bcc.empty()) return texts(summary.to);
  json::array to;
  for (const Recipient& recipient : message.envelope.recipients) to.emplace_back(format_mailbox(recipient.mailbox));
  return to;
}

std::string_view failure_class_of(const store::RecipientState& state) {
  return relay::failure_class_name(relay::classify_failure(state.last_status, state.is_own_word ? "" : state.remote));
}

json::object recipient_json(const Recipient& recipient, const store::RecipientState& state) {
  const bool is_pending = state.stage == RecipientStage::Pending;
  json::object object;
  object["email"] = format_mailbox(recipient.mailbox);
  object["status"] = row_of(state.stage).name;
  object["attempts"] = state.attempts;
  object["next_attempt_at"] = is_pending ? json::value(format_rfc3339(state.next_attempt)) : json::value(nullptr);
  object["last_status"] = state.last_status.code == 0 ? json::value(nullptr) : json::value(format_status(state.last_status));
  object["failure_class"] = state.last_status.code < 400 ? json::value(nullptr) : json::value(failure_class_of(state));
  object["remote"] = state.remote.empty() ? json::value(nullptr) : json::value(state.remote);
  return object;
}

}  // namespace

std::string_view last_event_name(const store::DeliveryRecord& delivery) {
  for (const StageRow& row : kStages) {
    const auto found = std::ranges::find(delivery.recipients, row.stage, &store::RecipientState::stage);
    if (found == delivery.recipients.end()) continue;
    const auto is_delayed = [](const store::RecipientState& state) {
      return state.stage == RecipientStage::Pending && state.attempts > 0;
    };
    if (row.stage == RecipientStage::Pending && delivery.is_scheduled()) return "scheduled";
    const bool was_tried = row.stage == RecipientStage::Pending && std::ranges::any_of(delivery.recipients, is_delayed);
    return was_tried ? "delivery_delayed" : row.last_event;
  }
  return "queued";
}

json::object email_item(const store::StoredMessage& stored) {
  const store::MessageRecord& message = stored.message;
  const auto& reverse_path = message.envelope.reverse_path;
  const bool has_from = !message.summary.from.empty() || !reverse_path;
  json::object object;
  object["id"] = format_message_id(message.id);
  object["to"] = shown_recipients(message);
  object["from"] = has_from ? message.summary.from : format_mailbox(*reverse_path);
  object["created_at"] = format_rfc3339(message.accepted_at);
  object["subject"] = message.summary.subject;
  object["bcc"] = texts(message.summary.bcc);
  object["cc"] = texts(message.summary.cc);
  object["reply_to"] = texts(message.summary.reply_to);
  object["last_event"] = last_event_name(stored.delivery);
  object["scheduled_at"] = instant_or_null(stored.delivery.scheduled_at);
  object["environment"] = environment_name(message.environment);
  const std::string_view run = run_of(message);
  object["run"] = run.empty() ? json::value(nullptr) : json::value(run);
  return object;
}

json::object email_details(const store::StoredMessage& stored, const std::optional<mime::ReadMessage>& content) {
  json::object object = email_item(stored);
  object["object"] = "email";
  object["text"] = content && content->text ? json::value(*content->text) : json::value(nullptr);
  object["html"] = content && content->html ? json::value(*content->html) : json::value(nullptr);
  const std::string& message_id = content ? content->header_message_id : stored.message.summary.message_id;
  object["message_id"] = content || !message_id.empty() ? json::value('<' + message_id + '>') : json::value(nullptr);
  const bool is_from_smtp = !stored.message.helo_name.empty();
  if (content && is_from_smtp) {
    // From SMTP: what lists show are the fields as they stand, this is them read.
    object["subject"] = content->subject;
    object["from"] = content->from;
    object["to"] = texts(content->to);
    object["cc"] = texts(content->cc);
    object["reply_to"] = texts(content->reply_to);
  }
  json::array tags;
  for (const auto& [name, value] : stored.message.summary.tags) tags.push_back(json::object({{"name", name}, {"value", value}}));
  object["tags"] = std::move(tags);
  json::array recipients;
  for (std::size_t i = 0; i < stored.delivery.recipients.size() && i < stored.message.envelope.recipients.size(); ++i) {
    recipients.push_back(recipient_json(stored.message.envelope.recipients[i], stored.delivery.recipients[i]));
  }
  object["recipients"] = std::move(recipients);
  object["content_until"] = instant_or_null(stored.delivery.content_until);
  const bool has_key = stored.message.key != KeyId{};
  object["api_key_id"] = has_key ? json::value(format_id(stored.message.key)) : json::value(nullptr);
  return object;
}

json::object attachment_item(const store::StoredMessage& stored, const mime::ReadAttachment& attachment,
                             std::string_view base_url) {
  json::object object;
  object["id"] = attachment.id;
  if (!attachment.filename.empty()) object["filename"] = attachment.filename;
  object["size"] = attachment.octets;
  object["content_type"] = attachment.content_type;
  object["content_disposition"] = attachment.is_inline ? "inline" : "attachment";
  if (!attachment.content_id.empty()) object["content_id"] = attachment.content_id;
  object["download_url"] = std::string(base_url) + "/v1/emails/" + format_message_id(stored.message.id) + "/attachments/" +
                           attachment.id + "/content";
  object["expires_at"] = instant_or_null(stored.delivery.content_until);
  return object;
}

}  // namespace postern::api
