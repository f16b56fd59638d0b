// What Prometheus may ask of the process. A metric is an object at namespace scope beside the code that
// counts; all of them are in one registry, as the log is one. To count is one relaxed addition to a
// cell that is found by index: no look-up, no text, no lock. Each label's values are a closed list, so
// the number of series is bounded. Objects of one name are one metric, with the labels' values of all.
// Names follow Prometheus' conventions: base units, _total for counters.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace prometheus {
struct MetricFamily;
}
namespace postern::metrics {

struct Label {
  std::string name;
  std::vector<std::string> values;
};

enum class Kind { Counter, Gauge, Histogram };

// Used through the three below.
class Family {
 public:
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;
  virtual ~Family();

  const std::string& name() const { return name_; }
  const std::string& help() const { return help_; }
  Kind kind() const { return kind_; }
  const std::vector<Label>& labels() const { return labels_; }
  // Of a value of the last label, looked for; of its last value where it has none such.
  std::size_t place_of(std::string_view value) const;
  // The family with those series that are shown.
  virtual prometheus::MetricFamily collect() const = 0;

 protected:
  Family(Kind kind, std::string_view name, std::string_view help, std::vector<Label> labels);
  // Of all combinations of labels' values; the last label's values are neighbours.
  std::size_t series_count() const { return series_count_; }
  template <class... Index>
  std::size_t index_of(Index... index) const {
    std::size_t at = 0;
    std::size_t label = 0;
    ((at = at * labels_[label++].values.size() + static_cast<std::size_t>(index)), ...);
    return at;
  }
  prometheus::MetricFamily described() const;

 private:
  const std::string name_;
  const std::string help_;
  const Kind kind_;
  const std::vector<Label> labels_;
  std::size_t series_count_ = 1;
};

// Series that never counted are shown as 0, so that rate() sees their first event; where a family has
// hundreds, only those that have.
enum class Zeros { Shown, Hidden };

class Counter final : public Family {
 public:
  Counter(std::string_view name, std::string_view help, std::vector<Label> labels = {},
          Zeros zeros = Zeros::Shown);

  class Cell {
   public:
    void add(std::uint64_t count = 1) { value_.fetch_add(count, std::memory_order_relaxed); }
    std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

   private:
    std::atomic<std::uint64_t> value_{0};
  };
  // Without labels.
  void add(std::uint64_t count = 1) { cells_[0].add(count); }
  // One index for each label, in order: an enumerator or a place in the label's values.
  template <class... Index>
  Cell& at(Index... index) {
    return cells_[index_of(index...)];
  }
  // Where the only label with several values is the last: by its value, looked for; one that is not
  // there counts as the last of them. For what is rare.
  Cell& at_value(std::string_view value) { return cells_[place_of(value)]; }
  prometheus::MetricFamily collect() const override;

 private:
  const Zeros zeros_;
  std::unique_ptr<Cell[]> cells_;
};

class Gauge final : public Family {
 public:
  Gauge(std::string_view name, std::string_view help, std::vector<Label> labels = {});

  class Cell {
   public:
    void set(double value) { value_.store(value, std::memory_order_relaxed); }
    void add(double difference) { value_.fetch_add(difference, std::memory_order_relaxed); }
    double value() const { return value_.load(std::memory_order_relaxed); }

   private:
    std::atomic<double> value_{0};
  };
  void set(double value) { cells_[0].set(value); }
  void add(double difference) { cells_[0].add(difference); }
  double value() const { return cells_[0].value(); }
  template <class... Index>
  Cell& at(Index... index) {
    return cells_[index_of(index...)];
  }
  prometheus::MetricFamily collect() const override;

 private:
  std::unique_ptr<Cell[]> cells_;
};

// Open while it lives: connections, look-ups.
class Counted {
 public:
  explicit Counted(Gauge& gauge) : gauge_(gauge) { gauge_.add(1); }
  ~Counted() { gauge_.add(-1); }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  Gauge& gauge_;
};

// Of durations, shown in seconds, or of counts.
enum class Unit { Seconds, Counts };

class Histogram final : public Family {
 public:
  // `bounds` rise: the upper ends of the buckets, in the unit.
  Histogram(std::string_view name, std::string_view help, std::vector<double> bounds, Unit unit,
            std::vector<Label> labels = {}, Zeros zeros = Zeros::Shown);

  class Cell {
   public:
    // Nanoseconds where the unit is seconds.
    void observe(std::uint64_t ticks);
    void observe(std::chrono::nanoseconds lasted) {
      observe(static_cast<std::uint64_t>(lasted.count() > 0 ? lasted.count() : 0));
    }

   private:
    friend class Histogram;
    const std::vector<std::uint64_t>* ticks_ = nullptr;      // the family's bounds
    std::unique_ptr<std::atomic<std::uint64_t>[]> buckets_;  // one above the bounds too
    std::atomic<std::uint64_t> sum_{0};
  };
  template <class Value>
  void observe(Value value) {
    cells_[0].observe(value);
  }
  template <class... Index>
  Cell& at(Index... index) {
    return cells_[index_of(index...)];
  }
  prometheus::MetricFamily collect() const override;

 private:
  const std::vector<double> bounds_;
  const double unit_;
  const Zeros zeros_;
  std::vector<std::uint64_t> ticks_;
  std::unique_ptr<Cell[]> cells_;
};

// Some milliseconds to some seconds: requests, commits, look-ups.
std::vector<double> short_durations();

// Text exposition format 0.0.4 of all families that live, in the order of their names. Any thread.
std::string text();
inline constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

// "name|counter|door,token", a line each, in the order of their names: for tests of what is documented.
std::string describe();

}  // namespace postern::metrics
