// The shell of the session: ask it for its next step, do exactly that, give back what it wants. Replies collect in the session
// and are sent before we read, switch to TLS or close, so pipelined commands are answered together (RFC 2920 §3.2).
#include "net/wait_for.h"
#include "smtp/connection.h"

#include "core/clock.h"
#include "core/log.h"

#include <algorithm>
#include <utility>

namespace postern::smtp {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

metrics::Gauge smtp_connections("postern_smtp_connections", "Open SMTP connections.");
metrics::Counter smtp_connections_accepted("postern_smtp_connections_accepted_total", "SMTP connections that were served.");

}  // namespace

Connection::Connection(net::asio::ip::tcp::socket socket, const net::Peer& peer, const ConnectionContext& context,
                       std::optional<net::TlsServerContext> tls, std::unique_ptr<net::AdmittedPeer> admitted)
    : context_(context),
      peer_(peer),
      admitted_(std::move(admitted)),
      counted_(smtp_connections),
      tls_(std::move(tls)),
      stream_(std::move(socket)) {
  smtp_connections_accepted.add();
}

Connection::~Connection() = default;

net::Awaitable<void> Connection::run() {
  log_opened();
  const bool is_ready = co_await start_implicit_tls();
  if (is_ready) co_await converse();
  // Whatever is open is abandoned before the line that says that the connection is over.
  conversation_.reset();
  stream_.close();
  log_closed();
}

net::Awaitable<void> Connection::converse() {
  conversation_ = context_.handler.open_conversation(
      {.address = peer_.address, .port = peer_.port, .local_port = stream_.local_port()});
  if (const auto refusal = conversation_->judge_connection()) session_.emplace(Session::refused(context_.config, *refusal));
  Next next = Next::GoOn;
  const Interference at_once = conversation_->take_interference();
  if (at_once.is_any()) next = co_await interfere(at_once);
  unsigned hellos = 0;
  while (next == Next::GoOn) {
    Step step = session_->next();
    const bool said_hello = session_->hellos() != std::exchange(hellos, session_->hellos());
    if (said_hello && !session_->is_authenticated()) {
      if (const auto refusal = conversation_->judge_hello(session_->helo_name())) {
        session_.emplace(Session::refused(context_.config, *refusal));
        step = session_->next();
      }
      const Interference at_hello = conversation_->take_interference();
      if (at_hello.is_any()) next = co_await interfere(at_hello);
      if (next == Next::End) break;
    }
    net::Awaitable<Next> performed = std::visit([this](auto& what) { return perform(std::move(what)); }, step);
    next = co_await std::move(performed);
    const Interference wanted = conversation_->take_interference();
    if (wanted.is_any()) next = co_await interfere(wanted);
    if (!session_->has_refusals()) continue;
    for (const std::string_view token : session_->take_refusals()) context_.handler.refused(peer_.address, token);
  }
}

// As the script of a test run wants it. In slices: a server that stops does not wait for it.
net::Awaitable<Connection::Next> Connection::interfere(Interference wanted) {
  constexpr Duration kSlice = std::chrono::milliseconds(200);
  const Clock::time_point waits_since = Clock::now();
  for (Duration rest = wanted.delay; rest > Duration{0} && !is_stopping_ && !is_cancelled_; rest -= kSlice) {
    co_await net::wait_for(std::min(rest, kSlice));
  }
  command_began_ += Clock::now() - waits_since;  // we were slow, not the client
  if (wanted.hangup == Interference::Hangup::None) co_return Next::GoOn;
  if (wanted.hangup == Interference::Hangup::Rst) stream_.reset();
  co_return Next::End;
}

// RFC 8314 §3.3: on a port with implicit TLS the handshake comes before the greeting.
net::Awaitable<bool> Connection::start_implicit_tls() {
  if (context_.config.tls != TlsMode::Implicit) {
    open_session(std::nullopt);
    co_return true;
  }
  const Result<void> shaken = co_await handshake();
  if (!shaken) {
    loss_ = shaken.error();
    log_lost("CONNECT");
    co_return false;
  }
  open_session(tls_facts());
  co_return true;
}

void Connection::open_session(std::optional<TlsFacts> tls) {
  session_.emplace(context_.config, std::move(tls));
  session_->opened_at(SystemClock().now());
  if (context_.config.role != Role::Submission) session_->forget_transcript();
}

net::Awaitable<Connection::Next> Connection::perform(NeedInput) {
  const Result<void> sent = co_await flush();
  if (!sent || is_cancelled_) {
    lose(sent ? Error(ErrorCode::Cancelled) : sent.error());
    co_return Next::GoOn;
  }
  if (is_stopping_ && !std::exchange(is_session_told_, true)) {
    session_->shut_down();
    co_return Next::GoOn;
  }
  const Next next = co_await read();
  co_return next;
}

net::Awaitable<Connection::Next> Connection::read() {
  set_read_deadline();
  is_reading_ = true;
  const Result<std::size_t> count = co_await stream_.read_some(session_->input_space());
  is_reading_ = false;
  if (!count) {
    take_failure(count.error());
    co_return Next::GoOn;
  }
  received_octets_ += *count;
  if (session_->is_reading_content()) content_octets_ += *count;
  session_->received(*count);
  co_return Next::GoOn;
}

net::Awaitable<Connection::Next> Connection::perform(StartTls) {
  Result<void> ready = co_await flush();
  if (ready) ready = co_await handshake();
  if (!ready) {
    lose(ready.error());
    co_return Next::GoOn;
  }
  has_progressed_ = true;
  session_->tls_started(tls_facts());
  co_return Next::GoOn;
}

net::Awaitable<Connection::Next> Connection::perform(Authenticate question) {
  has_progressed_ = true;
  const SessionFacts known = facts();
  const AuthenticateAnswer answer = co_await conversation_->authenticate(question.credential, known);
  session_->answer(answer);
  if (answer.verdict.is_accepted() && !conversation_->wants_transcript()) session_->forget_transcript();
  co_return Next::GoOn;
}

net::Awaitable<Connection::Next> Connection::perform(JudgeSender question) {
  session_->answer(JudgeAnswer{conversation_->judge_sender(question)});
  co_return Next::GoOn;
}

net::Awaitable<Connection::Next> Connection::perform(JudgeRecipient question) {
  if (!conversation_->is_ready_for_recipient()) {
    const Clock::time_point waits_since = Clock::now();
    co_await conversation_->ready_for_recipient();
    command_began_ += Clock::now() - waits_since;  // we were slow, not the client
  }
  session_->answer(JudgeAnswer{conversation_->judge_recipient(question)});
  co_return Next::GoOn;
}

net::Awaitable<Connection::Next> Connection::perform(OpenMessage question) {
  const OpenAnswer answer = conversation_->open_message(question, facts());
  session_->answer(answer);
  co_return Next::GoOn;
}

net::Awaitable<Connection::Next> Connection::perform(DrainContent) {
  const Clock::time_point waits_since = Clock::now();
  co_await conversation_->drain_content();
  command_began_ += Clock::now() - waits_since;  // we were slow, not the client
  session_->content_drained();
  co_return Next::GoOn;
}

net::Awaitable<Connection::Next> Connection::perform(CommitMessage) {
  has_progressed_ = true;
  const CommitAnswer answer = co_await conversation_->commit_message();
  if (answer.verdict.is_accepted()) ++committed_;
  session_->answer(answer);
  if (answer.verdict.is_accepted() && conversation_->wants_transcript()) conversation_->keep_transcript(session_->transcript());
  co_return Next::GoOn;
}

net::Awaitable<Connection::Next> Connection::perform(AbandonMessage) {
  conversation_->abandon_message();
  session_->abandoned();
  co_return Next::GoOn;
}

net::Awaitable<Connection::Next> Connection::perform(Close end) {
  if (!end.orderly) log_lost(end.stage);
  const Result<void> sent = co_await flush();
  // After a 221 the client has nothing more to say; after a refusal it may be in the middle of a message.
  if (sent && !loss_ && !is_cancelled_) co_await stream_.linger_and_close(context_.timeouts.linger);
  co_return Next::End;
}

net::Awaitable<Result<void>> Connection::flush() {
  const std::string_view output = session_->output();
  if (output.empty()) co_return Result<void>();
  has_progressed_ = true;
  stream_.expires_after(context_.timeouts.write);
  const Result<void> written = co_await stream_.write_all(output);
  if (written) session_->output_sent();
  co_return written;
}

net::Awaitable<Result<void>> Connection::handshake() {
  // STARTTLS comes before AUTH: both handshakes are within the time that a stranger has who will have to authenticate.
  Clock::duration left = context_.timeouts.tls_handshake;
  if (context_.config.role == Role::Submission) {
    left = std::min<Clock::duration>(left, began_ + context_.timeouts.before_auth - Clock::now());
  }
  stream_.expires_after(left);
  const Result<void> shaken = co_await stream_.start_tls_server(*tls_);
  co_return shaken;
}

void Connection::set_read_deadline() {
  const ConnectionTimeouts& limits = context_.timeouts;
  const bool is_content = session_->is_reading_content();
  const Clock::time_point now = Clock::now();
  if (has_progressed_ || is_content != was_reading_content_) {
    command_began_ = now;
    content_octets_ = 0;
  }
  has_progressed_ = false;
  was_reading_content_ = is_content;
  // A stranger's time is one for everything up to AUTH: commands that lead nowhere do not prolong it.
  const bool will_authenticate = context_.config.role == Role::Submission && !session_->is_authenticated();
  if (will_authenticate) return stream_.expires_after(began_ + limits.before_auth - now);
  seconds allowed = limits.command;
  if (is_content) {
    const auto earned = static_cast<seconds::rep>(content_octets_ / limits.content_octets_per_second);
    allowed = std::min(limits.content_grace + seconds(earned), limits.content_in_all);
  }
  Clock::duration left = command_began_ + allowed - now;
  if (is_content) left = std::min<Clock::duration>(left, limits.content_block);
  stream_.expires_after(left);
}

void Connection::take_failure(const Error& error) {
  const bool is_only_stopping = error.code() == ErrorCode::Cancelled && is_stopping_ && !is_cancelled_;
  if (is_only_stopping) {
    is_session_told_ = true;
    session_->shut_down();
    return;
  }
  if (error.code() != ErrorCode::ConnectionTimedOut) return lose(error);
  loss_ = error;
  session_->timed_out();
}

void Connection::lose(const Error& error) {
  loss_ = error;
  session_->peer_gone();
}

void Connection::stop() {
  is_stopping_ = true;
  if (is_reading_) stream_.cancel();
}

void Connection::cancel() {
  is_stopping_ = is_cancelled_ = true;
  stream_.cancel();
}

SessionFacts Connection::facts() const {
  return {.helo_name = session_->helo_name(), .said_ehlo = session_->said_ehlo(), .tls = &session_->tls()};
}

TlsFacts Connection::tls_facts() const { return {.version = stream_.tls_version(), .cipher = stream_.tls_cipher()}; }

void Connection::log_opened() const {
  if (!log::is_enabled(log::Level::Debug)) return;
  log::write(log::Level::Debug, "connection_opened",
             {{"peer", format_ip_address(peer_.address)},
              {"peer_port", static_cast<int>(peer_.port)},
              {"port", static_cast<int>(stream_.local_port())}});
}

// A load balancer's probe, a port scan, `postern doctor`: said EHLO and QUIT at the most, or nothing.
log::Level Connection::closing_level() const {
  const bool is_trusted = session_ && session_->is_authenticated();
  const bool has_gone = loss_ && received_octets_ == 0 &&
                        (loss_->code() == ErrorCode::ConnectionClosed || loss_->code() == ErrorCode::ConnectionReset);
  return !is_trusted && (!loss_ || has_gone) ? log::Level::Debug : log::Level::Info;
}

void Connection::log_lost(std::string_view stage) const {
  const std::string_view cause = loss_ ? error_code_name(loss_->code()) : "closed";
  log::write(loss_ ? closing_level() : log::Level::Info, "connection_lost",
             {{"after", stage},
              {"peer", format_ip_address(peer_.address)},
              {"port", static_cast<int>(stream_.local_port())},
              {"cause", cause},
              {"detail", loss_ ? loss_->context() : std::string()}});
}

void Connection::log_closed() const {
  const auto lasted = duration_cast<milliseconds>(Clock::now() - began_).count();
  log::write(closing_level(), "connection_closed",
             {{"peer", format_ip_address(peer_.address)},
              {"port", static_cast<int>(stream_.local_port())},
              {"tls", stream_.tls_version()},
              {"authenticated", session_ && session_->is_authenticated()},
              {"messages", committed_},
              {"received", received_octets_},
              {"duration_ms", std::int64_t{lasted}}});
}

RefusedConnection::RefusedConnection(net::asio::ip::tcp::socket socket, const net::Peer& peer, const ConnectionContext& context,
                                     Status status, std::string_view token)
    : context_(context), peer_(peer), stream_(std::move(socket)), status_(std::move(status)), token_(token) {}

net::Awaitable<void> RefusedConnection::run() {
  log::write(log::Level::Info, "connection_refused",
             {{"peer", format_ip_address(peer_.address)}, {"reason", status_.text}});
  context_.handler.refused(peer_.address, token_);
  // With implicit TLS there is nobody yet who could read a reply: a handshake is more than a refusal is worth.
  if (context_.config.tls == TlsMode::Implicit) co_return;
  Session session = Session::refused(context_.config, status_);
  stream_.expires_after(context_.timeouts.linger);
  const Result<void> written = co_await stream_.write_all(session.output());
  if (written) co_await stream_.linger_and_close(context_.timeouts.linger);
}

void RefusedConnection::cancel() { stream_.cancel(); }

}  // namespace postern::smtp
