#include "submission/transaction.h"

#include "core/bytes.h"
#include "core/check.h"
#include "net/wait_for.h"
#include "submission/auth_failure.h"

#include <algorithm>
#include <utility>

namespace postern::submission {

Transaction::Transaction(const SubmissionContext& context, const Submitter& submitter)
    : context_(context),
      submitter_(submitter),
      judge_(context, submitter),
      reservation_(context.quota) {}

operator_log::Client Transaction::client() const {
  const auth::Principal& who = judge_.principal();
  return {who.account, who.key, submitter_.address};
}

void Transaction::note_refused(const Refused& refused, const Mailbox* to) const {
  const auth::Principal& who = judge_.principal();
  const std::string_view token = refusal_row(refused.refusal).token;
  const Instant now = context_.clock.now();
  context_.store.tally().count_refused({who.account, who.environment}, who.key, token, now);
  if (context_.refusals == nullptr) return;
  context_.refusals->add(who.account, {.at = now,
                                       .environment = who.environment,
                                       .key = who.key,
                                       .is_http = submitter_.door == Door::Http,
                                       .token = std::string(token),
                                       .words = words_of(refused),
                                       .from = sender_,
                                       .to = to == nullptr ? std::string() : format_mailbox(*to),
                                       .peer = format_ip_address(submitter_.address),
                                       .client = submitter_.helo_name});
}

void Transaction::log_refused_sender(const Refused& refused,
                                     const std::optional<Mailbox>& reverse_path) const {
  note_refused(refused);
  operator_log::sender_refused(client(), refused.refusal, reverse_path, words_of(refused));
}

Decision Transaction::judge_sender(const std::optional<Mailbox>& reverse_path,
                                   const std::optional<Hold>& hold, std::uint32_t messages) {
  const Instant now = context_.clock.now();
  sender_ = reverse_path ? format_mailbox(*reverse_path) : std::string();
  Decision decision = judge_.judge_sender(reverse_path, hold);
  if (const auto& failure = judge_.key_failure()) {
    log_auth_failure(*failure, submitter_.address);
    remember_refusal(context_, submitter_.door, *failure, {now, submitter_.address, submitter_.helo_name});
    return decision;
  }
  if (decision.is_accepted()) {
    decision = take_rate(context_.quota, judge_.principal(), messages, now);
  }
  if (const Refused* const refused = decision.refused()) log_refused_sender(*refused, reverse_path);
  if (!judge_.run() || !decision.is_accepted()) return decision;
  script_sender_ = relay::script_address(reverse_path);
  message_number_ = judge_.run()->count_message();
  return play(sandbox::Stage::Mail);
}

Decision Transaction::play(sandbox::Stage stage, const Mailbox* to) {
  if (!judge_.run()) return {};
  const std::string recipient = to ? relay::script_address(*to) : std::string();
  const sandbox::ScriptRule* const rule = judge_.run()->decide(
      {.stage = stage, .from = script_sender_, .to = recipient, .message = message_number_, .at = judge_.now()});
  if (!rule) return {};
  effect_ = {rule->delay, rule->hangup};
  return rule->reply ? Decision(Simulated{*rule->reply}) : Decision();
}

Decision Transaction::judge_recipient(const Recipient& recipient) {
  Decision decision = judge_.judge_recipient(recipient);
  const bool is_plain = decision.is_accepted() && !decision.simulated();
  if (is_plain) decision = reservation_.add(judge_.principal(), context_.clock.now());
  if (const Refused* const refused = decision.refused()) {
    note_refused(*refused, &recipient.mailbox);
    operator_log::recipient_refused(client(), refused->refusal, recipient.mailbox);
  }
  if (judge_.run() && decision.is_accepted()) {
    Decision scripted = play(sandbox::Stage::Rcpt, &recipient.mailbox);
    if (!scripted.is_accepted()) return scripted;
  }
  return decision;
}

bool Transaction::is_quota_known() const {
  const auth::Principal& who = judge_.principal();
  return who.environment != Environment::Live || context_.quota.is_ready(who.account, who.plan, context_.clock.now());
}

// By looking again: the waits are rare and short, and nobody has to find who waits.
net::Awaitable<void> Transaction::await_quota() {
  Duration pause = std::chrono::milliseconds(1);
  for (Duration waited{0}; waited < kQuotaPatience && !is_quota_known(); waited += pause) {
    co_await net::wait_for(pause);
    pause = std::min<Duration>(pause * 2, std::chrono::milliseconds(64));
  }
}

void Transaction::set_idempotency_key(std::string key, const auth::Sha256Digest& fingerprint) {
  key_.give(std::move(key), fingerprint);
}

net::Awaitable<std::optional<Decision>> Transaction::find_replay() {
  const auth::Principal& who = judge_.principal();
  const auto mine = key_.claim(who.environment, submitter_.user_name);
  POSTERN_CHECK(mine.has_value());
  auto replay = submission::find_replay(context_, who.account, *mine);
  if (!replay && context_.claims != nullptr) {
    auto elsewhere = co_await find_replay_elsewhere(context_, who.account, *mine);
    replay = std::move(elsewhere);
  }
  if (!replay) co_return std::nullopt;
  co_return settle(std::move(*replay));
}

Decision Transaction::open(const Envelope& envelope, TraceFacts trace) {
  POSTERN_CHECK(!intake_ && !envelope.recipients.empty());
  if (Decision room = judge_room(context_.store.spool()); !room.is_accepted()) {
    note_refused(*room.refused(), &envelope.recipients.front().mailbox);
    operator_log::message_refused(client(), room.refused()->refusal, std::nullopt);
    return room;
  }
  if (Decision scripted = play(sandbox::Stage::Data); !scripted.is_accepted()) return scripted;
  envelope_ = &envelope;
  trace_ = std::move(trace);
  intake_.emplace(context_, IntakeFacts{judge_, submitter_, envelope, trace_}, std::move(key_),
                  std::move(summary_));
  return {};
}

net::Awaitable<Decision> Transaction::commit() {
  Decision scripted = play(sandbox::Stage::Content);
  if (!scripted.is_accepted()) {
    intake_.reset();
    co_return scripted;
  }
  IntakeOutcome outcome = co_await intake_->commit();
  co_return settle(std::move(outcome));
}

// Says what became of it, once.
Decision Transaction::settle(IntakeOutcome outcome) {
  if (const auto* lost = std::get_if<NotTakenIn>(&outcome)) {
    note_refused(lost->why, envelope_ == nullptr ? nullptr : &envelope_->recipients.front().mailbox);
    if (lost->store_error) {
      operator_log::message_not_stored(client(), *lost->id, *lost->store_error);
    } else {
      operator_log::message_refused(client(), lost->why.refusal, lost->id, lost->why.detail);
    }
    return lost->why;
  }
  accepted_as_ = std::get<TakenIn>(std::move(outcome));
  if (!accepted_as_->is_replay) message_accepted(*accepted_as_);
  return {};
}

void Transaction::message_accepted(const TakenIn& taken) {
  const auth::Principal& who = judge_.principal();
  reservation_.use();
  count_accepted(submitter_.door);
  if (taken.unsigned_because) {
    operator_log::message_not_signed(client(), taken.id, *taken.unsigned_because);
  }
  const mime::HeaderField* const given_id = intake_->header().find("Message-ID");
  const auto& sender = envelope_->reverse_path;
  operator_log::message_accepted(
      client(), {.id = taken.id,
                 .environment = who.environment,
                 .recipients = envelope_->recipients.size(),
                 .octets = taken.octets,
                 .header_id = given_id ? trim_ascii_space(given_id->value) : std::string_view(),
                 .sender_domain = sender ? sender->domain : std::string_view()});
  context_.usage.count_sent(who.account, who.key, context_.clock.now(),
                            envelope_->recipients.size());
  std::vector<std::string> domains;
  for (const Recipient& recipient : envelope_->recipients) domains.push_back(normalised_domain(recipient.mailbox.domain));
  context_.store.tally().count_accepted({who.account, who.environment}, who.key, domains, context_.clock.now());
  context_.wake_queue(taken.due);
}

}  // namespace postern::submission
