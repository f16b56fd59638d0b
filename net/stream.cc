// Stream: plain reads through Asio; writes and TLS try the socket at once and wait only if it is not ready. TLS works on the
// socket itself (net/tls_session), so a wait consumes nothing and may be cancelled and taken up again.
#include "net/stream.h"

#include "core/check.h"
#include "core/metrics.h"
#include "net/tls_session.h"
#include "net/watchdog.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <optional>
#include <tuple>

namespace postern::net {

namespace {

using asio::ip::tcp;
using SocketError = boost::system::error_code;

// Waitless TLS reads in a row before the other connections of this thread get their turn.
constexpr int kReadsPerTurn = 32;
// What linger_and_close() discards at most: a peer that goes on sending is cut off.
constexpr std::size_t kMaxDiscardedOctets = 1U << 20;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

enum class TlsSide { Server, Client };
metrics::Counter tls_handshakes("postern_tls_handshakes_total", "TLS handshakes that ended, by our side and by outcome.",
                                {{"side", {"server", "client"}}, {"outcome", {"succeeded", "failed"}}});

bool is_reset(const SocketError& ec) {
  return ec == asio::error::connection_reset || ec == asio::error::broken_pipe ||
         ec == asio::error::connection_aborted || ec == asio::error::not_connected;
}

struct Handshake {
  TlsOutcome operator()(TlsSession& tls) const { return tls.handshake(); }
};
struct Read {
  std::span<char> space;
  TlsOutcome operator()(TlsSession& tls) const { return tls.read(space); }
};
struct Write {
  std::string_view octets;
  TlsOutcome operator()(TlsSession& tls) const { return tls.write(octets); }
};

}  // namespace

class Stream::Impl {
 public:
  explicit Impl(tcp::socket socket)
      : socket_(std::move(socket)), watchdog_(std::make_shared<Watchdog>(socket_, kFirstDeadline)) {
    learn_endpoints();
  }
  ~Impl() { close(); }

  Awaitable<Result<void>> connect(tcp::endpoint endpoint);
  Awaitable<Result<std::size_t>> read_plain(std::span<char> space);
  Awaitable<Result<std::size_t>> read_tls(std::span<char> space);
  Awaitable<Result<void>> write_plain(std::string_view octets);
  Awaitable<Result<void>> write_tls(std::string_view octets);
  Awaitable<Result<void>> handshake(TlsSide side, Result<std::unique_ptr<TlsSession>> session);
  Awaitable<void> linger_and_close();
  void close();
  void reset();
  void cancel();
  void watch(std::function<void()> on_input);
  void unwatch();

  tcp::socket& socket() { return socket_; }
  Watchdog& watchdog() { return *watchdog_; }
  const TlsSession* tls() const { return tls_.get(); }
  const tcp::endpoint& local() const { return local_; }

 private:
  void learn_endpoints();
  // Calls `operation` until it is done or failed, waiting in between.
  template <class Operation>
  Awaitable<Result<std::size_t>> drive(Operation operation);
  Awaitable<Result<void>> wait(tcp::socket::wait_type direction);
  Error classified(const SocketError& ec) const;
  void begin_wait();
  // True if cancel() came during the wait, even where the wait itself had ended already.
  bool end_wait();
  void say_goodbye();

  tcp::socket socket_;
  std::shared_ptr<Watchdog> watchdog_;
  std::unique_ptr<TlsSession> tls_;
  tcp::endpoint local_;
  std::shared_ptr<std::function<void()>> watcher_;
  int reads_in_turn_ = 0;
  bool was_cancelled_ = false;
};

void Stream::Impl::learn_endpoints() {
  // An error here means that the peer has gone already: the first read says so.
  SocketError ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
  local_ = socket_.local_endpoint(ignored);
}

Awaitable<Result<void>> Stream::Impl::connect(tcp::endpoint endpoint) {
  begin_wait();
  const auto outcome = co_await socket_.async_connect(endpoint, kAsTuple);
  end_wait();
  const SocketError ec = std::get<0>(outcome);
  if (ec == asio::error::operation_aborted) co_return classified(ec);
  if (ec) co_return Error(ErrorCode::ConnectFailed, ec.message());
  learn_endpoints();
  co_return Result<void>();
}

Awaitable<Result<std::size_t>> Stream::Impl::read_plain(std::span<char> space) {
  if (watchdog_->has_passed()) co_return Error(ErrorCode::ConnectionTimedOut);
  begin_wait();
  const auto outcome = co_await socket_.async_read_some(asio::buffer(space.data(), space.size()), kAsTuple);
  end_wait();
  const SocketError ec = std::get<0>(outcome);
  if (ec) co_return classified(ec);
  co_return std::get<1>(outcome);
}

Awaitable<Result<std::size_t>> Stream::Impl::read_tls(std::span<char> space) {
  if (++reads_in_turn_ > kReadsPerTurn) {
    reads_in_turn_ = 0;
    begin_wait();
    co_await asio::post(socket_.get_executor(), asio::use_awaitable);
    const bool was_cancelled = end_wait();
    if (was_cancelled) co_return Error(ErrorCode::Cancelled);
  }
  Result<std::size_t> count = co_await drive(Read{space});
  co_return count;
}

Awaitable<Result<void>> Stream::Impl::write_plain(std::string_view octets) {
  while (!octets.empty()) {
    SocketError ec;
    octets.remove_prefix(socket_.write_some(asio::buffer(octets), ec));
    if (!ec) continue;
    if (ec != asio::error::would_block) co_return classified(ec);
    const Result<void> ready = co_await wait(tcp::socket::wait_write);
    if (!ready) co_return ready.error();
  }
  co_return Result<void>();
}

Awaitable<Result<void>> Stream::Impl::write_tls(std::string_view octets) {
  const Result<std::size_t> written = co_await drive(Write{octets});
  if (!written) co_return written.error();
  co_return Result<void>();
}

Awaitable<Result<void>> Stream::Impl::handshake(TlsSide side, Result<std::unique_ptr<TlsSession>> session) {
  POSTERN_CHECK(!tls_);
  if (!session) co_return session.error();
  tls_ = std::move(*session);
  const Result<std::size_t> shaken = co_await drive(Handshake{});
  tls_handshakes.at(side, !shaken).add();
  if (!shaken) co_return shaken.error();
  co_return Result<void>();
}

template <class Operation>
Awaitable<Result<std::size_t>> Stream::Impl::drive(Operation operation) {
  for (;;) {
    const TlsOutcome outcome = operation(*tls_);
    if (outcome.progress == TlsProgress::Done) co_return outcome.octets;
    if (outcome.progress == TlsProgress::Failed) co_return tls_->failure();
    const bool wants_read = outcome.progress == TlsProgress::WantsRead;
    const Result<void> ready = co_await wait(wants_read ? tcp::socket::wait_read : tcp::socket::wait_write);
    if (!ready) co_return ready.error();
    reads_in_turn_ = 0;
  }
}

Awaitable<Result<void>> Stream::Impl::wait(tcp::socket::wait_type direction) {
  if (watchdog_->has_passed()) co_return Error(ErrorCode::ConnectionTimedOut);
  begin_wait();
  const auto outcome = co_await socket_.async_wait(direction, kAsTuple);
  const bool was_cancelled = end_wait();
  const SocketError ec = std::get<0>(outcome);
  if (ec) co_return classified(ec);
  if (was_cancelled) co_return Error(ErrorCode::Cancelled);
  co_return Result<void>();
}

Error Stream::Impl::classified(const SocketError& ec) const {
  if (ec == asio::error::eof) return Error(ErrorCode::ConnectionClosed);
  if (is_reset(ec)) return Error(ErrorCode::ConnectionReset);
  if (ec == asio::error::timed_out) return Error(ErrorCode::ConnectionTimedOut);
  if (ec != asio::error::operation_aborted) return Error(ErrorCode::IoError, ec.message());
  return Error(watchdog_->has_passed() ? ErrorCode::ConnectionTimedOut : ErrorCode::Cancelled);
}

void Stream::Impl::begin_wait() {
  POSTERN_CHECK(!watchdog_->is_watching());
  was_cancelled_ = false;
  watchdog_->watch();
}

bool Stream::Impl::end_wait() {
  watchdog_->rest();
  return was_cancelled_;
}

void Stream::Impl::cancel() {
  if (!watchdog_->is_watching()) return;
  was_cancelled_ = true;
  SocketError ignored;
  socket_.cancel(ignored);
}

void Stream::Impl::watch(std::function<void()> on_input) {
  watcher_ = std::make_shared<std::function<void()>>(std::move(on_input));
  socket_.async_wait(tcp::socket::wait_read, [weak = std::weak_ptr(watcher_)](const SocketError& ec) {
    const auto watcher = weak.lock();
    if (watcher && !ec) (*watcher)();
  });
}

void Stream::Impl::unwatch() {
  if (!watcher_) return;
  watcher_.reset();
  SocketError ignored;
  socket_.cancel(ignored);
}

void Stream::Impl::say_goodbye() {
  if (tls_) tls_->say_goodbye();
  SocketError ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

void Stream::Impl::close() {
  if (!socket_.is_open()) return;
  say_goodbye();
  watchdog_->stop();
  SocketError ignored;
  socket_.close(ignored);
}

void Stream::Impl::reset() {
  if (!socket_.is_open()) return;
  watchdog_->stop();
  SocketError ignored;
  socket_.set_option(tcp::socket::linger(true, 0), ignored);
  socket_.close(ignored);
}

Awaitable<void> Stream::Impl::linger_and_close() {
  if (!socket_.is_open()) co_return;
  say_goodbye();
  std::array<char, 4096> discarded;
  for (std::size_t total = 0; total < kMaxDiscardedOctets;) {
    // Below TLS: what is thrown away need not be read as records.
    const Result<std::size_t> count = co_await read_plain(discarded);
    if (!count) break;
    total += *count;
  }
  close();
}

Stream::Stream(tcp::socket socket) : impl_(std::make_unique<Impl>(std::move(socket))) {}
Stream::~Stream() = default;

namespace {

// The port is chosen at connect(), where it has to differ only from those of connections to the same peer.
Result<void> leave_from(tcp::socket& socket, const asio::ip::address& source) {
  const int on = 1;
  ::setsockopt(socket.native_handle(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  SocketError ec;
  socket.bind({source, 0}, ec);
  if (!ec) return {};
  const ErrorCode code = ec == boost::system::errc::address_not_available ? ErrorCode::NotFound : ErrorCode::IoError;
  return Error(code, "leave from " + source.to_string() + ": " + ec.message());
}

}  // namespace

Awaitable<Result<std::unique_ptr<Stream>>> Stream::connect(tcp::endpoint endpoint,
                                                           std::chrono::steady_clock::duration timeout,
                                                           std::optional<asio::ip::address> source) {
  const Executor executor = co_await asio::this_coro::executor;
  tcp::socket socket(executor);
  SocketError ec;
  socket.open(endpoint.protocol(), ec);
  if (ec) co_return Error(ErrorCode::IoError, "open a socket: " + ec.message());
  if (source) {
    const Result<void> bound = leave_from(socket, *source);
    if (!bound) co_return bound.error();
  }
  auto stream = std::make_unique<Stream>(std::move(socket));
  stream->expires_after(timeout);
  const Result<void> connected = co_await stream->impl_->connect(endpoint);
  if (!connected) co_return connected.error();
  co_return stream;
}

Awaitable<Result<std::size_t>> Stream::read_some(std::span<char> space) {
  POSTERN_CHECK(!space.empty());
  return is_tls() ? impl_->read_tls(space) : impl_->read_plain(space);
}

Awaitable<Result<void>> Stream::write_all(std::string_view octets) {
  const bool is_encrypted = is_tls() && !octets.empty();
  return is_encrypted ? impl_->write_tls(octets) : impl_->write_plain(octets);
}

Awaitable<Result<void>> Stream::start_tls_server(const TlsServerContext& context) {
  return impl_->handshake(TlsSide::Server, TlsSession::accepting(impl_->socket().native_handle(), context));
}

Awaitable<Result<void>> Stream::start_tls_client(const TlsClientContext& context, TlsPeer peer) {
  return impl_->handshake(TlsSide::Client, TlsSession::connecting(impl_->socket().native_handle(), context, peer));
}

bool Stream::is_tls() const { return impl_->tls() != nullptr; }
TlsFault Stream::tls_fault() const { return is_tls() ? impl_->tls()->fault() : TlsFault::None; }
std::string Stream::tls_version() const { return is_tls() ? impl_->tls()->version() : std::string(); }
std::string Stream::tls_cipher() const { return is_tls() ? impl_->tls()->cipher() : std::string(); }

void Stream::expires_after(std::chrono::steady_clock::duration timeout) {
  impl_->watchdog().move_to(Watchdog::Clock::now() + timeout);
}

void Stream::close() { impl_->close(); }
void Stream::reset() { impl_->reset(); }

Awaitable<void> Stream::linger_and_close(std::chrono::steady_clock::duration timeout) {
  expires_after(timeout);
  return impl_->linger_and_close();
}

void Stream::watch(std::function<void()> on_input) { impl_->watch(std::move(on_input)); }
void Stream::unwatch() { impl_->unwatch(); }
void Stream::cancel() { impl_->cancel(); }

std::uint16_t Stream::local_port() const { return impl_->local().port(); }
Executor Stream::executor() { return impl_->socket().get_executor(); }

}  // namespace postern::net
