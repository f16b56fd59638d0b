// email.received in the words of other services, for receivers that were written for them: Resend's (metadata; the rest is asked
// for), MailKite's (texts and links), Postmark's inbound webhook (all of it, not even an event around it). Pure.
#pragma once

#include "core/event.h"
#include "events/attachment_links.h"
#include "events/received_content.h"
#include "store/records.h"

#include <boost/json/object.hpp>

#include <optional>
#include <string_view>

namespace postern::events {

std::string_view received_form_name(store::ReceivedForm form);  // "postern", "mailkite", "resend", "postmark"
std::optional<store::ReceivedForm> parse_received_form(std::string_view name);

struct ReceivedFacts {
  const Event& event;                // MessageReceived
  const store::StoredMessage* stored = nullptr;  // null: its record is gone
  const ReceivedContent* content = nullptr;      // null: its content is
  const AttachmentLinks& links;
  Instant now{};
};

// Requires another form than Postern's own. Never fails: what is gone is null or empty.
boost::json::object received_payload(store::ReceivedForm form, const ReceivedFacts& facts);

// The parts of it that lists and pages show as well.
boost::json::array mailkite_attachments(const MessageId& message, const ReceivedContent& content, const AttachmentLinks& links,
                                        Instant now);
boost::json::object mailkite_auth(const std::optional<store::InboundVerdicts>& verdicts);
boost::json::array resend_attachments(const ReceivedContent& content);
// "msg_" and our id: MailKite's ids tell what they are of.
std::string mailkite_message_id(const MessageId& message);

}  // namespace postern::events
