// Transport: a way to take a message onward. Two exist: relay/smtp_transport and relay/simulated_transport.
#pragma once

#include "net/awaitable.h"
#include "relay/outcome.h"
#include "relay/route.h"
#include "store/records.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace postern::relay {

struct DeliveryRequest {
  const store::StoredMessage* message = nullptr;  // outlives the delivery
  std::vector<std::uint32_t> recipients;          // indices, all with the same route
  const Route* route = nullptr;                   // null for the simulation
  // Gives the request that will be delivered next, if there is one already: of another message, no part of which is under way.
  // Called once at most, while this one is delivered; what it gives outlives that. A transport may begin with it (has_begun()).
  // Empty, or null: there is none.
  std::function<const DeliveryRequest*()> look_ahead{};
};

// On the queue's executor only.
class Transport {
 public:
  virtual ~Transport() = default;
  // One report for each recipient asked for, in any order. Never throws, never waits without a deadline.
  virtual net::Awaitable<std::vector<RecipientReport>> deliver(DeliveryRequest request) = 0;
  // Whether it has begun with the request that look_ahead gave: then that one's deliver() is called next, without fail.
  virtual bool has_begun(const DeliveryRequest&) const { return false; }
  // Ends every connection: idle ones in order, running deliveries at once, with Deferred where nothing was settled. Later
  // calls of deliver() are deferred without a connection.
  virtual void cancel() = 0;
  // The route is not in force any more: idle connections end, those in use end with their delivery.
  virtual void retire() {}
  // What the route names outside of the configuration (a file with certificates) is read again for new connections.
  virtual void refresh() {}
};

}  // namespace postern::relay
