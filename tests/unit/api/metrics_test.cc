#include "api/metrics.h"

#include "tests/support/fake_clock.h"

#include <gtest/gtest.h>

namespace postern::api {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

class MetricsTest : public testing::Test {
 protected:
  test::FakeClock clock_{Instant{std::chrono::seconds(1'000)}};
  Metrics metrics_{clock_};
};

TEST_F(MetricsTest, CountsRequestsByOperationAndStatus) {
  metrics_.count_request("sendEmail", 200, milliseconds(20));
  metrics_.count_request("sendEmail", 200, milliseconds(700));
  metrics_.count_request("sendEmail", 422, milliseconds(1));
  const std::string text = metrics_.text();
  EXPECT_THAT(text, HasSubstr("postern_http_requests_total{operation=\"sendEmail\",status=\"200\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("postern_http_requests_total{operation=\"sendEmail\",status=\"422\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("postern_http_request_duration_seconds_bucket{operation=\"sendEmail\",le=\"0.025\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("postern_http_request_duration_seconds_count{operation=\"sendEmail\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE postern_http_requests_total counter\n"));
}

TEST_F(MetricsTest, CountsWhatTheProductDoes) {
  metrics_.count_submission(Door::Http);
  metrics_.count_refusal(Door::Smtp, "rate_limited");
  metrics_.count_auth_failure(Door::Smtp);
  const std::string text = metrics_.text();
  EXPECT_THAT(text, HasSubstr("postern_submissions_total{door=\"http\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("postern_submissions_total{door=\"smtp\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("postern_refusals_total{door=\"smtp\",token=\"rate_limited\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("postern_auth_failures_total{door=\"smtp\"} 1\n"));
}

TEST_F(MetricsTest, SaysWhenTheProcessStarted) {
  clock_.advance(std::chrono::hours(1));
  EXPECT_THAT(metrics_.text(), HasSubstr("process_start_time_seconds 1000\n"));
}

TEST_F(MetricsTest, ReadsGaugesWhenItIsAsked) {
  double queued = 1;
  metrics_.set_gauges([&queued] { return std::vector<GaugeReading>{{"postern_queue_messages", "Messages not settled.", queued}}; });
  queued = 7;
  EXPECT_THAT(metrics_.text(),
              HasSubstr("# HELP postern_queue_messages Messages not settled.\n# TYPE postern_queue_messages gauge\n"
                        "postern_queue_messages 7\n"));
}

}  // namespace
}  // namespace postern::api
