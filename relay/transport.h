// Transport: a way to take a message onward. Two exist: relay/smtp_transport and relay/simulated_transport.
#pragma once

#include "core/clock.h"
#include "core/status.h"
#include "net/awaitable.h"
#include "relay/route.h"
#include "store/records.h"

#include <cstdint>
#include <string>
#include <vector>

namespace postern::relay {

enum class Outcome {
  Delivered,   // the next hop took responsibility, and honours DSN itself if it said so
  Relayed,     // the same, but the next hop does not do DSN: a success notice is ours to send (RFC 3461 §5.2.2)
  Deferred,
  Bounced,
  Suppressed,
  Complained,  // delivered, then a complaint
};

struct RecipientReport {
  std::uint32_t index = 0;  // in the envelope's order
  Outcome outcome = Outcome::Deferred;
  Status status;            // the next hop's last word, or ours where there was none (4.4.1 …)
  std::string remote;       // "mx.example.net [192.0.2.1]:25"; empty for the simulation
  std::optional<Duration> retry_after;  // Deferred: overrides the queue's schedule (simulation)
};

struct DeliveryRequest {
  const store::StoredMessage* message = nullptr;  // outlives the delivery
  std::vector<std::uint32_t> recipients;          // indices, all with the same route
  const Route* route = nullptr;                   // null for the simulation
};

class Transport {
 public:
  virtual ~Transport() = default;
  // One report for each recipient asked for, in any order. Never throws, never waits without a deadline.
  virtual net::Awaitable<std::vector<RecipientReport>> deliver(DeliveryRequest request) = 0;
};

}  // namespace postern::relay
