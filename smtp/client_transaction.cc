// The client's mail transaction: MAIL, RCPT, DATA, content, end-of-data (RFC 5321 §3.3), in groups where the peer offers
// PIPELINING (RFC 2920), in lock-step where not. A recipient is settled once, by the first word that decides on it; the
// transaction is over when all are.
#include "core/check.h"
#include "smtp/client_commands.h"
#include "smtp/client_session_impl.h"

#include <algorithm>
#include <utility>

namespace postern::smtp {
namespace {

constexpr EnhancedCode kProtocol{4, 5, 0};
constexpr EnhancedCode kTlsOrAuth{4, 7, 0};

// RFC 5321 §4.5.3.1.10: 552 to RCPT is an old way to say "too many recipients" and is taken as a 452.
Status rcpt_refusal(const Reply& reply) {
  Status status = reply.status;
  status.code = 452;
  if (status.enhanced) status.enhanced->klass = 4;
  return status;
}

// AUTH or TLS is wanted of us (530, 534, 535, 538: RFC 4954 §6, RFC 3207 §4; often 503), or we are out of step: our route lacks
// it, the message is not at fault.
bool is_about_the_session(std::uint16_t code) {
  return code == 503 || code == 530 || code == 534 || code == 535 || code == 538;
}

}  // namespace

void ClientSession::Impl::begin(ClientTransaction transaction) {
  POSTERN_CHECK(phase_ == Phase::Ready && transaction.envelope != nullptr);
  take_up(std::move(transaction));
  if (std::exchange(is_begun_behind_, false)) {
    is_mail_sent_ = is_data_sent_ = true;
    next_recipient_ = results_.size();
    phase_ = Phase::Dialog;
    return;
  }
  refuse_unsendable();
  if (!has_unsettled()) return finish_transaction(needs_reset_ ? Ending::NeedsReset : Ending::Complete);
  phase_ = Phase::Dialog;
  advance_transaction();
}

void ClientSession::Impl::take_up(ClientTransaction transaction) {
  transaction_ = std::move(transaction);
  results_.clear();
  for (const std::uint32_t recipient : transaction_.recipients) {
    POSTERN_CHECK(recipient < transaction_.envelope->recipients.size());
    results_.push_back({recipient, Status{}, false});
  }
  stuffer_ = DotStuffer();
  next_recipient_ = 0;
  is_in_transaction_ = true;
  is_mail_sent_ = is_mail_refused_ = is_data_sent_ = is_unfit_ = false;
}

bool ClientSession::Impl::begin_behind(const ClientTransaction& next) {
  POSTERN_CHECK(phase_ == Phase::Dialog && awaited_.size() == 1 && awaited_.front().command == Command::EndOfData);
  if (!capabilities_.pipelining || next.is_trial || !is_sendable(next)) return false;
  std::string group;
  append_mail(*next.envelope, next.content_octets, capabilities_, group);
  for (const std::uint32_t recipient : next.recipients) {
    append_rcpt(next.envelope->recipients[recipient], capabilities_, group);
    if (group.size() > kMaxGroupOctets) return false;
  }
  const std::size_t before = output_.size();
  output_ += group;
  await_reply(Command::Mail);
  for (std::size_t i = 0; i < next.recipients.size(); ++i) await_reply(Command::Rcpt, i);
  send(Command::Data, "DATA\r\n");
  octets_begun_behind_ = output_.size() - before;
  is_begun_behind_ = true;
  return true;
}

bool ClientSession::Impl::is_sendable(const ClientTransaction& transaction) const {
  const Envelope& envelope = *transaction.envelope;
  if (refuse_message(envelope, transaction.content_octets, capabilities_, is_tls_ && config_.verifies_peer)) return false;
  return std::ranges::none_of(transaction.recipients, [&](std::uint32_t recipient) {
    return refuse_recipient(envelope.recipients[recipient], capabilities_).has_value();
  });
}

// What the hop cannot take is refused here, without asking it.
void ClientSession::Impl::refuse_unsendable() {
  const Envelope& envelope = *transaction_.envelope;
  const bool is_verified_tls = is_tls_ && config_.verifies_peer;
  const auto of_all = refuse_message(envelope, transaction_.content_octets, capabilities_, is_verified_tls);
  if (of_all) return settle_rest(*of_all, Speaker::Us);
  for (ClientRecipientStatus& result : results_) {
    const std::optional<Status> refusal = refuse_recipient(envelope.recipients[result.recipient], capabilities_);
    if (!refusal) continue;
    result.status = *refusal;
    result.is_own_word = true;
  }
}

// Called when no reply is outstanding.
void ClientSession::Impl::advance_transaction() {
  if (is_trial_over()) settle_rest(Status{250, EnhancedCode{2, 1, 5}, "taken"}, Speaker::Us);
  if (is_mail_refused_ || !has_unsettled()) return finish_transaction(Ending::NeedsReset);
  do {
    send_next_command();
  } while (capabilities_.pipelining && !is_data_sent_ && !is_trial_over() && output_.size() < kMaxGroupOctets);
}

bool ClientSession::Impl::is_trial_over() const {
  return transaction_.is_trial && is_mail_sent_ && !is_mail_refused_ && first_unsent() == results_.size();
}

std::size_t ClientSession::Impl::first_unsent() const {
  std::size_t next = next_recipient_;
  while (next < results_.size() && results_[next].status.code != 0) ++next;
  return next;
}

void ClientSession::Impl::send_next_command() {
  if (needs_reset_) {
    needs_reset_ = false;
    return send(Command::Rset, "RSET\r\n");
  }
  const Envelope& envelope = *transaction_.envelope;
  if (!is_mail_sent_) {
    is_mail_sent_ = true;
    append_mail(envelope, transaction_.content_octets, capabilities_, output_);
    return await_reply(Command::Mail);
  }
  next_recipient_ = first_unsent();
  if (next_recipient_ == results_.size()) {
    is_data_sent_ = true;
    return send(Command::Data, "DATA\r\n");
  }
  append_rcpt(envelope.recipients[results_[next_recipient_].recipient], capabilities_, output_);
  await_reply(Command::Rcpt, next_recipient_++);
}

void ClientSession::Impl::on_rset(const Reply& reply) {
  if (reply.is_intermediate()) return fail_protocol("reply " + std::to_string(reply.code()));
  if (!reply.is_completion()) return fail(deferral_from(reply, stage_, kProtocol), Manner::WithQuit);
  if (awaited_.empty()) advance_transaction();
}

void ClientSession::Impl::on_mail(const Reply& reply) {
  if (reply.is_intermediate()) return fail_protocol("reply " + std::to_string(reply.code()));
  if (!reply.is_completion()) {
    is_mail_refused_ = true;
    settle_rest(refusal_of(reply));
  }
  if (awaited_.empty()) advance_transaction();
}

void ClientSession::Impl::on_rcpt(std::size_t index, const Reply& reply) {
  if (reply.is_intermediate()) return fail_protocol("reply " + std::to_string(reply.code()));
  Status& status = results_[index].status;
  if (!reply.is_completion() && status.code == 0) {
    status = reply.code() == 552 ? rcpt_refusal(reply) : refusal_of(reply);
  }
  if (awaited_.empty()) advance_transaction();
}

void ClientSession::Impl::on_data(const Reply& reply) {
  if (reply.is_completion()) return fail_protocol("reply " + std::to_string(reply.code()));
  if (!reply.is_intermediate()) {
    settle_rest(refusal_of(reply));
    return finish_transaction(Ending::NeedsReset);
  }
  if (!has_unsettled()) return send(Command::LoneDot, ".\r\n");  // RFC 2920 §3.1
  phase_ = Phase::Content;
  stage_ = "content";
}

void ClientSession::Impl::content(std::string_view piece, bool is_last) {
  POSTERN_CHECK(phase_ == Phase::Content);
  const bool is_clean = stuffer_.append(piece, output_) && (!is_last || stuffer_.finish(output_));
  if (!is_clean) {
    return fail(Status{451, EnhancedCode{4, 3, 0}, "the stored content holds a bare CR or LF"}, Manner::Abrupt);
  }
  if (!is_last) return;
  phase_ = Phase::Dialog;
  await_reply(Command::EndOfData);
}

void ClientSession::Impl::content_failed() {
  POSTERN_CHECK(phase_ == Phase::Content);
  fail(Status{451, EnhancedCode{4, 3, 0}, "the stored content could not be read"}, Manner::Abrupt);
}

void ClientSession::Impl::on_end_of_data(const Reply& reply) {
  if (reply.is_intermediate()) return fail_protocol("reply " + std::to_string(reply.code()));
  settle_rest(refusal_of(reply));
  finish_transaction(Ending::Complete);
}

Status ClientSession::Impl::refusal_of(const Reply& reply) {
  if (!is_about_the_session(reply.code())) return reply.status;
  is_unfit_ = is_unfit_ || has_unsettled();
  return deferral_from(reply, stage_, kTlsOrAuth);
}

void ClientSession::Impl::settle_rest(const Status& status, Speaker speaker) {
  for (ClientRecipientStatus& result : results_) {
    if (result.status.code != 0) continue;
    result.status = status;
    result.is_own_word = speaker == Speaker::Us;
  }
}

bool ClientSession::Impl::has_unsettled() const {
  return std::any_of(results_.begin(), results_.end(), [](const auto& result) { return result.status.code == 0; });
}

void ClientSession::Impl::finish_transaction(Ending ending) {
  is_in_transaction_ = false;
  needs_reset_ = ending == Ending::NeedsReset;
  phase_ = Phase::Ready;
}

}  // namespace postern::smtp
