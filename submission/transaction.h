// Transaction: the product's one way in. What an authenticated principal submits becomes a durable
// message here, whoever speaks for the client: SMTP (submission/smtp_submission) or HTTP
// (api/email_submission). It puts the judge, the reservation and the intake together, and it is the
// one caller that logs and counts what they said.
#pragma once

#include "core/decision.h"
#include "core/operator_log.h"
#include "net/awaitable.h"
#include "smtp/session_types.h"
#include "submission/context.h"
#include "submission/intake.h"
#include "submission/judge.h"
#include "submission/reservation.h"

#include <cstdint>
#include <optional>
#include <string>

namespace postern::submission {

// Longer than it takes to find out that nobody can be asked (cluster/quota_keeper.h).
inline constexpr std::chrono::seconds kQuotaPatience{4};

// What a run's script wants of the connection, beside the answer.
struct ScriptEffect {
  Duration delay{0};
  sandbox::Hangup hangup = sandbox::Hangup::None;
};

// From MAIL to the reply to end-of-data. Used on one executor; destroying it before commit() keeps
// nothing. Order of calls: judge_sender, judge_recipient…, open, sink()/drain, commit.
class Transaction {
 public:
  // Both outlive it.
  Transaction(const SubmissionContext& context, const Submitter& submitter);

  // `hold`: not to be sent before then. Takes `messages` of the rate: the first submission of a
  // batch takes for all of it, the others 0.
  Decision judge_sender(const std::optional<Mailbox>& reverse_path,
                        const std::optional<Hold>& hold = std::nullopt,
                        std::uint32_t messages = 1);
  // Requires an accepted sender. An accepted recipient is reserved from the quotas until commit or
  // destruction.
  Decision judge_recipient(const Recipient& recipient);

  // Requires an accepted sender. Whether judge_recipient() knows what is left of the quotas: where several machines share them it
  // may have to be asked for. Nobody waits longer than kQuotaPatience; what is not known by then is refused for now.
  bool is_quota_known() const;
  net::Awaitable<void> await_quota();

  // Before open(). A key that came beside the message (header_idempotency_key() of it) goes before
  // one within it. `fingerprint` says what has to be equal.
  void set_idempotency_key(std::string key, const auth::Sha256Digest& fingerprint);
  // Is there a message of that key already? Accepted and accepted_as() set: yes, and nothing is
  // left to do. Refused: another content has the key, or the store failed. nullopt: no. Requires an
  // accepted sender and a key with a fingerprint.
  net::Awaitable<std::optional<Decision>> find_replay();
  // What lists show of the message; without it, what the header section tells.
  void set_summary(store::MessageSummary summary) { summary_ = std::move(summary); }

  // Requires at least one accepted recipient. `envelope` must live until commit() is done. Refused:
  // nothing is open.
  Decision open(const Envelope& envelope, TraceFacts trace);
  // While it is open. A refusal found on the way is kept for commit().
  smtp::ContentSink& sink() { return *intake_; }
  net::Awaitable<void> drain() { return intake_->drain(); }
  // Accepted only after the spool's commit was synced. Where the idempotency key's message is there
  // already: accepted as that one with nothing stored, or IdempotencyConflict.
  net::Awaitable<Decision> commit();

  // What the last call's answer is to be accompanied by; once.
  ScriptEffect take_effect() { return std::exchange(effect_, {}); }

  // Set once the message is accepted.
  const std::optional<TakenIn>& accepted_as() const { return accepted_as_; }

 private:
  operator_log::Client client() const;
  // `to`: whom it was about; null: nobody yet.
  void note_refused(const Refused& refused, const Mailbox* to = nullptr) const;
  void log_refused_sender(const Refused& refused, const std::optional<Mailbox>& reverse_path) const;
  Decision settle(IntakeOutcome outcome);
  // What the run's script makes of an accepted answer. `to`: of a recipient.
  Decision play(sandbox::Stage stage, const Mailbox* to = nullptr);
  void message_accepted(const TakenIn& taken);

  const SubmissionContext& context_;
  const Submitter& submitter_;
  Judge judge_;
  Reservation reservation_;
  IdempotencyKey key_;
  std::optional<store::MessageSummary> summary_;
  const Envelope* envelope_ = nullptr;
  TraceFacts trace_;
  std::optional<Intake> intake_;
  std::optional<TakenIn> accepted_as_;
  std::string sender_;              // the reverse-path, for people
  std::string script_sender_;       // as scripts know it
  std::uint32_t message_number_ = 0;  // of the run, in the session
  ScriptEffect effect_;
};

}  // namespace postern::submission
