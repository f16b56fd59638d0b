// What everybody needs who takes mail in for accounts.
#pragma once

#include "core/clock.h"
#include "core/random.h"
#include "dns/resolver.h"
#include "domains/return_path.h"
#include "store/store.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace postern::reception {

struct ReceptionSettings {
  std::string hostname;                       // in trace headers
  Duration retention = std::chrono::days(7);  // of what came in, content and record
  std::uint32_t max_received_fields = 50;     // RFC 5321 §6.3; more is a loop
  std::uint32_t messages_per_second = 20;     // from one IPv4 address or IPv6 /64; loopback speaks for many
  Duration greylist_delay{0};                 // 0: nobody is sent away
  std::chrono::milliseconds check_limit = std::chrono::seconds(15);  // for what the checks of one message ask the DNS
};

// All of it outlives every conversation; every member may be used from any thread.
struct ReceptionContext {
  store::Store& store;
  const domains::ReturnPaths& return_paths;
  dns::Resolver& resolver;
  const Clock& clock;
  Random& random;
  // A message was committed; somebody has to read it.
  std::function<void(bool is_unread)> taken_in;
  ReceptionSettings settings;
};

}  // namespace postern::reception
