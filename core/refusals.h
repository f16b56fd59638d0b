// The one table of refusals. Each row has a stable token that stands in the SMTP text, is the name of the HTTP error, the
// metric label and the anchor in docs/smtp-replies.md. It lies in core because the protocol core refuses by it too.
#pragma once

#include "core/status.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace postern {

enum class Refusal {
  AuthRequired,
  TlsRequired,
  InvalidKey,
  InvalidUserName,
  ExpiredKey,
  RevokedKey,
  KeyNetwork,
  TooManyFailures,
  AuthUnavailable,
  PermissionDenied,
  AccountSuspended,
  SenderNotAllowed,
  RecipientNotWhitelisted,
  NoRoute,
  RateLimited,
  QuotaExceeded,
  TooManyRecipients,
  MessageTooBig,
  HeaderTooBig,
  HoldTooLong,
  InvalidRecipient,
  InvalidSender,
  BareNewline,
  InvalidMessage,
  MailLoop,
  IdempotencyConflict,
  StorageFull,
  StorageUnavailable,
  ShuttingDown,
  TooManyConnections,
  NotHosted,
  UnknownRecipient,
  AnotherAccount,
  Greylisted,
  AuthorUnclear,
  DmarcFailed,
};

struct RefusalRow {
  Refusal refusal;
  std::string_view token;                       // "recipient_not_whitelisted"
  std::uint16_t smtp_code;                      // 0: never said over SMTP
  EnhancedCode enhanced;
  std::optional<std::uint16_t> open_session_code;  // where MAIL in an open session answers otherwise (with 5.7.1)
  std::uint16_t http_status;                    // 0: never said over HTTP
  bool ends_session;                            // the connection is closed after the reply
  std::string_view text;                        // for people: what was wrong and what to do
  std::string_view when;                        // for the docs
};

std::span<const RefusalRow> refusal_table();
const RefusalRow& refusal_row(Refusal refusal);

// "550 5.7.1 token: text" as a Status. A non-empty `detail` replaces the row's text; it must not hold client octets.
Status refusal_status(Refusal refusal, std::string_view detail = {});
// The form for MAIL in a session that was opened before the key died.
Status open_session_refusal_status(Refusal refusal);

}  // namespace postern
