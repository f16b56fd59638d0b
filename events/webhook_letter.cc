#include "events/webhook_letter.h"

#include "events/event_json.h"
#include "events/mail_scope.h"
#include "events/received_form.h"
#include "events/webhook_signature.h"

#include <boost/json/serialize.hpp>

#include <utility>

namespace postern::events {
namespace {

bool is_in(store::WebhookMail mail, Environment environment) {
  if (mail == store::WebhookMail::Any) return true;
  return (mail == store::WebhookMail::Test) == (environment == Environment::Test);
}

}  // namespace

bool wants(const store::WebhookRecord& webhook, const Event& event) {
  return is_in(webhook.mail, event.environment) && wants_event(webhook.events, event.type);
}

Result<FoundEvent> find_event_for(const store::Spool& spool, const store::WebhookRecord& webhook, std::uint64_t sequence,
                                  bool is_requested) {
  auto event = spool.find_event(sequence);
  if (!event && event.error().code() != ErrorCode::CorruptRecord) return event.error();
  if (!event || !*event) return FoundEvent{};
  const bool is_of_type = is_requested || wants_event(webhook.events, (*event)->type);
  const FoundEvent unwanted{.event = {}, .stored = {}, .is_unwanted = true};
  const bool is_brought = is_requested || is_brought_by(**event, webhook.routes);
  if (!is_of_type || !is_brought || !is_in(webhook.mail, (*event)->environment)) return unwanted;
  auto stored = spool.find((*event)->message);
  FoundEvent found{.event = std::move(*event), .stored = stored ? std::move(*stored) : std::nullopt};
  const bool is_of_domains =
      webhook.from_domains.empty() || (found.stored && is_mail_of(found.stored->message, webhook.from_domains));
  return is_of_domains ? std::move(found) : unwanted;
}

WebhookRequest make_webhook_request(const LetterHead& head, const store::WebhookRecord& webhook, const FoundEvent& found,
                                    const std::optional<ReceivedContent>& content, Instant now) {
  const store::StoredMessage* const stored = found.stored ? &*found.stored : nullptr;
  const bool is_in_other_form =
      found.event->type == EventType::MessageReceived && webhook.received_form != store::ReceivedForm::Postern;
  boost::json::object payload;
  if (is_in_other_form) {
    payload = received_payload(webhook.received_form, {.event = *found.event,
                                                       .stored = stored,
                                                       .content = content ? &*content : nullptr,
                                                       .links = head.links,
                                                       .now = now});
  } else {
    payload = event_payload(*found.event, stored);
    if (content) add_received_content(payload, found.event->message, *content, head.links, now);
  }
  WebhookRequest request;
  request.url = webhook.url;
  request.body = boost::json::serialize(payload);
  const std::string id = webhook_message_id(webhook.id, head.ids.format(webhook.account, found.event->sequence));
  request.fields = webhook_signature_fields(webhook, id, now, request.body);
  return request;
}

}  // namespace postern::events
