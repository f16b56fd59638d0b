// The shell of the reader: receive a head, ask the handler, receive the body if it is wanted, respond, and again. Nothing is read
// while a request is answered, so responses leave in order and a client that pipelines waits in the socket.
#include "http/connection.h"

#include "core/bytes.h"
#include "core/log.h"
#include "core/metrics.h"
#include "http/response_head.h"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace postern::http {
namespace {

using State = RequestReader::State;

metrics::Gauge http_connections("postern_http_connections", "Open HTTP connections.");
metrics::Counter http_connections_accepted("postern_http_connections_accepted_total", "HTTP connections that were served.");

// Enough to tell the requests of years apart.
constexpr std::size_t kRequestIdOctets = 8;

// For the look whether the client is still there: it is only not to wait.
constexpr std::chrono::milliseconds kGlance{1};

std::string make_request_id(Random& random) {
  std::array<std::uint8_t, kRequestIdOctets> octets;
  random.fill(octets);
  return "req_" + format_hex(octets);
}

std::string format_chunk(std::string_view octets) {
  std::array<char, 16> size;
  const auto end = std::to_chars(size.data(), size.data() + size.size(), octets.size(), 16).ptr;
  std::string chunk(size.data(), end);
  return chunk.append("\r\n").append(octets).append("\r\n");
}

}  // namespace

Connection::Connection(net::asio::ip::tcp::socket socket, const net::Peer& peer, const ConnectionContext& context,
                       std::optional<net::TlsServerContext> tls, std::unique_ptr<net::AdmittedPeer> admitted)
    : context_(context),
      admitted_(std::move(admitted)),
      counted_(http_connections),
      tls_(std::move(tls)),
      stream_(std::move(socket)) {
  http_connections_accepted.add();
  peer_.address = peer.address;
  peer_.port = peer.port;
  peer_.is_local = peer.is_local;
}

Connection::~Connection() { context_.bodies.give_back(holder_, held_octets_); }

net::Awaitable<void> Connection::run() {
  bool goes_on = co_await start_tls();
  while (goes_on) {
    goes_on = co_await serve_request();
    end_request();
  }
  stream_.close();
}

net::Awaitable<bool> Connection::start_tls() {
  if (!tls_) co_return true;
  stream_.expires_after(context_.timeouts.tls_handshake);
  const Result<void> shaken = co_await stream_.start_tls_server(*tls_);
  if (shaken) peer_.tls = stream_.tls_version() + ' ' + stream_.tls_cipher();
  co_return shaken.has_value() && !is_cancelled_;
}

// False: the connection ends.
net::Awaitable<bool> Connection::serve_request() {
  begin_request();
  const bool has_head = co_await receive_head();
  if (!has_head) co_return false;
  RequestHead& head = reader_.head();
  current_.method = head.method;
  current_.is_http_1_0 = head.is_http_1_0;
  current_.keeps_alive = head.keeps_alive;
  const bool has_body = head.has_body();

  exchange_ = context_.handler.open_exchange(peer_);
  std::optional<Response> response = co_await exchange_->begin(head);
  if (response) {
    // A body that nobody wants is not read either: what follows it cannot be found.
    current_.keeps_alive = current_.keeps_alive && !has_body;
    if (!has_body) reader_.allow_body(0);
  } else {
    const bool is_complete = co_await receive_body();
    if (!is_complete) co_return false;
    Response answer = co_await exchange_->answer(reader_.take_body());
    response = std::move(answer);
  }
  const bool is_sent = co_await respond(std::move(*response));
  if (!is_sent) co_return false;
  if (!current_.keeps_alive) {
    co_await stream_.linger_and_close(context_.timeouts.linger);
    co_return false;
  }
  reader_.next_request();
  co_return true;
}

void Connection::begin_request() {
  current_ = {};
  current_.id = make_request_id(context_.random);
  current_.began = Clock::now();
  body_octets_ = 0;
  has_timed_out_ = false;
}

void Connection::end_request() {
  exchange_.reset();
  context_.bodies.give_back(holder_, std::exchange(held_octets_, 0));
}

// Of the body that comes in or goes out. False: there is no room.
bool Connection::hold(std::size_t octets) {
  if (held_octets_ == 0) holder_ = exchange_ ? exchange_->account() : AccountId{};
  if (!context_.bodies.take(holder_, octets)) return false;
  held_octets_ += octets;
  return true;
}

net::Awaitable<bool> Connection::receive_head() {
  const Clock::time_point idle_since = Clock::now();
  while (reader_.state() == State::NeedsHead) {
    const bool was_idle = !reader_.has_begun();
    if (was_idle && is_stopping_) co_return false;
    const bool is_alive = co_await read(was_idle ? idle_since + context_.timeouts.idle : current_.began + context_.timeouts.head);
    if (!is_alive) {
      if (has_timed_out_ && !was_idle) co_await refuse(Fault::RequestTimeout, {});
      co_return false;
    }
    if (was_idle) current_.began = Clock::now();
  }
  if (reader_.state() != State::Refused) co_return true;
  co_await refuse(reader_.fault().fault, reader_.fault().detail);
  co_return false;
}

net::Awaitable<bool> Connection::receive_body() {
  const ConnectionTimeouts& limits = context_.timeouts;
  const bool awaits_continue = reader_.head().expects_continue;
  reader_.allow_body(exchange_->max_body_octets());
  if (awaits_continue && reader_.state() == State::NeedsBody) {
    const bool is_sent = co_await send("HTTP/1.1 100 Continue\r\n\r\n");
    if (!is_sent) co_return false;
  }
  const Clock::time_point began = Clock::now();
  std::uint64_t counted = body_octets_;  // what came with the head is little
  while (reader_.state() == State::NeedsBody) {
    const std::chrono::seconds earned(body_octets_ / limits.body_octets_per_second);
    const bool is_alive = co_await read(began + std::min(limits.body_grace + earned, limits.body_in_all));
    if (!is_alive) {
      if (has_timed_out_) co_await refuse(Fault::RequestTimeout, {});
      co_return false;
    }
    const bool has_room = hold(body_octets_ - counted);
    counted = body_octets_;
    if (!has_room) {
      co_await refuse(Fault::Unavailable, "too many big requests are under way: try again later");
      co_return false;
    }
  }
  if (reader_.state() != State::Refused) co_return true;
  co_await refuse(reader_.fault().fault, reader_.fault().detail);
  co_return false;
}

// Octets to the reader. False: the client is gone, the time is up or we were told to end.
net::Awaitable<bool> Connection::read(Clock::time_point deadline) {
  if (is_cancelled_) co_return false;
  stream_.expires_after(deadline - Clock::now());
  is_reading_ = true;
  const Result<std::size_t> count = co_await stream_.read_some(space_);
  is_reading_ = false;
  if (!count) {
    has_timed_out_ = count.error().code() == ErrorCode::ConnectionTimedOut;
    co_return false;
  }
  body_octets_ += *count;
  reader_.received(std::string_view(space_.data(), *count));
  std::fill_n(space_.begin(), *count, '\0');  // there may be a credential in it
  co_return true;
}

// Answers what cannot be served, then closes: where the next request begins is not known.
net::Awaitable<void> Connection::refuse(Fault fault, std::string_view detail) {
  current_.keeps_alive = false;
  Response response = context_.handler.refuse(fault, detail);
  const bool is_sent = co_await respond(std::move(response));
  if (is_sent) co_await stream_.linger_and_close(context_.timeouts.linger);
}

net::Awaitable<bool> Connection::respond(Response response) {
  if (is_stopping_) current_.keeps_alive = false;
  if (response.body.size() > kUncountedResponseOctets && !hold(response.body.size())) {
    response = context_.handler.refuse(Fault::Unavailable, "too many big responses are under way: try again later");
  }
  if (response.stream && current_.is_http_1_0) current_.keeps_alive = false;
  const std::string head = format_response_head(response, {.now = context_.clock.now(),
                                                           .request_id = current_.id,
                                                           .keeps_alive = current_.keeps_alive,
                                                           .is_http_1_0 = current_.is_http_1_0});
  bool is_sent = false;
  if (current_.method == "HEAD" || !may_have_body(response.status)) {
    is_sent = co_await send(head);
  } else {
    is_sent = co_await send_body(head, response);
  }
  if (response.holds_secret) wipe_string(response.body);
  report(response);
  co_return is_sent;
}

net::Awaitable<bool> Connection::send_body(const std::string& head, const Response& response) {
  bool is_sent = false;
  if (!response.stream && response.body.size() <= kJoinedWriteOctets) {
    std::string whole = head + response.body;
    is_sent = co_await send(whole);
    if (response.holds_secret) wipe_string(whole);
    co_return is_sent;
  }
  is_sent = co_await send(head);
  if (!is_sent) co_return false;
  if (response.stream) {
    source_ = response.stream.get();
    is_sent = co_await send_stream(*source_);
    source_ = nullptr;
  } else {
    is_sent = co_await send(response.body);
  }
  co_return is_sent;
}

net::Awaitable<bool> Connection::send_stream(BodySource& source) {
  if (is_stopping_) source.stop();
  has_input_ = false;
  watch_peer();
  bool is_sent = co_await send_pieces(source);
  stream_.unwatch();
  if (is_sent && !current_.is_http_1_0) is_sent = co_await send("0\r\n\r\n");
  co_return is_sent;
}

net::Awaitable<bool> Connection::send_pieces(BodySource& source) {
  for (;;) {
    std::optional<std::string> piece = co_await source.next(context_.timeouts.stream_wait);
    const bool has_ended = !piece || (piece->empty() && is_stopping_);
    if (has_ended) co_return true;
    if (std::exchange(has_input_, false)) {
      const bool is_there = co_await is_peer_there();
      if (!is_there) co_return false;
      watch_peer();
    }
    if (piece->empty()) continue;
    const std::string chunk = current_.is_http_1_0 ? std::move(*piece) : format_chunk(*piece);
    const bool is_alive = co_await send(chunk);
    if (!is_alive) co_return false;
  }
}

// A client that goes is seen at once, whatever the source waits for: what it holds is somebody else's then.
void Connection::watch_peer() {
  stream_.watch([this] {
    has_input_ = true;
    if (source_ != nullptr) source_->wake();
  });
}

// A slice at a time: each has the deadline for itself, so a slow client may take a long body as long as it takes it. The other
// connections have their turn in between, also where this client takes all at once.
net::Awaitable<bool> Connection::send(std::string_view octets) {
  while (!octets.empty()) {
    if (is_cancelled_) co_return false;
    const std::string_view slice = octets.substr(0, kWriteOctets);
    stream_.expires_after(context_.timeouts.write);
    const Result<void> written = co_await stream_.write_all(slice);
    if (!written) co_return false;
    octets.remove_prefix(slice.size());
    if (!octets.empty()) co_await net::asio::post(stream_.executor(), net::asio::use_awaitable_t<net::Executor>{});
  }
  co_return true;
}

// While a body is streamed the client has nothing to say: the end of its side, or octets, end the stream.
net::Awaitable<bool> Connection::is_peer_there() {
  if (is_cancelled_) co_return false;
  stream_.expires_after(kGlance);
  const Result<std::size_t> count = co_await stream_.read_some(std::span(space_).first(1));
  co_return !count && count.error().code() == ErrorCode::ConnectionTimedOut;
}

void Connection::stop() {
  is_stopping_ = true;
  if (source_ != nullptr) source_->stop();
  if (is_reading_ && !reader_.has_begun()) stream_.cancel();
}

void Connection::cancel() {
  is_cancelled_ = true;
  stop();
  stream_.cancel();
}

void Connection::report(const Response& response) const {
  context_.handler.request_ended({.method = current_.method,
                                  .operation = exchange_ ? exchange_->operation() : std::string_view(),
                                  .problem = response.problem,
                                  .request_id = current_.id,
                                  .status = response.status,
                                  .lasted = Clock::now() - current_.began,
                                  .peer = (exchange_ ? exchange_->client() : std::nullopt).value_or(peer_.address),
                                  .key = exchange_ ? exchange_->key() : std::nullopt});
}

RefusedConnection::RefusedConnection(net::asio::ip::tcp::socket socket, const net::Peer& peer, const ConnectionContext& context)
    : context_(context), peer_(peer), stream_(std::move(socket)) {}

net::Awaitable<void> RefusedConnection::run() {
  const Response response = context_.handler.refuse(Fault::TooManyConnections, {});
  log::write(log::Level::Info, "http_connection_refused",
             {{"peer", format_ip_address(peer_.address)}, {"reason", response.problem}});
  const std::string whole = format_response_head(response, {.now = context_.clock.now(), .request_id = {}}) + response.body;
  stream_.expires_after(context_.timeouts.linger);
  const Result<void> written = co_await stream_.write_all(whole);
  if (written) co_await stream_.linger_and_close(context_.timeouts.linger);
}

}  // namespace postern::http
