// Stored messages as the HTTP API shows them: Resend's shapes, with the recipients' states beside them. Pure.
#pragma once

#include "mime/message_reader.h"
#include "store/records.h"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace postern::api {

// Resend's last_event of a message with several recipients: what is worst among them, and "delivered" only if all are.
std::string_view last_event_name(const store::DeliveryRecord& delivery);

// An item of GET /v1/emails. Without `object`, `html`, `text` and `tags`, as in Resend's lists.
boost::json::object email_item(const store::StoredMessage& stored);
// GET /v1/emails/:id. `content` nullopt: it is gone, `html` and `text` are null.
boost::json::object email_details(const store::StoredMessage& stored, const std::optional<mime::ReadMessage>& content);

// `download_url` leads to the octets; `expires_at` is when the content goes, null for a message that is still queued.
boost::json::object attachment_item(const store::StoredMessage& stored, const mime::ReadAttachment& attachment,
                                    std::string_view base_url);

}  // namespace postern::api
