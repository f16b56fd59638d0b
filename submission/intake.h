// The intake: an accepted envelope's content becomes a durable message. Header scan and rules,
// fix-ups, signature, spool; the acceptance is the spool's commit. It logs and counts nothing: its
// outcome says all that there is to say.
#pragma once

#include "core/decision.h"
#include "core/envelope.h"
#include "mime/header_scan.h"
#include "mime/long_lines.h"
#include "net/awaitable.h"
#include "smtp/session_types.h"
#include "submission/content_writer.h"
#include "submission/context.h"
#include "submission/idempotency.h"
#include "submission/judge.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace postern::submission {

// An acceptance: what is durable now, or was before.
struct TakenIn {
  MessageId id;
  bool is_replay = false;    // the idempotency key's first message; nothing was stored now
  std::uint64_t octets = 0;  // the rest is of what was stored now
  store::DueEntry due = {};
  std::optional<Error> unsigned_because = {};
};
struct NotTakenIn {
  Refused why;
  std::optional<MessageId> id = {};  // that it had, or that its idempotency key belongs to
  std::optional<Error> store_error = {};
};
using IntakeOutcome = std::variant<TakenIn, NotTakenIn>;

// Is there a message of that claim already? Accepted, or refused: another content has the key, or
// the store failed.
std::optional<IntakeOutcome> find_replay(const SubmissionContext& context, const AccountId& account,
                                         const store::IdempotencyClaim& claim);

// The same of the other machines, where there are any; asks them. nullopt too where one of them has not settled it yet.
net::Awaitable<std::optional<IntakeOutcome>> find_replay_elsewhere(const SubmissionContext& context, AccountId account,
                                                                   store::IdempotencyClaim claim);

// What is known of the message beside its content. All of it outlives the intake.
struct IntakeFacts {
  const Judge& judge;  // accepted the sender, and every recipient of the envelope
  const Submitter& submitter;
  const Envelope& envelope;  // at least one recipient
  const TraceFacts& trace;
};

// On one executor; destroying it before commit() has ended keeps nothing.
class Intake final : public smtp::ContentSink {
 public:
  // `key`: as far as it is known. `summary`: what lists show; nullopt: what the header section
  // tells.
  Intake(const SubmissionContext& context, const IntakeFacts& facts, IdempotencyKey key,
         std::optional<store::MessageSummary> summary);

  // See ContentSink. A refusal found on the way is kept for commit(); the rest is read and dropped.
  bool append(std::string_view content) override;
  net::Awaitable<void> drain();
  // Returns after the sync. Once.
  net::Awaitable<IntakeOutcome> commit();

  const mime::HeaderScan& header() const { return header_; }

 private:
  LongLines long_lines_mode() const;
  void begin_content();
  void offer_unsubscribing();
  void watch_lines(std::string_view content);
  void refuse(Refused why);
  store::NewMessage make_message(Instant now);
  // Among all machines. nullopt: it is this message's, until settle().
  net::Awaitable<std::optional<IntakeOutcome>> claim_key(store::SharedClaim claim);
  IntakeOutcome fail(const MessageId& id, const Error& error) const;

  const SubmissionContext& context_;
  const IntakeFacts facts_;
  IdempotencyKey key_;
  std::optional<store::MessageSummary> summary_;
  std::string stream_;  // that the recipient may unsubscribe from; empty: none
  mime::HeaderScan header_;
  bool header_done_ = false;
  mime::LongLineWatch long_lines_;        // of the body
  std::vector<std::string> warnings_;     // told to a test key
  std::optional<ContentWriter> content_;  // nullopt: refused
  std::optional<NotTakenIn> refused_;
};

}  // namespace postern::submission
