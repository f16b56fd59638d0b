#include "api/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <map>
#include <utility>

namespace postern::api {
namespace {

// Seconds: reads take a millisecond, a synced submission ten, a password hash a hundred; beyond stand long polls and streams.
const prometheus::Histogram::BucketBoundaries kDurations{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

std::string_view door_name(Door door) { return door == Door::Smtp ? "smtp" : "http"; }

std::array<prometheus::Counter*, 2> of_both_doors(prometheus::Family<prometheus::Counter>& family) {
  return {&family.Add({{"door", "smtp"}}), &family.Add({{"door", "http"}})};
}

double seconds_of(std::chrono::steady_clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

prometheus::MetricFamily family_of(const GaugeReading& reading) {
  prometheus::MetricFamily family;
  family.name = reading.name;
  family.help = reading.help;
  family.type = prometheus::MetricType::Gauge;
  family.metric.emplace_back().gauge.value = reading.value;
  return family;
}

}  // namespace

class Metrics::Impl {
 public:
  prometheus::Family<prometheus::Counter>& counter(const std::string& name, const std::string& help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }

  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests =
      counter("postern_http_requests_total", "HTTP requests answered, by operation and status.");
  prometheus::Family<prometheus::Histogram>& durations = prometheus::BuildHistogram()
                                                             .Name("postern_http_request_duration_seconds")
                                                             .Help("From the first octet of a request to the last of its response.")
                                                             .Register(registry);
  prometheus::Family<prometheus::Counter>& submissions =
      counter("postern_submissions_total", "Messages accepted: synced to disk and acknowledged.");
  prometheus::Family<prometheus::Counter>& refusals =
      counter("postern_refusals_total",
              "Refused, by door and token: requests over HTTP; credentials, senders, recipients and messages over SMTP.");
  prometheus::Family<prometheus::Counter>& auth_failures = counter("postern_auth_failures_total", "Credentials refused.");
  // Both doors show from the start: a series that appears with its first event hides that event from rate().
  std::array<prometheus::Counter*, 2> submissions_by_door = of_both_doors(submissions);
  std::array<prometheus::Counter*, 2> auth_failures_by_door = of_both_doors(auth_failures);
  std::function<std::vector<GaugeReading>()> read_gauges;
};

Metrics::Metrics(const Clock& clock) : impl_(std::make_unique<Impl>()) {
  const auto since_epoch = std::chrono::duration<double>(clock.now().time_since_epoch());
  prometheus::BuildGauge()
      .Name("process_start_time_seconds")
      .Help("When the process started, in seconds since the epoch.")
      .Register(impl_->registry)
      .Add({})
      .Set(since_epoch.count());
}

Metrics::~Metrics() = default;

void Metrics::count_request(std::string_view operation, std::uint16_t status, std::chrono::steady_clock::duration lasted) {
  const std::string name(operation);
  impl_->requests.Add({{"operation", name}, {"status", std::to_string(status)}}).Increment();
  impl_->durations.Add({{"operation", name}}, kDurations).Observe(seconds_of(lasted));
}

void Metrics::count_submission(Door door) { impl_->submissions_by_door[static_cast<std::size_t>(door)]->Increment(); }

void Metrics::count_refusal(Door door, std::string_view token) {
  impl_->refusals.Add({{"door", std::string(door_name(door))}, {"token", std::string(token)}}).Increment();
}

void Metrics::count_auth_failure(Door door) { impl_->auth_failures_by_door[static_cast<std::size_t>(door)]->Increment(); }

void Metrics::set_gauges(std::function<std::vector<GaugeReading>()> read) { impl_->read_gauges = std::move(read); }

std::string Metrics::text() const {
  std::vector<prometheus::MetricFamily> families = impl_->registry.Collect();
  if (impl_->read_gauges) {
    for (const GaugeReading& reading : impl_->read_gauges()) families.push_back(family_of(reading));
  }
  const prometheus::TextSerializer serializer;
  return static_cast<const prometheus::Serializer&>(serializer).Serialize(families);
}

}  // namespace postern::api
