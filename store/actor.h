// Who changes the directory: said once for a thread while it works for somebody, and put down beside every change (store/audit.h).
#pragma once

#include "core/clock.h"
#include "core/ip_address.h"

#include <cstdint>
#include <optional>
#include <string>

namespace postern::store {

// Stored values: never renumber.
enum class ActorKind : std::uint8_t {
  System = 1,  // the server by itself: a domain's records were looked up again, a bounce suppressed an address
  User = 2,
  Key = 3,
  CommandLine = 4,  // who works on this machine
};

struct Actor {
  ActorKind kind = ActorKind::System;
  std::string id = {};    // of the user or key, as text
  std::string name = {};  // for people: an address, a key's name, a user of this machine
  std::optional<IpAddress> address = {};
  std::optional<Instant> at = {};  // nullopt: now, by the machine's clock

  friend bool operator==(const Actor&, const Actor&) = default;
};

// While it lives, what this thread changes is `actor`'s doing. Scopes nest.
class ActorScope {
 public:
  explicit ActorScope(Actor actor);
  ~ActorScope();
  ActorScope(const ActorScope&) = delete;
  ActorScope& operator=(const ActorScope&) = delete;

 private:
  Actor before_;
};

// This thread's; the system where nobody was named.
const Actor& current_actor();

}  // namespace postern::store
