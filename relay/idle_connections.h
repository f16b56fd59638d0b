// Connections to one next hop that wait for their next message. Newest first out, so that a burst's surplus grows old and is
// closed; each is closed with QUIT when its idle time is over.
#pragma once

#include "mx/tls_policy.h"
#include "net/awaitable.h"
#include "net/tls_context.h"
#include "relay/dialogue.h"
#include "relay/provider_shaper.h"
#include "smtp/client_connection.h"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

namespace postern::relay {

// A connection with what its user has to know of it.
struct HopConnection {
  // Declared first: outlives the connection, which refers to it.
  std::shared_ptr<const net::TlsClientContext> tls;
  std::unique_ptr<smtp::ClientConnection> connection;
  std::string remote;          // "mx.example.net [192.0.2.1]:25"
  std::uint32_t messages = 0;  // sent over it
  mx::TlsDemand demand = mx::TlsDemand::Usual;  // of the message that it was opened for: others' policy may be another
  std::shared_ptr<const CountedConnection> counted{};  // among its provider's; null: nobody counts
  std::shared_ptr<DialogueRecorder> dialogue{};  // hears what is said over it; null: nobody does
};

// QUIT and close, in the background.
void quit_in_background(const net::Executor& executor, HopConnection connection);

// On one executor. Held by shared_ptr: its timer may fire after the owner is gone.
class IdleConnections : public std::enable_shared_from_this<IdleConnections> {
 public:
  IdleConnections(net::Executor executor, std::chrono::seconds idle_timeout);

  void put(HopConnection connection);
  // One that was opened for the same demand; an empty one (no connection) if none is idle.
  HopConnection take(mx::TlsDemand demand = mx::TlsDemand::Usual);
  void close_all();
  // The one that waits longest. False: there is none.
  bool close_oldest();
  std::size_t size() const { return idle_.size(); }

 private:
  struct Idle {
    HopConnection hop;
    std::chrono::steady_clock::time_point until;
  };

  void arm();
  void close_expired();

  net::Executor executor_;
  std::chrono::seconds idle_timeout_;
  net::asio::steady_timer timer_;
  std::deque<Idle> idle_;  // oldest first
};

}  // namespace postern::relay
