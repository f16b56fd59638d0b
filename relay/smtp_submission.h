// What the SMTP shell asks of the product: AUTH with its brute-force slow-down, then one relay::Submission a transaction.
#pragma once

#include "auth/auth_throttle.h"
#include "relay/submission.h"
#include "smtp/submission_handler.h"

#include <functional>
#include <memory>
#include <utility>

namespace postern::relay {

enum class RefusalOf { Credential, Message };
// Is told of every refusal that the product decides on; those of the protocol itself (syntax, order of commands) are not among
// them. Called on the connection's thread: returns at once.
using RefusalCounter = std::function<void(Refusal refusal, RefusalOf what)>;

// Any thread opens conversations; each conversation stays on its connection's thread. Context and throttle outlive them all.
class SmtpSubmission final : public smtp::SubmissionHandler {
 public:
  SmtpSubmission(const SubmissionContext& context, auth::AuthThrottle& throttle,
                 RefusalCounter count = [](Refusal, RefusalOf) {})
      : context_(context), throttle_(throttle), count_(std::move(count)) {}

  std::unique_ptr<smtp::Conversation> open_conversation(const smtp::PeerFacts& peer) override;

 private:
  const SubmissionContext& context_;
  auth::AuthThrottle& throttle_;
  RefusalCounter count_;
};

}  // namespace postern::relay
