// Metrics: what Prometheus scrapes at /metrics. Over prometheus-cpp; names follow its conventions (unit in the name, _total for
// counters). Labels take values of our own tables only, so the number of series is bounded.
#pragma once

#include "core/clock.h"
#include "core/refusals.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace postern::api {

enum class Door { Smtp, Http };

// A value that is read when it is asked for: queue lengths, open connections, free octets.
struct GaugeReading {
  std::string_view name;  // "postern_queue_messages": literals, each name once
  std::string_view help;
  double value = 0;
};

// Any thread.
class Metrics {
 public:
  // The process starts now.
  explicit Metrics(const Clock& clock);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // `operation` is a route's, or "none".
  void count_request(std::string_view operation, std::uint16_t status, std::chrono::steady_clock::duration lasted);
  // A message was accepted: synced and acknowledged.
  void count_submission(Door door);
  // `token`: the name of a refusal or of an API problem, a literal.
  void count_refusal(Door door, std::string_view token);
  void count_auth_failure(Door door);

  // Called by text(), on its caller's thread. Before the first text().
  void set_gauges(std::function<std::vector<GaugeReading>()> read);

  // Text exposition format 0.0.4.
  std::string text() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace postern::api
