// The judge: may this principal send as that sender, to that recipient, with that header? It looks
// the facts up and asks the policies, which are pure. It takes nothing, writes nothing and logs
// nothing: whoever only wants to know what would happen (POST /v1/explain) asks the same judge.
#pragma once

#include "auth/authenticator.h"
#include "auth/principal.h"
#include "core/decision.h"
#include "core/envelope.h"
#include "submission/context.h"
#include "submission/header_policy.h"

#include <memory>
#include <optional>

namespace postern::submission {

// What the queue will make of an accepted recipient, as things are now.
struct Outlook {
  const relay::Route* route = nullptr;  // nullptr: simulated. Valid while the judge lives
  bool is_suppressed = false;           // accepted, and not sent to
};

// Of one transaction, on one executor. `context` and `submitter` outlive it.
class Judge {
 public:
  Judge(const SubmissionContext& context, const Submitter& submitter)
      : context_(context), submitter_(submitter) {}

  // Looks the key and its account up afresh: expiry, revocation and suspension bite here. `hold`: not to be sent before then.
  Decision judge_sender(const std::optional<Mailbox>& reverse_path, const std::optional<Hold>& hold = std::nullopt);
  // The others require an accepted sender.
  Decision judge_recipient(const Recipient& recipient) const;
  Decision judge_header(const HeaderQuestion& question) const;
  // Requires an accepted recipient. A store that cannot answer suppresses nobody, as in the queue.
  Outlook look_ahead(const Recipient& recipient) const;

  // From judge_sender on.
  const auth::Principal& principal() const { return principal_; }
  // Why judge_sender() refused the key itself; nullopt: it did not.
  const std::optional<auth::AuthFailure>& key_failure() const { return key_failure_; }
  // A sandbox account's reverse-path which nobody has shown to be its own: no next hop gets to know
  // it.
  bool hides_reverse_path() const { return hides_reverse_path_; }
  // The run, if somebody made it; of test mail only.
  const std::optional<relay::ActiveRun>& run() const { return run_; }
  // The time that the message's life is reckoned in: the run's.
  Instant now() const;
  // In force for the whole transaction; null before judge_sender(). Valid while the judge lives.
  const relay::RouteTable* routes() const { return routes_.get(); }
  // When the message may go; nullopt: at once.
  const std::optional<Instant>& release_at() const { return release_at_; }

 private:
  // Looks it up as of `now`. False: it is refused, and key_failure() says why.
  bool take_key(Instant now);
  bool is_reverse_path_proven(const Mailbox& reverse_path) const;

  const SubmissionContext& context_;
  const Submitter& submitter_;
  auth::Principal principal_;
  std::optional<auth::AuthFailure> key_failure_;
  std::shared_ptr<const relay::RouteTable> routes_;  // one table for the whole transaction
  bool hides_reverse_path_ = false;
  std::optional<Instant> release_at_;
  std::optional<relay::ActiveRun> run_;
};

// Whether new mail can be stored at all.
Decision judge_room(const store::Spool& spool);
// A write of the store that failed, as a refusal.
Refused storage_refusal(const Error& error);

}  // namespace postern::submission
