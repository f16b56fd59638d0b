#include "submission/smtp_submission.h"

#include "net/wait_for.h"
#include "auth/sha256.h"
#include "submission/auth_failure.h"
#include "submission/counters.h"
#include "core/operator_log.h"
#include "smtp/trace_header.h"
#include "submission/reply.h"
#include "submission/transaction.h"

#include <memory>
#include <optional>

namespace postern::submission {
namespace {

class SmtpConversation final : public smtp::Conversation {
 public:
  SmtpConversation(const SubmissionContext& context, auth::AuthThrottle& throttle, const smtp::PeerFacts& peer)
      : context_(context), throttle_(throttle) {
    submitter_.address = peer.address;
    submitter_.port = peer.port;
    local_port_ = peer.local_port;
  }

  std::optional<Status> judge_connection() override { return play_opening(sandbox::Stage::Connect); }
  std::optional<Status> judge_hello(std::string_view) override { return play_opening(sandbox::Stage::Ehlo); }
  bool wants_transcript() const override { return is_test_; }
  void keep_transcript(std::string transcript) override {
    if (!committed_) return;
    context_.store.spool().keep_transcript(*committed_, {std::move(transcript)}, [](const Result<void>&) {});
  }

  net::Awaitable<smtp::AuthenticateAnswer> authenticate(const smtp::Credential& credential, smtp::SessionFacts facts) override;
  smtp::Verdict judge_sender(const smtp::JudgeSender& question) override;
  smtp::Verdict judge_recipient(const smtp::JudgeRecipient& question) override {
    smtp::Verdict verdict = said(transaction_->judge_recipient(*question.recipient));
    interfere(transaction_->take_effect());
    return verdict;
  }
  bool is_ready_for_recipient() override { return transaction_->is_quota_known(); }
  net::Awaitable<void> ready_for_recipient() override { return transaction_->await_quota(); }
  smtp::OpenAnswer open_message(const smtp::OpenMessage& question, smtp::SessionFacts facts) override;
  net::Awaitable<void> drain_content() override { return transaction_->drain(); }
  net::Awaitable<smtp::CommitAnswer> commit_message() override;
  void abandon_message() override { transaction_.reset(); }
  smtp::Interference take_interference() override { return std::exchange(interference_, {}); }

 private:
  smtp::AuthenticateAnswer refuse_credential(const auth::AuthFailure& failure, std::string_view helo_name);
  bool is_same_again(std::string_view key);
  // What the script of the run whose port this is says before anybody said who he is.
  std::optional<Status> play_opening(sandbox::Stage stage);
  // The run that was named, if somebody made it.
  std::optional<relay::ActiveRun> find_run(const auth::Principal& principal) const;
  // What its script says of a login that is right; accepted unless it refuses.
  smtp::Verdict play_login(const relay::ActiveRun& run);
  void interfere(const ScriptEffect& effect) {
    interference_ = {effect.delay, static_cast<smtp::Interference::Hangup>(effect.hangup)};
  }
  // A simulated refusal is no refusal of ours.
  smtp::Verdict said(const Decision& decision) {
    if (const Refused* refused = decision.refused()) count_refused_over_smtp(refusal_row(refused->refusal).token);
    return reply_of(decision);
  }

  const SubmissionContext& context_;
  auth::AuthThrottle& throttle_;
  std::uint16_t local_port_ = 0;
  bool is_test_ = false;                 // who authenticated last
  std::optional<MessageId> committed_;   // the last one
  Submitter submitter_;
  std::optional<auth::Sha256Digest> wrong_key_;  // the last one that was counted
  smtp::Interference interference_;
  std::unique_ptr<Transaction> transaction_;  // of the transaction under way: an idle connection holds none
};

smtp::AuthenticateAnswer SmtpConversation::refuse_credential(const auth::AuthFailure& failure, std::string_view helo_name) {
  const Refusal refusal = failure.refusal;
  log_auth_failure(failure, submitter_.address);
  remember_refusal(context_, Door::Smtp, failure, {context_.clock.now(), submitter_.address, std::string(helo_name)});
  count_refused_over_smtp(refusal_row(refusal).token);
  count_auth_failure(Door::Smtp);
  return {reply_to_credential(refusal)};
}

// Clients try PLAIN and then LOGIN with the one key that they have: one failure.
bool SmtpConversation::is_same_again(std::string_view key) {
  auth::Sha256 hash;
  hash.update(key);
  const auth::Sha256Digest digest = hash.finish();
  const bool is_same = wrong_key_ == digest;
  wrong_key_ = digest;
  return is_same;
}

std::optional<relay::ActiveRun> SmtpConversation::find_run(const auth::Principal& principal) const {
  const bool has_run = context_.runs != nullptr && principal.environment == Environment::Test && !submitter_.user_name.empty();
  return has_run ? context_.runs->find(principal.account, submitter_.user_name) : std::nullopt;
}

std::optional<Status> SmtpConversation::play_opening(sandbox::Stage stage) {
  const auto port = context_.settings.run_ports.find(local_port_);
  if (port == context_.settings.run_ports.end() || context_.runs == nullptr) return std::nullopt;
  const auto account = context_.store.directory().find_account_named(port->second.first);
  if (!account || !*account) return std::nullopt;
  const auto run = context_.runs->find((*account)->id, port->second.second);
  const Instant now = context_.clock.now();
  const auto* const rule = run ? run->decide({.stage = stage, .from = {}, .to = {}, .at = run->now(now)}) : nullptr;
  if (!rule) return std::nullopt;
  interfere({rule->delay, rule->hangup});
  return rule->reply;
}

smtp::Verdict SmtpConversation::play_login(const relay::ActiveRun& run) {
  const auto* const rule =
      run.decide({.stage = sandbox::Stage::Auth, .from = {}, .to = {}, .at = run.now(context_.clock.now())});
  if (!rule) return smtp::Verdict::accept();
  interfere({rule->delay, rule->hangup});
  return rule->reply ? smtp::Verdict::refuse(*rule->reply) : smtp::Verdict::accept();
}

net::Awaitable<smtp::AuthenticateAnswer> SmtpConversation::authenticate(const smtp::Credential& credential,
                                                                        smtp::SessionFacts facts) {
  const Instant now = context_.clock.now();
  const auth::ThrottleDecision throttled = throttle_.decide(submitter_.address, now);
  const auth::AuthResult result = context_.authenticator.authenticate(credential.password.reveal(), submitter_.address, now);
  if (const auto* failure = std::get_if<auth::AuthFailure>(&result)) {
    const bool is_guess = auth::is_guess(*failure);
    if (is_guess && throttled.is_blocked) co_return refuse_credential({Refusal::TooManyFailures, {}}, facts.helo_name);
    smtp::AuthenticateAnswer refused = refuse_credential(*failure, facts.helo_name);
    if (is_guess && !is_same_again(credential.password.reveal())) throttle_.record_failure(submitter_.address, now);
    if (throttled.delay > Duration(0)) co_await net::wait_for(throttled.delay);
    co_return std::move(refused);
  }
  const auto& principal = std::get<auth::Principal>(result);
  throttle_.record_success(submitter_.address, now);
  is_test_ = principal.environment == Environment::Test;
  submitter_.key = principal.key;
  submitter_.user_name = credential.user_name;
  submitter_.helo_name = facts.helo_name;
  if (const auto run = find_run(principal)) {
    // A key that ends later has ended for a run whose clock is there already.
    const auth::AuthResult then = context_.authenticator.refresh(principal.key, submitter_.address, run->now(now));
    if (const auto* ended = std::get_if<auth::AuthFailure>(&then)) co_return refuse_credential(*ended, facts.helo_name);
    smtp::Verdict scripted = play_login(*run);
    if (!scripted.is_accepted()) co_return smtp::AuthenticateAnswer{std::move(scripted)};
  }
  context_.usage.record(principal.key, {now, submitter_.address, std::string(facts.helo_name)});
  operator_log::auth_succeeded({principal.account, principal.key, submitter_.address});
  co_return smtp::AuthenticateAnswer{smtp::Verdict::accept()};
}

smtp::Verdict SmtpConversation::judge_sender(const smtp::JudgeSender& question) {
  transaction_ = std::make_unique<Transaction>(context_, submitter_);
  smtp::Verdict verdict = said(transaction_->judge_sender(*question.reverse_path, question.parameters->hold));
  interfere(transaction_->take_effect());
  if (!verdict.is_accepted()) transaction_.reset();
  return verdict;
}

smtp::OpenAnswer SmtpConversation::open_message(const smtp::OpenMessage& question, smtp::SessionFacts facts) {
  const bool is_tls = facts.tls != nullptr && facts.tls->has_value();
  TraceFacts trace;
  trace.helo_name = std::string(facts.helo_name);
  trace.protocol = smtp::trace_protocol(facts.said_ehlo, is_tls, true, question.envelope->parameters.smtputf8);
  if (is_tls) trace.tls = (*facts.tls)->version + ' ' + (*facts.tls)->cipher;
  smtp::Verdict verdict = said(transaction_->open(*question.envelope, std::move(trace)));
  interfere(transaction_->take_effect());
  if (!verdict.is_accepted()) return {nullptr, std::move(verdict)};
  return {&transaction_->sink(), std::nullopt};
}

net::Awaitable<smtp::CommitAnswer> SmtpConversation::commit_message() {
  const Decision decision = co_await transaction_->commit();
  const bool is_accepted = decision.is_accepted();
  committed_ = is_accepted ? std::optional(transaction_->accepted_as()->id) : std::nullopt;
  smtp::Verdict verdict = is_accepted ? reply_with_id(*committed_) : said(decision);
  interfere(transaction_->take_effect());
  transaction_.reset();
  co_return smtp::CommitAnswer{std::move(verdict)};
}

}  // namespace

void SmtpSubmission::refused(const IpAddress& peer, std::string_view token) {
  count_refused_over_smtp(token);
  std::uint64_t unsaid = 0;
  {
    const std::lock_guard lock(mutex_);
    if (lines_.take(kProtocolRefusalLinesPerSecond, 1, context_.clock.now())) {
      ++unsaid_;
      return;
    }
    unsaid = std::exchange(unsaid_, 0);
  }
  operator_log::protocol_refused(token, peer, unsaid);
}

std::unique_ptr<smtp::Conversation> SmtpSubmission::open_conversation(const smtp::PeerFacts& peer) {
  return std::make_unique<SmtpConversation>(context_, throttle_, peer);
}

}  // namespace postern::submission
