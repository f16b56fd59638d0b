// Asks the running relay for its greeting and for EHLO, as a client would: a process that hangs still has its connections accepted,
// by the kernel.
#pragma once

#include "app/settings.h"

#include <chrono>
#include <string>

namespace postern::app {

struct HealthProbe {
  bool is_good = false;
  std::string words;  // who was asked, and what came of it
};

// Of the first listener that takes clients without a PROXY header. Blocks until it is done or `limit` is over.
HealthProbe probe_health(const Settings& settings, std::chrono::seconds limit);

}  // namespace postern::app
