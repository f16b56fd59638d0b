#include "core/refusals.h"

#include "core/check.h"

#include <array>

namespace postern {
namespace {

constexpr auto kNoMail = std::optional<std::uint16_t>{};

// In the order of the enumeration: refusal_row() indexes it.
constexpr std::array<RefusalRow, 30> kTable = {{
    {Refusal::AuthRequired, "auth_required", 530, {5, 7, 0}, kNoMail, 401, false,
     "authenticate first: AUTH PLAIN or LOGIN with an API key as the password", "MAIL before AUTH; no credential"},
    {Refusal::TlsRequired, "tls_required", 538, {5, 7, 11}, kNoMail, 403, false,
     "an API key may not travel in the clear: use STARTTLS first",
     "AUTH before TLS where TLS is required; HTTP in the clear off loopback"},
    {Refusal::InvalidKey, "invalid_key", 535, {5, 7, 8}, kNoMail, 401, false,
     "this API key is not known here: check that it was copied whole", "the credential is malformed, unknown or wrong"},
    {Refusal::InvalidUserName, "invalid_user_name", 535, {5, 7, 8}, kNoMail, 0, false,
     "the user name is longer than 1,024 octets, no UTF-8, or holds control characters: any other will do",
     "the user name of AUTH, which is free text within these bounds"},
    {Refusal::ExpiredKey, "expired_key", 535, {5, 7, 8}, 550, 401, false,
     "this API key has expired: create a new one or give it a later date", "the secret was right, its date has passed"},
    {Refusal::RevokedKey, "revoked_key", 535, {5, 7, 8}, 550, 401, false,
     "this API key was revoked: use its successor or create a new one", "the secret was right, the key was revoked or retired"},
    {Refusal::KeyNetwork, "key_network", 535, {5, 7, 8}, 550, 403, false,
     "this API key may not be used from your network address", "right key, client network not allowed"},
    {Refusal::TooManyFailures, "too_many_failures", 421, {4, 7, 0}, kNoMail, 429, true,
     "too many failed attempts: wait a while and try again", "repeated failures from one address or IPv6 /64, or in one session"},
    {Refusal::AuthUnavailable, "auth_unavailable", 454, {4, 7, 0}, kNoMail, 503, false,
     "keys cannot be checked at the moment: try again later", "the store cannot answer"},
    {Refusal::PermissionDenied, "permission_denied", 0, {5, 7, 1}, kNoMail, 403, false,
     "this API key lacks the right to do that", "the key lacks the right"},
    {Refusal::AccountSuspended, "account_suspended", 550, {5, 7, 1}, kNoMail, 403, false,
     "this account is suspended: ask the operator", "at MAIL"},
    {Refusal::SenderNotAllowed, "sender_not_allowed", 550, {5, 7, 1}, kNoMail, 403, false,
     "this API key may not send from that domain", "reverse-path or From field outside the domains of the key or account"},
    {Refusal::RecipientNotWhitelisted, "recipient_not_whitelisted", 550, {5, 7, 1}, kNoMail, 403, false,
     "the account is in sandbox mode and this address is not on its whitelist", "a live key of a sandbox account"},
    {Refusal::NoRoute, "no_route", 451, {4, 4, 4}, kNoMail, 422, false,
     "no route leads to this recipient's domain: the operator has to configure one", "no [[route]] matches"},
    {Refusal::RateLimited, "rate_limited", 450, {4, 7, 1}, kNoMail, 429, false,
     "too many messages a second: wait 1 s", "messages per second of the account's plan or of the key"},
    {Refusal::QuotaExceeded, "quota_exceeded", 452, {4, 7, 1}, kNoMail, 429, false,
     "the quota is used up", "recipients a day or month of the account's plan"},
    {Refusal::TooManyRecipients, "too_many_recipients", 452, {4, 5, 3}, kNoMail, 422, false,
     "no more recipients in this message: send the rest in another one", "above max_recipients"},
    {Refusal::MessageTooBig, "message_too_big", 552, {5, 3, 4}, kNoMail, 413, false,
     "the message is bigger than this server takes", "declared SIZE or actual size above max_message_octets"},
    {Refusal::HeaderTooBig, "header_too_big", 552, {5, 3, 4}, kNoMail, 413, false,
     "the header section is bigger than 256 KiB", "a bound on what is read before the first empty line"},
    {Refusal::HoldTooLong, "hold_too_long", 501, {5, 5, 4}, kNoMail, 422, false,
     "a message cannot be held for so long here: name an earlier time", "HOLDFOR, HOLDUNTIL, scheduled_at beyond max_hold_days"},
    {Refusal::InvalidRecipient, "invalid_recipient", 501, {5, 1, 3}, kNoMail, 422, false,
     "the recipient's address is malformed", "syntax of the forward-path"},
    {Refusal::InvalidSender, "invalid_sender", 501, {5, 1, 7}, kNoMail, 422, false,
     "the sender's address is malformed", "syntax of the reverse-path"},
    {Refusal::BareNewline, "bare_newline", 550, {5, 6, 11}, kNoMail, 0, true,
     "the message holds a CR or LF on its own: lines end with CR LF", "smuggling; the connection is closed"},
    {Refusal::InvalidMessage, "invalid_message", 554, {5, 6, 0}, kNoMail, 0, false,
     "the message holds what no receiver takes",
     "a NUL, two From fields, a line above 65,536 octets (with long_lines = \"refuse\" above 998)"},
    {Refusal::MailLoop, "mail_loop", 554, {5, 4, 6}, kNoMail, 0, false,
     "too many Received fields: the message goes round in a loop", "above max_received_fields"},
    {Refusal::IdempotencyConflict, "idempotency_conflict", 554, {5, 6, 0}, kNoMail, 409, false,
     "this idempotency key was used for another message", "same idempotency key, other content"},
    {Refusal::StorageFull, "storage_full", 452, {4, 3, 1}, kNoMail, 507, false,
     "no room for new messages at the moment: try again later", "the disk or the configured cap is nearly full"},
    {Refusal::StorageUnavailable, "storage_unavailable", 451, {4, 3, 0}, kNoMail, 503, false,
     "the message could not be stored: try again later", "a write or sync failed, or too many writes wait"},
    {Refusal::ShuttingDown, "shutting_down", 421, {4, 3, 2}, kNoMail, 503, true,
     "the server is shutting down: connect again", "drain"},
    {Refusal::TooManyConnections, "too_many_connections", 421, {4, 7, 0}, kNoMail, 503, true,
     "too many connections: try again later", "above max_connections or max_connections_per_address"},
}};

Status make_status(const RefusalRow& row, std::uint16_t code, EnhancedCode enhanced, std::string_view detail) {
  std::string text(row.token);
  text.append(": ").append(detail.empty() ? row.text : detail);
  return Status{code, enhanced, std::move(text)};
}

}  // namespace

std::span<const RefusalRow> refusal_table() { return kTable; }

const RefusalRow& refusal_row(Refusal refusal) {
  const RefusalRow& row = kTable[static_cast<std::size_t>(refusal)];
  POSTERN_CHECK(row.refusal == refusal);
  return row;
}

Status refusal_status(Refusal refusal, std::string_view detail) {
  const RefusalRow& row = refusal_row(refusal);
  return make_status(row, row.smtp_code, row.enhanced, detail);
}

Status open_session_refusal_status(Refusal refusal) {
  const RefusalRow& row = refusal_row(refusal);
  if (!row.open_session_code) return refusal_status(refusal);
  return make_status(row, *row.open_session_code, EnhancedCode{5, 7, 1}, {});
}

}  // namespace postern
