// The client's state machine: what is common to all phases. See client_session.h for the contract, client_session_impl.h for
// the layout.
#include "smtp/client_session.h"

#include "core/check.h"
#include "smtp/client_session_impl.h"

#include <utility>

namespace postern::smtp {

ClientSession::ClientSession(ClientConfig config) : impl_(std::make_unique<Impl>(std::move(config))) {}
ClientSession::ClientSession(ClientSession&&) noexcept = default;
ClientSession::~ClientSession() = default;

ClientStep ClientSession::next() { return impl_->next(); }
std::span<char> ClientSession::input_space() { return impl_->input_space(); }
void ClientSession::received(std::size_t count) { impl_->received(count); }
void ClientSession::peer_gone() { impl_->peer_gone(); }
void ClientSession::timed_out() { impl_->timed_out(); }
void ClientSession::tls_started() { impl_->tls_started(); }
void ClientSession::tls_failed(std::string_view reason) { impl_->tls_failed(reason); }
void ClientSession::begin(ClientTransaction transaction) { impl_->begin(std::move(transaction)); }
void ClientSession::quit() { impl_->quit(); }
void ClientSession::content(std::string_view piece, bool is_last) { impl_->content(piece, is_last); }
void ClientSession::content_failed() { impl_->content_failed(); }
bool ClientSession::begin_behind(const ClientTransaction& next) { return impl_->begin_behind(next); }
std::size_t ClientSession::octets_begun_behind() const { return impl_->octets_begun_behind(); }
bool ClientSession::is_begun_behind() const { return impl_->is_begun_behind(); }
std::string_view ClientSession::output() const { return impl_->output(); }
void ClientSession::output_sent() { impl_->output_sent(); }
const ClientCapabilities& ClientSession::capabilities() const { return impl_->capabilities(); }
bool ClientSession::is_tls() const { return impl_->is_tls(); }
const std::vector<ClientRecipientStatus>& ClientSession::results() const { return impl_->results(); }
std::vector<ClientRecipientStatus> ClientSession::take_results() { return impl_->take_results(); }
const std::optional<Status>& ClientSession::failure() const { return impl_->failure(); }
bool ClientSession::was_mail_refused() const { return impl_->was_mail_refused(); }
bool ClientSession::was_unfit() const { return impl_->was_unfit(); }
bool ClientSession::has_failed_at_tls() const { return impl_->has_failed_at_tls(); }
std::uint64_t ClientSession::reply_count() const { return impl_->reply_count(); }
std::string_view ClientSession::stage() const { return impl_->stage(); }

ClientSession::Impl::Impl(ClientConfig config)
    : config_(std::move(config)), is_tls_(config_.tls == ClientTls::Implicit) {
  awaited_.push_back({Command::Greeting, 0});
}

ClientSession::Impl::~Impl() { wipe_string(output_); }

ClientStep ClientSession::Impl::next() {
  if (!awaited_.empty() && awaited_.front().command == Command::Greeting) stage_ = "greeting";
  while (phase_ == Phase::Dialog && !input_.empty()) read_reply();
  switch (phase_) {
    case Phase::Dialog: return ClientNeedInput{};
    case Phase::Handshake: return ClientStartTls{};
    case Phase::Ready: return ClientReady{};
    case Phase::Content: return ClientNeedContent{};
    case Phase::Closed: break;
  }
  return ClientClosed{};
}

void ClientSession::Impl::received(std::size_t count) {
  POSTERN_CHECK(phase_ == Phase::Dialog && input_.empty() && count >= 1 && count <= buffer_.size());
  input_ = std::string_view(buffer_.data(), count);
}

void ClientSession::Impl::peer_gone() {
  std::string text = "connection lost at ";
  text.append(stage_).append(possible_duplicate());
  fail(Status{451, EnhancedCode{4, 4, 2}, std::move(text)}, Manner::Abrupt);
}

void ClientSession::Impl::timed_out() {
  std::string text = "timed out at ";
  text.append(stage_).append(possible_duplicate());
  fail(Status{451, EnhancedCode{4, 4, 2}, std::move(text)}, Manner::Abrupt);
}

void ClientSession::Impl::quit() {
  POSTERN_CHECK(phase_ == Phase::Ready && !is_begun_behind_);
  phase_ = Phase::Dialog;
  send(Command::Quit, "QUIT\r\n");
}

void ClientSession::Impl::output_sent() {
  if (is_output_secret_) wipe_string(output_);
  is_output_secret_ = false;
  octets_begun_behind_ = 0;
  output_.clear();  // keeps its memory for the next piece of content
}

namespace {

// As ClientSession::stage() promises.
constexpr std::array<std::string_view, 15> kStages = {
    "greeting", "EHLO", "EHLO", "STARTTLS", "AUTH", "AUTH", "AUTH",        "AUTH",
    "RSET",     "MAIL", "RCPT", "DATA",     "end-of-data", "end-of-data", "QUIT",
};

}  // namespace

void ClientSession::Impl::await_reply(Command command, std::size_t index) {
  awaited_.push_back({command, index});
  stage_ = kStages[static_cast<std::size_t>(awaited_.front().command)];
}

void ClientSession::Impl::send(Command command, std::string_view line) {
  output_.append(line);
  await_reply(command);
}

void ClientSession::Impl::read_reply() {
  switch (parser_.consume(input_)) {
    case ReplyParser::Progress::NeedMore: return;
    case ReplyParser::Progress::Failed: return fail_protocol(reply_problem_text(parser_.problem()));
    case ReplyParser::Progress::Done: break;
  }
  ++reply_count_;
  Reply reply = parser_.take();
  if (stage_ == "AUTH") reply = without_credentials(reply);
  on_reply(reply);
}

void ClientSession::Impl::on_reply(const Reply& reply) {
  const Awaited awaited = awaited_.front();
  awaited_.pop_front();
  const bool was_last = awaited_.empty();
  stage_ = kStages[static_cast<std::size_t>(awaited.command)];
  // "Closing": the rest of what was sent gets no answer (RFC 5321 §3.8).
  if (reply.code() == 421 && awaited.command != Command::Quit) {
    if (awaited.command == Command::Mail) is_mail_refused_ = true;
    return fail(reply.status, Manner::Abrupt, Speaker::Peer);
  }
  handle(awaited, reply);
  if (phase_ == Phase::Closed) return;
  // Octets that came before we asked for anything: out of step, or injected in front of the handshake (the client's side of
  // RFC 3207 §4.2). What the reply itself settled stands.
  if (was_last && !input_.empty()) {
    stage_ = kStages[static_cast<std::size_t>(awaited.command)];
    return fail_protocol("a reply nobody asked for");
  }
  if (!awaited_.empty()) stage_ = kStages[static_cast<std::size_t>(awaited_.front().command)];
}

void ClientSession::Impl::handle(const Awaited& awaited, const Reply& reply) {
  switch (awaited.command) {
    case Command::Greeting: return on_greeting(reply);
    case Command::Ehlo: return on_ehlo(reply);
    case Command::Helo: return on_helo(reply);
    case Command::StartTls: return on_starttls(reply);
    case Command::AuthPlain:
    case Command::AuthUserName:
    case Command::AuthPassword: return on_auth_challenge(awaited.command, reply);
    case Command::AuthResult: return on_auth_result(reply);
    case Command::Rset: return on_rset(reply);
    case Command::Mail: return on_mail(reply);
    case Command::Rcpt: return on_rcpt(awaited.index, reply);
    case Command::Data: return on_data(reply);
    case Command::EndOfData: return on_end_of_data(reply);
    case Command::LoneDot: return finish_transaction(Ending::Complete);
    case Command::Quit: phase_ = Phase::Closed; return;
  }
}

// The one way a connection ends badly. After QUIT nothing is at stake, and an end without a reply is in order.
void ClientSession::Impl::fail(Status status, Manner manner, Speaker speaker) {
  if (phase_ == Phase::Closed) return;
  const bool is_quitting = stage_ == "QUIT";
  const bool is_tls_unproven = is_tls_ && reply_count_ == replies_before_tls_;
  has_failed_at_tls_ = stage_ == "STARTTLS" || is_tls_unproven;
  if (is_in_transaction_) settle_rest(status, speaker);
  is_in_transaction_ = is_begun_behind_ = false;
  if (!is_quitting) failure_ = std::move(status);
  phase_ = Phase::Closed;
  awaited_.clear();
  input_ = {};
  wipe_string(output_);
  if (manner == Manner::WithQuit) output_ = "QUIT\r\n";
}

void ClientSession::Impl::fail_protocol(std::string_view what) {
  std::string text = "protocol error of the next hop at ";
  text.append(stage_).append(": ").append(what);
  fail(Status{451, EnhancedCode{4, 5, 0}, std::move(text)}, Manner::Abrupt);
}

// Between the final dot and its reply nobody can know (RFC 1047).
std::string_view ClientSession::Impl::possible_duplicate() const {
  const bool is_waiting = !awaited_.empty() && awaited_.front().command == Command::EndOfData;
  return is_waiting ? "; the next hop may have taken the message" : "";
}

Status deferral_from(const Reply& reply, std::string_view stage, EnhancedCode fallback) {
  EnhancedCode enhanced = reply.status.enhanced.value_or(fallback);
  enhanced.klass = 4;
  std::string text(stage);
  text.append(" refused: ").append(format_status(reply.status));
  return Status{451, enhanced, std::move(text)};
}

}  // namespace postern::smtp
