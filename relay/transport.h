// Transport: a way to take a message onward. Two exist: relay/smtp_transport and relay/simulated_transport.
#pragma once

#include "net/awaitable.h"
#include "relay/outcome.h"
#include "relay/route.h"
#include "store/records.h"

#include <cstdint>
#include <vector>

namespace postern::relay {

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
