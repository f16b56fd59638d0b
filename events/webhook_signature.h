// Signatures of webhook requests by the Standard Webhooks specification 1.0: HMAC-SHA256 over "id.timestamp.body", with the
// fields webhook-id, webhook-timestamp and webhook-signature. Pure.
#pragma once

#include "core/clock.h"
#include "core/ids.h"
#include "core/random.h"
#include "core/secret.h"
#include "store/records.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::events {

inline constexpr std::size_t kWebhookSecretOctets = 32;  // the specification asks for 24 to 64

std::string make_webhook_secret(Random& random);                  // raw octets, as the directory keeps them
Secret format_webhook_secret(std::string_view raw_secret);        // "whsec_" and base64: what people copy

// The same for every attempt, so that a receiver can tell a repetition: "whk_…_" and what stands behind "evt_" in `event_id`.
std::string webhook_message_id(const WebhookId& webhook, std::string_view event_id);

// "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=".
std::string sign_webhook(std::string_view raw_secret, std::string_view id, Instant at, std::string_view body);

// "t=1614265330900,v1=…": milliseconds, and the HMAC in hexadecimal digits of "t.body" with the secret's text as people copy it.
// What receivers written for MailKite read.
std::string mailkite_signature(std::string_view raw_secret, Instant at, std::string_view body);

// The three fields, and the same again as svix-id, svix-timestamp and svix-signature, which receivers written for Resend read.
// During a rotation there are two signatures with a blank between them: either secret verifies. Behind them x-mailkite-signature,
// with the newest secret.
std::vector<std::pair<std::string, std::string>> webhook_signature_fields(const store::WebhookRecord& webhook, std::string_view id,
                                                                         Instant at, std::string_view body);

}  // namespace postern::events
