#include "core/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <iterator>
#include <mutex>

namespace postern::metrics {
namespace {

constexpr double kNanoseconds = 1e9;  // in a second

struct Registry {
  std::mutex mutex;
  std::vector<const Family*> families;  // in the order of their names
};

// Never destroyed: families at namespace scope leave it at the very end.
Registry& registry() {
  static Registry* const instance = new Registry;
  return *instance;
}

bool by_name(const Family* a, const Family* b) { return a->name() < b->name(); }

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::Counter: return "counter";
    case Kind::Gauge: return "gauge";
    case Kind::Histogram: return "histogram";
  }
  return "";
}

prometheus::MetricType type_of(Kind kind) {
  switch (kind) {
    case Kind::Counter: return prometheus::MetricType::Counter;
    case Kind::Gauge: return prometheus::MetricType::Gauge;
    case Kind::Histogram: return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

prometheus::ClientMetric series_with_labels(const std::vector<Label>& labels, std::size_t index) {
  prometheus::ClientMetric series;
  series.label.resize(labels.size());
  for (std::size_t i = labels.size(); i > 0; --i) {
    const Label& label = labels[i - 1];
    series.label[i - 1] = {label.name, label.values[index % label.values.size()]};
    index /= label.values.size();
  }
  return series;
}

}  // namespace

Family::Family(Kind kind, std::string_view name, std::string_view help, std::vector<Label> labels)
    : name_(name), help_(help), kind_(kind), labels_(std::move(labels)) {
  for (const Label& label : labels_) series_count_ *= label.values.size();
  const std::lock_guard lock(registry().mutex);
  auto& families = registry().families;
  families.insert(std::ranges::lower_bound(families, this, by_name), this);
}

Family::~Family() {
  const std::lock_guard lock(registry().mutex);
  std::erase(registry().families, this);
}

std::size_t Family::place_of(std::string_view value) const {
  const std::vector<std::string>& values = labels_.back().values;
  const auto found = std::ranges::find(values, value);
  return static_cast<std::size_t>(std::min(found, values.end() - 1) - values.begin());
}

prometheus::MetricFamily Family::described() const {
  prometheus::MetricFamily family;
  family.name = name_;
  family.help = help_;
  family.type = type_of(kind_);
  return family;
}

Counter::Counter(std::string_view name, std::string_view help, std::vector<Label> labels, Zeros zeros)
    : Family(Kind::Counter, name, help, std::move(labels)), zeros_(zeros), cells_(new Cell[series_count()]) {}

prometheus::MetricFamily Counter::collect() const {
  prometheus::MetricFamily family = described();
  for (std::size_t i = 0; i < series_count(); ++i) {
    const std::uint64_t value = cells_[i].value();
    if (value == 0 && zeros_ == Zeros::Hidden) continue;
    family.metric.push_back(series_with_labels(labels(), i));
    family.metric.back().counter.value = static_cast<double>(value);
  }
  return family;
}

Gauge::Gauge(std::string_view name, std::string_view help, std::vector<Label> labels)
    : Family(Kind::Gauge, name, help, std::move(labels)), cells_(new Cell[series_count()]) {}

prometheus::MetricFamily Gauge::collect() const {
  prometheus::MetricFamily family = described();
  for (std::size_t i = 0; i < series_count(); ++i) {
    family.metric.push_back(series_with_labels(labels(), i));
    family.metric.back().gauge.value = cells_[i].value();
  }
  return family;
}

Histogram::Histogram(std::string_view name, std::string_view help, std::vector<double> bounds, Unit unit,
                     std::vector<Label> labels, Zeros zeros)
    : Family(Kind::Histogram, name, help, std::move(labels)),
      bounds_(std::move(bounds)),
      unit_(unit == Unit::Seconds ? kNanoseconds : 1),
      zeros_(zeros),
      cells_(new Cell[series_count()]) {
  for (const double bound : bounds_) ticks_.push_back(static_cast<std::uint64_t>(bound * unit_));
  for (std::size_t i = 0; i < series_count(); ++i) {
    cells_[i].ticks_ = &ticks_;
    cells_[i].buckets_.reset(new std::atomic<std::uint64_t>[bounds_.size() + 1]{});
  }
}

void Histogram::Cell::observe(std::uint64_t ticks) {
  const auto bucket = std::ranges::lower_bound(*ticks_, ticks) - ticks_->begin();
  buckets_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(ticks, std::memory_order_relaxed);
}

prometheus::MetricFamily Histogram::collect() const {
  prometheus::MetricFamily family = described();
  for (std::size_t i = 0; i < series_count(); ++i) {
    prometheus::ClientMetric series = series_with_labels(labels(), i);
    prometheus::ClientMetric::Histogram& shown = series.histogram;
    for (std::size_t b = 0; b < bounds_.size(); ++b) {
      shown.sample_count += cells_[i].buckets_[b].load(std::memory_order_relaxed);
      shown.bucket.push_back({shown.sample_count, bounds_[b]});
    }
    shown.sample_count += cells_[i].buckets_[bounds_.size()].load(std::memory_order_relaxed);
    shown.sample_sum = static_cast<double>(cells_[i].sum_.load(std::memory_order_relaxed)) / unit_;
    if (shown.sample_count > 0 || zeros_ == Zeros::Shown) family.metric.push_back(std::move(series));
  }
  return family;
}

std::vector<double> short_durations() {
  return {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
}

std::string text() {
  std::vector<prometheus::MetricFamily> families;
  {
    const std::lock_guard lock(registry().mutex);
    for (const Family* family : registry().families) {
      prometheus::MetricFamily collected = family->collect();
      if (families.empty() || families.back().name != collected.name) {
        families.push_back(std::move(collected));
      } else {
        std::ranges::move(collected.metric, std::back_inserter(families.back().metric));
      }
    }
  }
  const prometheus::TextSerializer serializer;
  return static_cast<const prometheus::Serializer&>(serializer).Serialize(families);
}

std::string describe() {
  std::string lines;
  const std::lock_guard lock(registry().mutex);
  const std::string* last = nullptr;
  for (const Family* family : registry().families) {
    if (last != nullptr && *last == family->name()) continue;
    last = &family->name();
    lines += family->name() + "|" + std::string(kind_name(family->kind())) + "|";
    for (std::size_t i = 0; i < family->labels().size(); ++i) {
      lines += (i == 0 ? "" : ",") + family->labels()[i].name;
    }
    lines += "\n";
  }
  return lines;
}

}  // namespace postern::metrics
