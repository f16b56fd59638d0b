#include "events/webhook_signature.h"

#include "core/base64.h"
#include "core/check.h"
#include "events/event_json.h"

#include <openssl/hmac.h>

#include <array>
#include <chrono>

namespace postern::events {
namespace {

constexpr std::string_view kSecretPrefix = "whsec_";

std::string unix_seconds(Instant at) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count());
}

std::string hmac_of(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  const auto* octets = reinterpret_cast<const unsigned char*>(text.data());
  const unsigned char* made =
      HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), octets, text.size(), digest.data(), &length);
  POSTERN_CHECK(made != nullptr);
  return {reinterpret_cast<const char*>(digest.data()), length};
}

}  // namespace

std::string make_webhook_secret(Random& random) {
  std::array<std::uint8_t, kWebhookSecretOctets> octets{};
  random.fill(octets);
  std::string secret(octets.begin(), octets.end());
  octets.fill(0);
  return secret;
}

Secret format_webhook_secret(std::string_view raw_secret) {
  std::string encoded = encode_base64(raw_secret);
  std::string text;
  text.reserve(kSecretPrefix.size() + encoded.size());
  text += kSecretPrefix;
  text += encoded;
  wipe_string(encoded);
  return Secret(std::move(text));
}

std::string webhook_message_id(const WebhookId& webhook, std::string_view event_id) {
  return format_id(webhook).append("_").append(event_id.substr(kEventIdPrefix.size()));
}

std::string sign_webhook(std::string_view raw_secret, std::string_view id, Instant at, std::string_view body) {
  std::string text(id);
  text += "." + unix_seconds(at) + ".";
  text += body;
  return "v1," + encode_base64(hmac_of(raw_secret, text));
}

std::string mailkite_signature(std::string_view raw_secret, Instant at, std::string_view body) {
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(at).time_since_epoch().count();
  const std::string time = std::to_string(milliseconds);
  std::string text = time + ".";
  text += body;
  const Secret key = format_webhook_secret(raw_secret);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string signature = "t=" + time + ",v1=";
  for (const char octet : hmac_of(key.reveal(), text)) {
    const auto value = static_cast<unsigned char>(octet);
    signature += kDigits[value >> 4];
    signature += kDigits[value & 15];
  }
  return signature;
}

std::vector<std::pair<std::string, std::string>> webhook_signature_fields(const store::WebhookRecord& webhook, std::string_view id,
                                                                         Instant at, std::string_view body) {
  std::string signatures = sign_webhook(webhook.secret, id, at, body);
  const bool is_rotating = webhook.previous_secret_until && at < *webhook.previous_secret_until;
  if (is_rotating) signatures += " " + sign_webhook(webhook.previous_secret, id, at, body);
  std::vector<std::pair<std::string, std::string>> fields;
  for (const std::string_view names : {"webhook", "svix"}) {
    const std::string prefix(names);
    fields.emplace_back(prefix + "-id", id);
    fields.emplace_back(prefix + "-timestamp", unix_seconds(at));
    fields.emplace_back(prefix + "-signature", signatures);
  }
  fields.emplace_back("x-mailkite-signature", mailkite_signature(webhook.secret, at, body));
  return fields;
}

}  // namespace postern::events
