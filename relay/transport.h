// Transport: a way to take a message onward. Two exist: relay/smtp_transport and relay/simulated_transport.
#pragma once

#include "core/clock.h"
#include "core/status.h"
#include "net/awaitable.h"
#include "relay/route.h"
#include "store/records.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace postern::relay {

enum class Outcome {
  Delivered,   // the next hop took responsibility, and honours DSN itself if it said so
  Relayed,     // the same, but the next hop does not do DSN: a success notice is ours to send (RFC 3461 §5.2.2)
  Deferred,
  Bounced,
  Expired,     // given up for its age (simulation; the queue decides it for all others)
  Suppressed,
  Complained,  // delivered, then a complaint
};

// What an attempt says about the next hop as a whole, apart from this recipient.
enum class Contact {
  Good,    // a dialogue took place
  Broken,  // the connection was lost in the middle of the transaction: the message's doing, or nobody's
  Unfit,   // the session was had, but the route lacks the AUTH or TLS that the next hop wants before it takes any mail
  None,    // no session could be had: unreachable, no TLS, AUTH or greeting refused
  Surplus, // the same, while other sessions stood: the next hop takes no more of them. Not an attempt
};

struct RecipientReport {
  std::uint32_t index = 0;  // in the envelope's order
  Outcome outcome = Outcome::Deferred;
  Status status;            // the next hop's last word, or ours where there was none (4.4.1 …)
  std::string remote;       // "mx.example.net [192.0.2.1]:25"; empty for the simulation
  std::optional<Duration> retry_after;  // Deferred: overrides the queue's schedule (simulation)
  Contact contact = Contact::Good;
  bool is_own_word = false;  // `status` is ours, whoever is at the other end
};

struct DeliveryRequest {
  const store::StoredMessage* message = nullptr;  // outlives the delivery
  std::vector<std::uint32_t> recipients;          // indices, all with the same route
  const Route* route = nullptr;                   // null for the simulation
};

// On the queue's executor only.
class Transport {
 public:
  virtual ~Transport() = default;
  // One report for each recipient asked for, in any order. Never throws, never waits without a deadline.
  virtual net::Awaitable<std::vector<RecipientReport>> deliver(DeliveryRequest request) = 0;
  // Ends every connection: idle ones in order, running deliveries at once, with Deferred where nothing was settled. Later
  // calls of deliver() are deferred without a connection.
  virtual void cancel() = 0;
  // The route is not in force any more: idle connections end, those in use end with their delivery.
  virtual void retire() {}
  // What the route names outside of the configuration (a file with certificates) is read again for new connections.
  virtual void refresh() {}
};

}  // namespace postern::relay
