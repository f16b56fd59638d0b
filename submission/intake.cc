#include "submission/intake.h"

#include "domains/unsubscribe_link.h"
#include "net/await_completion.h"
#include "submission/message_fixups.h"
#include "submission/new_message.h"

#include <utility>

namespace postern::submission {

std::optional<IntakeOutcome> find_replay(const SubmissionContext& context, const AccountId& account,
                                         const store::IdempotencyClaim& claim) {
  const auto found =
      context.store.spool().find_idempotent(account, claim.key_digest, context.clock.now());
  if (!found) return NotTakenIn{storage_refusal(found.error())};
  if (!*found) return std::nullopt;
  const store::IdempotencyRecord& first = **found;
  if (first.fingerprint == claim.fingerprint) {
    return TakenIn{.id = first.message, .is_replay = true};
  }
  return NotTakenIn{Refused{Refusal::IdempotencyConflict}, first.message};
}

namespace {

std::optional<IntakeOutcome> outcome_of(const store::ClaimOutcome& outcome, const store::IdempotencyClaim& claim) {
  switch (outcome.kind) {
    case store::ClaimOutcome::Kind::Free:
    case store::ClaimOutcome::Kind::Alone:
      break;
    case store::ClaimOutcome::Kind::Taken:
      if (outcome.first.fingerprint == claim.fingerprint) return TakenIn{.id = outcome.first.message, .is_replay = true};
      return NotTakenIn{Refused{Refusal::IdempotencyConflict}, outcome.first.message};
    case store::ClaimOutcome::Kind::Busy:
      return NotTakenIn{Refused{Refusal::StorageUnavailable, "another machine has a message of that idempotency key: try again",
                                std::chrono::seconds(1)}};
  }
  return std::nullopt;
}

}  // namespace

net::Awaitable<std::optional<IntakeOutcome>> find_replay_elsewhere(const SubmissionContext& context, AccountId account,
                                                                   store::IdempotencyClaim claim) {
  if (context.claims == nullptr) co_return std::nullopt;
  store::ClaimOutcome outcome;
  store::ClaimLog* const claims = context.claims;
  auto start = [&](Completion done) { claims->find(account, claim.key_digest, outcome, std::move(done)); };
  const Result<void> found = co_await net::await_completion(start);
  // Whether what is not settled may be claimed, who claims it learns.
  if (!found || outcome.kind == store::ClaimOutcome::Kind::Busy) co_return std::nullopt;
  co_return outcome_of(outcome, claim);
}

net::Awaitable<std::optional<IntakeOutcome>> Intake::claim_key(store::SharedClaim claim) {
  // What this machine has nobody needs to be asked for.
  std::optional<IntakeOutcome> here = find_replay(context_, claim.account, claim.claim);
  if (here) co_return std::move(here);
  store::ClaimOutcome outcome;
  store::ClaimLog* const claims = context_.claims;
  auto start = [&](Completion done) { claims->claim(claim, outcome, std::move(done)); };
  const Result<void> claimed = co_await net::await_completion(start);
  co_return claimed ? outcome_of(outcome, claim.claim) : std::nullopt;
}

Intake::Intake(const SubmissionContext& context, const IntakeFacts& facts, IdempotencyKey key,
               std::optional<store::MessageSummary> summary)
    : context_(context), facts_(facts), key_(std::move(key)), summary_(std::move(summary)) {
  content_.emplace(context, facts.submitter, facts.trace, facts.judge.principal().account);
}

bool Intake::append(std::string_view content) {
  if (refused_) return true;
  if (!header_done_) {
    content.remove_prefix(header_.feed(content));
    if (header_.state() == mime::HeaderScan::State::Reading) return true;
    begin_content();
    if (refused_) return true;
  }
  if (content.empty()) return true;
  key_.add(content);
  watch_lines(content);
  return refused_ || content_->append(content);
}

// The header section is known: what it must not hold, what is added, and what goes on top of it.
void Intake::begin_content() {
  header_done_ = true;
  const Decision judged = facts_.judge.judge_header(
      {.header = header_, .envelope = &facts_.envelope, .client_name = facts_.trace.helo_name});
  if (const Refused* const refused = judged.refused()) return refuse(*refused);
  key_.begin(header_, facts_.envelope);
  if (facts_.judge.principal().environment == Environment::Test) {
    warnings_ = header_warnings(header_);
  }
  if (long_lines_mode() == LongLines::Refuse) watch_lines(header_.section());
  watch_lines(header_.body_start());
  if (!refused_) offer_unsubscribing();
  if (!refused_) content_->begin(header_);
}

// A link is one recipient's: with several each could unsubscribe the others.
void Intake::offer_unsubscribing() {
  auto stream = domains::stream_to_unsubscribe(header_);
  if (!stream) return refuse({Refusal::InvalidMessage, stream.error().context()});
  if (!*stream) return;
  if (facts_.envelope.recipients.size() != 1) {
    return refuse({Refusal::InvalidMessage, "a link to unsubscribe is for one recipient: send to each a message of its own"});
  }
  stream_ = **stream;
  const auth::Principal& who = facts_.judge.principal();
  content_->offer_unsubscribing({.account = who.account,
                                 .environment = who.environment,
                                 .message = {},
                                 .stream = std::move(**stream),
                                 .address = normalised_mailbox(facts_.envelope.recipients.front().mailbox)});
}

// Nobody is refused for what was composed here: over HTTP there is no HELO name.
LongLines Intake::long_lines_mode() const {
  const LongLines mode = context_.settings.long_lines;
  return mode == LongLines::Refuse && facts_.trace.helo_name.empty() ? LongLines::Encode : mode;
}

void Intake::watch_lines(std::string_view content) {
  long_lines_.feed(content);
  if (!refused_ && long_lines_.is_found() && long_lines_mode() == LongLines::Refuse) {
    refuse({Refusal::InvalidMessage, "the message holds a line longer than 998 octets"});
  }
}

void Intake::refuse(Refused why) {
  refused_ = NotTakenIn{std::move(why), content_->id()};
  content_.reset();
}

net::Awaitable<void> Intake::drain() {
  if (content_) co_await content_->drain();
}

IntakeOutcome Intake::fail(const MessageId& id, const Error& error) const {
  return NotTakenIn{storage_refusal(error), id, error};
}

store::NewMessage Intake::make_message(Instant now) {
  const Judge& judge = facts_.judge;
  if (!summary_) summary_ = summary_of(header_, facts_.envelope);
  if (!stream_.empty()) summary_->tags.emplace_back(store::kStreamTag, std::move(stream_));
  summary_->message_id = content_->take_header_message_id().substr(0, store::kMaxSummaryOctets);
  NewMessageFacts made{.id = content_->id(),
                       .principal = judge.principal(),
                       .submitter = facts_.submitter,
                       .envelope = facts_.envelope,
                       .helo_name = facts_.trace.helo_name,
                       .hides_reverse_path = judge.hides_reverse_path(),
                       .is_eight_bit = content_->is_eight_bit(),
                       .is_header_eight_bit = content_->is_header_eight_bit(),
                       .trace_octets = content_->trace_octets(),
                       .capture_retention = context_.settings.capture_retention,
                       .now = now,
                       .has_own_clock = judge.run() && judge.run()->record().clock,
                       .routes = judge.routes(),
                       .release_at = judge.release_at()};
  store::NewMessage message = new_message(made, std::move(*summary_), warnings_);
  message.claim = key_.claim(judge.principal().environment, facts_.submitter.user_name);
  message.record.signature_fields = content_->finish_signing();
  return message;
}

net::Awaitable<IntakeOutcome> Intake::commit() {
  if (!header_done_ && !refused_) {
    header_.finish();
    begin_content();
  }
  if (refused_) co_return std::move(*refused_);
  if (long_lines_.is_found() && long_lines_mode() == LongLines::Encode) {
    const MessageId as_it_came = content_->id();
    const Result<bool> mended = co_await content_->mend_long_lines(header_);
    if (!mended) co_return fail(as_it_came, mended.error());
    if (*mended) warnings_.emplace_back("lines above 998 octets were encoded");
  }
  // The message lives in this frame until the completion has come.
  store::NewMessage message = make_message(facts_.judge.now());
  std::unique_ptr<store::MessageWriter> writer = content_->take();
  const std::optional<store::IdempotencyClaim> mine = message.claim;
  const AccountId account = message.record.account;
  TakenIn taken{.id = message.record.id,
                .octets = writer->octets(),
                .due = {*message.delivery.due, message.record.id, message.delivery.lane, account},
                .unsigned_because = content_->signing_failure()};
  const bool is_shared = mine && context_.claims != nullptr;
  const store::SharedClaim shared{account, mine.value_or(store::IdempotencyClaim()), taken.id};
  if (is_shared) {
    std::optional<IntakeOutcome> elsewhere = co_await claim_key(shared);
    if (elsewhere) co_return std::move(*elsewhere);
  }
  store::Spool* const spool = &context_.store.spool();
  auto start = [spool, &writer, &message](Completion done) {
    spool->commit(std::move(writer), std::move(message), std::move(done));
  };
  const Result<void> committed = co_await net::await_completion(start);
  if (is_shared) context_.claims->settle(shared, committed.has_value());
  if (committed) co_return std::move(taken);
  const ErrorCode code = committed.error().code();
  if (mine && (code == ErrorCode::AlreadyExists || code == ErrorCode::Conflict)) {
    // The key is taken: by the same message or by another one.
    std::optional<IntakeOutcome> replay = find_replay(context_, account, *mine);
    if (replay) co_return std::move(*replay);
  }
  co_return fail(taken.id, committed.error());
}

}  // namespace postern::submission
