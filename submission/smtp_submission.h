// What the SMTP shell asks of the product: AUTH with its brute-force slow-down, then one submission::Transaction a
// transaction.
#pragma once

#include "auth/auth_throttle.h"
#include "core/token_bucket.h"
#include "smtp/submission_handler.h"
#include "submission/context.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

namespace postern::submission {

// Lines that refusals of the protocol (syntax, order, size) may write together; how many were left out the next line says. All of
// them are counted.
inline constexpr std::uint32_t kProtocolRefusalLinesPerSecond = 10;

// Any thread opens conversations; each conversation stays on its connection's thread. Context and throttle outlive them all.
class SmtpSubmission final : public smtp::SubmissionHandler {
 public:
  SmtpSubmission(const SubmissionContext& context, auth::AuthThrottle& throttle)
      : context_(context), throttle_(throttle) {}

  std::unique_ptr<smtp::Conversation> open_conversation(const smtp::PeerFacts& peer) override;
  void refused(const IpAddress& peer, std::string_view token) override;

 private:
  const SubmissionContext& context_;
  auth::AuthThrottle& throttle_;
  std::mutex mutex_;  // over the two below
  TokenBucket lines_ = TokenBucket::full(kProtocolRefusalLinesPerSecond, context_.clock.now());
  std::uint64_t unsaid_ = 0;
};

}  // namespace postern::submission
