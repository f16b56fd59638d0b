// Non-blocking I/O for the loads and the sink; see the header.
#include "channel.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace bench {
namespace {

constexpr long kAgain = -1;  // not now
constexpr long kOver = -2;
constexpr std::size_t kReadOctets = 64 * 1024;

void set_no_delay(int descriptor) {
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int remember_session(SSL* ssl, SSL_SESSION* session) {
  auto* memory = static_cast<SessionMemory*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  memory->unused.emplace_back(session);
  return 1;  // the reference is ours now
}

}  // namespace

void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

SslSession SessionMemory::take() {
  if (unused.empty()) return nullptr;
  // A copy: OpenSSL does not resume a session twice.
  if (unused.size() == 1) return SslSession(SSL_SESSION_dup(unused.back().get()));
  SslSession session = std::move(unused.back());
  unused.pop_back();
  return session;
}

SslContext make_client_context(SessionMemory* remember) {
  SslContext context(SSL_CTX_new(TLS_client_method()));
  if (remember != nullptr) {
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_app_data(context.get(), remember);
    SSL_CTX_sess_set_new_cb(context.get(), remember_session);
  }
  return context;
}

Channel::Channel(std::uint16_t port) : descriptor_(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
  if (descriptor_ < 0) give_up("socket");
  set_no_delay(descriptor_);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  is_connecting_ = true;
  if (connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS) give_up("connect");
}

Channel::Channel(Accepted accepted) : descriptor_(accepted.descriptor) { set_no_delay(descriptor_); }

Channel::~Channel() {
  // Otherwise OpenSSL takes the session for one that broke, which nobody may resume.
  if (ssl_) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  close(descriptor_);
}

void Channel::start_tls(SSL_CTX* context, SslSession resumed) {
  ssl_.reset(SSL_new(context));
  SSL_set_fd(ssl_.get(), descriptor_);
  SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (resumed) SSL_set_session(ssl_.get(), resumed.get());
  SSL_set_connect_state(ssl_.get());
  is_handshaking_ = true;
  handshake_writes_ = true;
}

void Channel::send(std::string_view octets) {
  if (output_.empty() && !is_connecting_ && !is_handshaking_) {
    while (!octets.empty()) {
      const long count = write_once(octets);
      if (count <= 0) break;
      octets.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  output_.append(octets);
}

bool Channel::advance() {
  if (is_connecting_) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return false;
    is_connecting_ = false;
  }
  if (is_handshaking_ && !shake_hands()) return false;
  if (is_handshaking_) return true;
  return write_some() && read_some();
}

bool Channel::shake_hands() {
  const int done = SSL_do_handshake(ssl_.get());
  if (done == 1) {
    is_handshaking_ = false;
    return true;
  }
  const int why = SSL_get_error(ssl_.get(), done);
  handshake_writes_ = why == SSL_ERROR_WANT_WRITE;
  return handshake_writes_ || why == SSL_ERROR_WANT_READ;
}

bool Channel::write_some() {
  std::size_t written = 0;
  while (written < output_.size()) {
    const long count = write_once(std::string_view(output_).substr(written));
    if (count == kOver) return false;
    if (count == kAgain) break;
    written += static_cast<std::size_t>(count);
  }
  output_.erase(0, written);
  return true;
}

bool Channel::read_some() {
  char piece[kReadOctets];
  for (;;) {
    const long count = read_once(piece, sizeof piece);
    if (count == kOver) return false;
    if (count == kAgain) return true;
    input_.append(piece, static_cast<std::size_t>(count));
    // Less than asked for: a socket has no more. TLS may hold another record.
    if (!ssl_ && static_cast<std::size_t>(count) < sizeof piece) return true;
  }
}

long Channel::write_once(std::string_view octets) {
  if (!ssl_) {
    const ssize_t count = ::send(descriptor_, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (count > 0) return count;
    return errno == EAGAIN ? kAgain : kOver;
  }
  const int count = SSL_write(ssl_.get(), octets.data(), static_cast<int>(octets.size()));
  if (count > 0) return count;
  const int why = SSL_get_error(ssl_.get(), count);
  return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? kAgain : kOver;
}

long Channel::read_once(char* into, std::size_t octets) {
  if (!ssl_) {
    const ssize_t count = ::recv(descriptor_, into, octets, 0);
    if (count > 0) return count;
    return count < 0 && errno == EAGAIN ? kAgain : kOver;
  }
  const int count = SSL_read(ssl_.get(), into, static_cast<int>(octets));
  if (count > 0) return count;
  const int why = SSL_get_error(ssl_.get(), count);
  return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? kAgain : kOver;
}

std::optional<std::string_view> Channel::next_line() {
  const std::size_t end = input_.find("\r\n", taken_);
  if (end == std::string::npos) {
    input_.erase(0, taken_);
    taken_ = 0;
    return std::nullopt;
  }
  const std::string_view line = std::string_view(input_).substr(taken_, end - taken_);
  taken_ = end + 2;
  return line;
}

void Channel::take(std::size_t octets) {
  taken_ += octets;
  if (taken_ != input_.size()) return;
  input_.clear();
  taken_ = 0;
}

}  // namespace bench
