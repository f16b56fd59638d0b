// Opens a session with a route's next hop as the queue would: look-up, connection, TLS, AUTH, then QUIT. No mail is sent.
#pragma once

#include "app/settings.h"

#include <chrono>
#include <string>

namespace postern::app {

struct RouteProbe {
  bool is_good = false;
  bool is_down = false;  // it does not answer, or not now: nothing of the route's own is wrong
  std::string words;  // what was done, and where it failed the reply or the reason
};

// Blocks until it is done or `limit` is over.
RouteProbe probe_route(const Settings& settings, const RouteSettings& route, std::chrono::seconds limit);

}  // namespace postern::app
