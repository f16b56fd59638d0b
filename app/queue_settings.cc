#include "app/queue_settings.h"

#include "app/config_values.h"

#include <chrono>
#include <utility>

namespace postern::app {

relay::QueueSettings make_queue_settings(const Settings& s) {
  relay::QueueSettings queue;
  queue.policy.retry = make_retry_schedule(s);
  // 0 means never: later than any message lives.
  const bool has_notice = s.delay_notice_hours != 0;
  queue.policy.delay_notice_after = std::chrono::hours(has_notice ? s.delay_notice_hours : s.queue_lifetime_hours + 1);
  queue.notices = {.hostname = effective_hostname(s), .capture_retention = std::chrono::hours(s.capture_retention_hours)};
  return queue;
}

relay::RunClockSettings make_run_clock_settings(const Settings& s) {
  relay::QueueSettings queue = make_queue_settings(s);
  return {.simulator_domain = s.simulator_domain, .policy = queue.policy, .notices = std::move(queue.notices)};
}

}  // namespace postern::app
