// What became of a delivery attempt, recipient by recipient: what transports report and relay/event_publisher makes events of.
#pragma once

#include "core/clock.h"
#include "core/status.h"

#include <cstdint>
#include <optional>
#include <string>

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
  Surplus, // the next hop takes no more sessions: it said 421 before MAIL, or none could be had while others stood. Not an attempt
  Restrained,  // we may not give the provider more now; `retry_after` says when. Not an attempt
};

struct RecipientReport {
  std::uint32_t index = 0;  // in the envelope's order
  Outcome outcome = Outcome::Deferred;
  Status status;            // the next hop's last word, or ours where there was none (4.4.1 …)
  std::string remote;       // "mx.example.net [192.0.2.1]:25"; empty for the simulation
  std::optional<Duration> retry_after;  // Deferred: overrides the queue's schedule (simulation); Restrained
  Contact contact = Contact::Good;
  bool is_own_word = false;  // `status` is ours, whoever is at the other end
};

}  // namespace postern::relay
