// What the SMTP shell asks of the product: AUTH with its brute-force slow-down, then one relay::Submission a transaction.
#pragma once

#include "auth/auth_throttle.h"
#include "relay/submission.h"
#include "smtp/submission_handler.h"

#include <memory>

namespace postern::relay {

// Any thread opens conversations; each conversation stays on its connection's thread. Context and throttle outlive them all.
class SmtpSubmission final : public smtp::SubmissionHandler {
 public:
  SmtpSubmission(const SubmissionContext& context, auth::AuthThrottle& throttle)
      : context_(context), throttle_(throttle) {}

  std::unique_ptr<smtp::Conversation> open_conversation(const smtp::PeerFacts& peer) override;

 private:
  const SubmissionContext& context_;
  auth::AuthThrottle& throttle_;
};

}  // namespace postern::relay
