// Settings → what the queue, and the clocks of runs, go by.
#pragma once

#include "app/settings.h"
#include "relay/queue.h"
#include "relay/run_clock.h"

namespace postern::app {

relay::QueueSettings make_queue_settings(const Settings& settings);
relay::RunClockSettings make_run_clock_settings(const Settings& settings);

}  // namespace postern::app
