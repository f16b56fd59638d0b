// One e-mail of an API client on its way into the spool: the same transaction that SMTP uses, asked in HTTP's order.
//
// prepare_email() → EmailSubmission: judge() → send() → answer(). Everything that can be wrong with the request is found before
// anything is taken from quotas, and every verdict before anything is written.
#pragma once

#include "api/decision_problem.h"
#include "auth/sha256.h"
#include "api/api_context.h"
#include "api/email_request.h"
#include "submission/transaction.h"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace postern::api {

struct PreparedEmail {
  EmailRequest request;
  std::string content;
  bool has_high_octets = false;
  auth::Sha256Digest fingerprint{};  // of what has to be equal for the same idempotency key
};

// Reads and composes. Takes time in proportion to the body: a big one belongs on a worker. Pure.
std::variant<PreparedEmail, EmailFault> prepare_email(const boost::json::value& body, const EmailLimits& limits,
                                                        std::uint64_t max_message_octets);

// Of the request's Idempotency-Key field; nullopt inside: there is none.
std::variant<std::optional<std::string>, EmailFault> idempotency_key_of(const ApiRequest& request);

// On the request's executor. `context` and `request` must outlive it; the caller is a key.
class EmailSubmission {
 public:
  EmailSubmission(ApiContext& context, const ApiRequest& request, PreparedEmail email);
  EmailSubmission(const EmailSubmission&) = delete;
  EmailSubmission& operator=(const EmailSubmission&) = delete;

  // `fingerprint`: of all that the key stands for, fingerprint() where that is this e-mail alone.
  void set_idempotency_key(std::string_view key, const auth::Sha256Digest& fingerprint);
  const auth::Sha256Digest& fingerprint() const { return email_.fingerprint; }

  // Sender, an earlier message of the same key, each recipient. A problem: the sender or every recipient is refused, and nothing
  // will be sent. `rate_messages`: see submission::Transaction::judge_sender(). Lets others be served between every few recipients.
  net::Awaitable<std::optional<DecisionProblem>> judge(std::uint32_t rate_messages);
  // Requires that judge() found no problem. Returns when the message is on disk; at once for a replay.
  net::Awaitable<std::optional<DecisionProblem>> send();

  // After send(): {"id": …}, and where a recipient was refused "recipients" with the verdict on each.
  boost::json::object answer() const;
  bool is_replay() const { return transaction_.accepted_as() && transaction_.accepted_as()->is_replay; }

 private:
  struct JudgedRecipient {
    Mailbox mailbox;
    std::optional<DecisionProblem> problem;
  };
  net::Awaitable<std::optional<DecisionProblem>> judge_recipients();

  const ApiRequest& request_;
  PreparedEmail email_;
  submission::Submitter submitter_;
  submission::Transaction transaction_;
  bool has_key_ = false;
  Envelope envelope_;
  std::vector<JudgedRecipient> recipients_;
};

}  // namespace postern::api
