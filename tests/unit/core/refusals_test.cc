#include "core/refusals.h"

#include <gtest/gtest.h>

#include <set>

namespace postern {
namespace {

TEST(Refusals, EveryRowIsFoundByItsNameAndSaysItsTokenFirst) {
  std::set<std::string_view> tokens;
  for (const RefusalRow& row : refusal_table()) {
    EXPECT_EQ(&refusal_row(row.refusal), &row) << row.token;
    EXPECT_TRUE(tokens.insert(row.token).second) << row.token;
    if (row.smtp_code == 0) continue;
    EXPECT_TRUE(format_status(refusal_status(row.refusal)).find(std::string(row.token) + ": ") != std::string::npos) << row.token;
    EXPECT_EQ(row.enhanced.klass, row.smtp_code / 100) << row.token;
    EXPECT_EQ(row.smtp_code == 421, row.ends_session && row.refusal != Refusal::BareNewline) << row.token;
  }
}

TEST(Refusals, SayWhatTheContractSays) {
  struct Case {
    Refusal refusal;
    const char* begins;
    int http;
  };
  const Case cases[] = {
      {Refusal::AuthRequired, "530 5.7.0 auth_required", 401},
      {Refusal::TlsRequired, "538 5.7.11 tls_required", 403},
      {Refusal::InvalidKey, "535 5.7.8 invalid_key", 401},
      {Refusal::InvalidUserName, "535 5.7.8 invalid_user_name", 0},
      {Refusal::ExpiredKey, "535 5.7.8 expired_key", 401},
      {Refusal::RevokedKey, "535 5.7.8 revoked_key", 401},
      {Refusal::KeyNetwork, "535 5.7.8 key_network", 403},
      {Refusal::TooManyFailures, "421 4.7.0 too_many_failures", 429},
      {Refusal::AuthUnavailable, "454 4.7.0 auth_unavailable", 503},
      {Refusal::AccountSuspended, "550 5.7.1 account_suspended", 403},
      {Refusal::SenderNotAllowed, "550 5.7.1 sender_not_allowed", 403},
      {Refusal::RecipientNotWhitelisted, "550 5.7.1 recipient_not_whitelisted", 403},
      {Refusal::RateLimited, "450 4.7.1 rate_limited", 429},
      {Refusal::QuotaExceeded, "452 4.7.1 quota_exceeded", 429},
      {Refusal::TooManyRecipients, "452 4.5.3 too_many_recipients", 422},
      {Refusal::MessageTooBig, "552 5.3.4 message_too_big", 413},
      {Refusal::InvalidRecipient, "501 5.1.3 invalid_recipient", 422},
      {Refusal::InvalidSender, "501 5.1.7 invalid_sender", 422},
      {Refusal::BareNewline, "550 5.6.11 bare_newline", 0},
      {Refusal::InvalidMessage, "554 5.6.0 invalid_message", 422},
      {Refusal::MailLoop, "554 5.4.6 mail_loop", 0},
      {Refusal::IdempotencyConflict, "554 5.6.0 idempotency_conflict", 409},
      {Refusal::StorageFull, "452 4.3.1 storage_full", 507},
      {Refusal::ShuttingDown, "421 4.3.2 shutting_down", 503},
      {Refusal::TooManyConnections, "421 4.7.0 too_many_connections", 503},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(format_status(refusal_status(c.refusal)).rfind(c.begins, 0), 0U) << c.begins;
    EXPECT_EQ(refusal_row(c.refusal).http_status, c.http) << c.begins;
  }
}

TEST(Refusals, ADeadKeyAnswersOtherwiseInAnOpenSession) {
  EXPECT_EQ(format_status(open_session_refusal_status(Refusal::RevokedKey)).rfind("550 5.7.1 revoked_key", 0), 0U);
  EXPECT_EQ(format_status(open_session_refusal_status(Refusal::ExpiredKey)).rfind("550 5.7.1 expired_key", 0), 0U);
}

}  // namespace
}  // namespace postern
