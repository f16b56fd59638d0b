#include "core/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace postern::metrics {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

enum class Side { In, Out };

TEST(Metrics, CountByLabelsAndShowWhatNeverCounted) {
  Counter counter("test_things_total", "Things.", {{"side", {"in", "out"}}, {"colour", {"red", "blue"}}});
  counter.at(Side::Out, 1).add();
  counter.at(Side::Out, 1).add(2);
  const std::string shown = text();
  EXPECT_THAT(shown, HasSubstr("# HELP test_things_total Things.\n# TYPE test_things_total counter\n"));
  EXPECT_THAT(shown, HasSubstr("test_things_total{side=\"out\",colour=\"blue\"} 3\n"));
  EXPECT_THAT(shown, HasSubstr("test_things_total{side=\"in\",colour=\"red\"} 0\n"));
}

TEST(Metrics, OfManySeriesShowThoseThatCounted) {
  Counter counter("test_many_total", "Many.", {{"side", {"in", "out"}}}, Zeros::Hidden);
  Histogram histogram("test_many_seconds", "Many.", {1}, Unit::Seconds, {{"side", {"in", "out"}}}, Zeros::Hidden);
  counter.at(Side::In).add();
  histogram.at(Side::In).observe(milliseconds(1));
  const std::string shown = text();
  EXPECT_THAT(shown, HasSubstr("test_many_total{side=\"in\"} 1\n"));
  EXPECT_THAT(shown, Not(HasSubstr("test_many_total{side=\"out\"")));
  EXPECT_THAT(shown, Not(HasSubstr("test_many_seconds_count{side=\"out\"")));
}

TEST(Metrics, GaugesRiseAndFall) {
  Gauge gauge("test_open", "Open.");
  {
    const Counted one(gauge);
    const Counted two(gauge);
    EXPECT_THAT(text(), HasSubstr("# TYPE test_open gauge\ntest_open 2\n"));
  }
  EXPECT_THAT(text(), HasSubstr("\ntest_open 0\n"));
  gauge.set(0.5);
  EXPECT_THAT(text(), HasSubstr("\ntest_open 0.5\n"));
}

TEST(Metrics, HistogramsOfDurationsAreInSeconds) {
  Histogram histogram("test_seconds", "Time.", {0.01, 0.1}, Unit::Seconds);
  histogram.observe(milliseconds(10));  // a bound belongs to its bucket
  histogram.observe(milliseconds(50));
  histogram.observe(std::chrono::seconds(2));
  histogram.observe(milliseconds(-1));  // a clock that was set back
  const std::string shown = text();
  EXPECT_THAT(shown, HasSubstr("test_seconds_bucket{le=\"0.01\"} 2\n"));
  EXPECT_THAT(shown, HasSubstr("test_seconds_bucket{le=\"0.1\"} 3\n"));
  EXPECT_THAT(shown, HasSubstr("test_seconds_bucket{le=\"+Inf\"} 4\n"));
  EXPECT_THAT(shown, HasSubstr("test_seconds_count 4\n"));
  EXPECT_THAT(shown, HasSubstr("test_seconds_sum 2.06\n"));
}

TEST(Metrics, HistogramsOfCountsAreInCounts) {
  Histogram histogram("test_batch_size", "Batch.", {1, 8}, Unit::Counts);
  for (const std::uint64_t size : {1U, 2U, 30U}) histogram.observe(size);
  const std::string shown = text();
  EXPECT_THAT(shown, HasSubstr("test_batch_size_bucket{le=\"1\"} 1\n"));
  EXPECT_THAT(shown, HasSubstr("test_batch_size_bucket{le=\"8\"} 2\n"));
  EXPECT_THAT(shown, HasSubstr("test_batch_size_sum 33\n"));
}

TEST(Metrics, LeaveWithTheirObjectAndComeInOrder) {
  {
    const Counter counter("test_b_total", "B.", {{"side", {"in"}}});
    const Gauge gauge("test_a", "A.");
    EXPECT_THAT(describe(), HasSubstr("test_a|gauge|\ntest_b_total|counter|side\n"));
  }
  EXPECT_THAT(describe(), Not(HasSubstr("test_a|")));
}

TEST(Metrics, OfOneNameAreOneAndMayBeCountedByAValue) {
  Counter smtp("test_refusals_total", "Refusals.", {{"door", {"smtp"}}, {"token", {"a", "other"}}}, Zeros::Hidden);
  Counter http("test_refusals_total", "Refusals.", {{"door", {"http"}}, {"token", {"b", "other"}}}, Zeros::Hidden);
  smtp.at_value("a").add();
  http.at_value("b").add();
  http.at_value("never heard of").add();
  const std::string shown = text();
  EXPECT_EQ(shown.find("# TYPE test_refusals_total"), shown.rfind("# TYPE test_refusals_total"));
  EXPECT_THAT(shown, HasSubstr("test_refusals_total{door=\"smtp\",token=\"a\"} 1\n"));
  EXPECT_THAT(shown, HasSubstr("test_refusals_total{door=\"http\",token=\"b\"} 1\n"));
  EXPECT_THAT(shown, HasSubstr("test_refusals_total{door=\"http\",token=\"other\"} 1\n"));
}

TEST(Metrics, CountFromManyThreads) {
  Counter counter("test_threads_total", "Threads.");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&counter] {
      for (int n = 0; n < 10'000; ++n) counter.add();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(text(), HasSubstr("\ntest_threads_total 40000\n"));
}

}  // namespace
}  // namespace postern::metrics
