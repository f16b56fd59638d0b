// Connection: one client's HTTP/1.1 connection on a net::Stream. It moves octets between the stream and the request reader,
// requests to the handler and responses back, in order, and keeps the time. It decides nothing about the product.
#pragma once

#include "core/clock.h"
#include "core/metrics.h"
#include "core/random.h"
#include "http/body_room.h"
#include "http/limits.h"
#include "http/request_handler.h"
#include "http/request_reader.h"
#include "net/admission.h"
#include "net/peer.h"
#include "net/stream.h"
#include "net/task_group.h"
#include "net/tls_context.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace postern::http {

// How long a client may take. Each deadline is for the whole, not for the next octet.
struct ConnectionTimeouts {
  std::chrono::seconds tls_handshake{30};
  // Between requests, and before the first: common clients keep connections for about this long.
  std::chrono::seconds idle{60};
  // From the first octet of a request to the end of its header section, which fits a few packets.
  std::chrono::seconds head{10};
  // A body: this rate on average once the grace is over. The slowest modem was faster.
  std::uint64_t body_octets_per_second = 500;
  std::chrono::seconds body_grace{30};
  std::chrono::seconds body_in_all{600};
  // For the client to take kWriteOctets.
  std::chrono::seconds write{30};
  // For a streamed body's next piece; then the source is asked again.
  std::chrono::seconds stream_wait{15};
  // For the client to close its side after a refusal.
  std::chrono::seconds linger{2};
};

// What a server's connections share. All of it outlives them.
struct ConnectionContext {
  RequestHandler& handler;
  const Clock& clock;
  Random& random;
  BodyRoom& bodies;
  ConnectionTimeouts timeouts;
};

class Connection final : public net::Task {
 public:
  // With `tls` the handshake comes first; `admitted` ends with the connection.
  Connection(net::asio::ip::tcp::socket socket, const net::Peer& peer, const ConnectionContext& context,
             std::optional<net::TlsServerContext> tls, std::unique_ptr<net::AdmittedPeer> admitted);
  ~Connection() override;

  net::Awaitable<void> run() override;
  // The request under way is answered, with "Connection: close"; a stream ends.
  void stop() override;
  void cancel() override;

 private:
  using Clock = std::chrono::steady_clock;

  // What is remembered of a request whose head the handler may have taken apart.
  struct Current {
    std::string id;
    std::string method;
    Clock::time_point began;
    bool keeps_alive = false;
    bool is_http_1_0 = false;
  };

  net::Awaitable<bool> start_tls();
  net::Awaitable<bool> serve_request();
  net::Awaitable<bool> receive_head();
  net::Awaitable<bool> receive_body();
  net::Awaitable<bool> read(Clock::time_point deadline);
  net::Awaitable<void> refuse(Fault fault, std::string_view detail);
  net::Awaitable<bool> respond(Response response);
  net::Awaitable<bool> send_body(const std::string& head, const Response& response);
  net::Awaitable<bool> send_stream(BodySource& source);
  net::Awaitable<bool> send_pieces(BodySource& source);
  void watch_peer();
  net::Awaitable<bool> send(std::string_view octets);
  net::Awaitable<bool> is_peer_there();
  bool hold(std::size_t octets);
  void end_request();
  void begin_request();
  void report(const Response& response) const;

  const ConnectionContext& context_;
  std::unique_ptr<net::AdmittedPeer> admitted_;
  const metrics::Counted counted_;
  std::optional<net::TlsServerContext> tls_;
  net::Stream stream_;
  PeerFacts peer_;
  RequestReader reader_;
  std::unique_ptr<Exchange> exchange_;
  BodySource* source_ = nullptr;  // while it is sent
  Current current_;
  std::array<char, kReadOctets> space_;
  std::uint64_t body_octets_ = 0;
  std::size_t held_octets_ = 0;  // taken from the room for bodies
  AccountId holder_;             // in whose name
  bool has_input_ = false;       // while a stream is sent: the client sent something, or ended its side
  bool has_timed_out_ = false;
  bool is_reading_ = false;
  bool is_stopping_ = false;
  bool is_cancelled_ = false;
};

// Says 503 and hangs up: for connections that admission turned away.
class RefusedConnection final : public net::Task {
 public:
  RefusedConnection(net::asio::ip::tcp::socket socket, const net::Peer& peer, const ConnectionContext& context);

  net::Awaitable<void> run() override;
  void stop() override {}
  void cancel() override { stream_.cancel(); }

 private:
  const ConnectionContext& context_;
  const net::Peer peer_;
  net::Stream stream_;
};

}  // namespace postern::http
