// A TCP stream that can become TLS in place, with one moving deadline. Shared by the SMTP server, the SMTP client and HTTP.
#pragma once

#include "core/clock.h"
#include "core/result.h"
#include "net/awaitable.h"
#include "net/tls_context.h"
#include "net/tls_peer.h"

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace postern::net {

// Used on one executor only, one operation at a time. All waits end by the deadline set last, with ConnectionTimedOut.
// Errors are classified once, here: ConnectionClosed (peer's orderly end), ConnectionReset, ConnectionTimedOut, TlsFailed,
// Cancelled (cancel() was called), IoError. A read that ended with ConnectionTimedOut or Cancelled lost nothing: the stream
// may be used on. After a write or a handshake failed it can only be closed.
class Stream {
 public:
  // The deadline before the first expires_after(): no wait is without one.
  static constexpr std::chrono::seconds kFirstDeadline{300};

  // Takes an accepted or connected socket; sets TCP_NODELAY.
  explicit Stream(asio::ip::tcp::socket socket);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Connects to `endpoint`; the deadline holds for the connect itself. ConnectFailed if it is refused or unreachable. `source`: the
  // local address, of the same family; NotFound: this machine has not that one.
  static Awaitable<Result<std::unique_ptr<Stream>>> connect(asio::ip::tcp::endpoint endpoint,
                                                            std::chrono::steady_clock::duration timeout,
                                                            std::optional<asio::ip::address> source = std::nullopt);

  // At least one octet, at most space.size().
  Awaitable<Result<std::size_t>> read_some(std::span<char> space);
  // All of `octets`, which stay valid until it is done.
  Awaitable<Result<void>> write_all(std::string_view octets);

  Awaitable<Result<void>> start_tls_server(const TlsServerContext& context);
  // If the context verifies, the certificate is checked against `peer`.
  Awaitable<Result<void>> start_tls_client(const TlsClientContext& context, TlsPeer peer);
  bool is_tls() const;
  std::string tls_version() const;  // "" in plaintext
  TlsFault tls_fault() const;       // of a handshake that failed
  std::string tls_cipher() const;

  // From now. Moves the one deadline; also for operations already waiting.
  void expires_after(std::chrono::steady_clock::duration timeout);

  // Sends TLS close_notify where that does not block, shuts the sending side down, closes.
  void close();
  // The same by a reset: the peer loses what it has not read yet.
  void reset();
  // As close(), but waits up to `timeout` for the peer to end its side, discarding what it still sends: a close with input
  // unread resets the connection, and the peer may then never see the last reply. For refusals that hang up.
  Awaitable<void> linger_and_close(std::chrono::steady_clock::duration timeout);
  // Calls `on_input` once, when the peer sends something or ends its side; reads nothing. A write may wait meanwhile, a read may
  // not. Ends with the call, with unwatch(), or when a wait is cancelled or times out.
  void watch(std::function<void()> on_input);
  void unwatch();
  // Wakes a waiting operation with Cancelled; does nothing if none waits. On the stream's own executor.
  void cancel();

  std::uint16_t local_port() const;
  Executor executor();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace postern::net
