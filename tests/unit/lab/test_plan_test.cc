#include "lab/test_plan.h"

#include <gmock/gmock.h>

namespace postern::lab {
namespace {

using testing::HasSubstr;

TEST(TestPlan, ReadsARunAndWhatIsExpectedOfIt) {
  const auto plan = read_test_plan(R"(
name = "sign-up"
seed = 7
clock = true
timeout_seconds = 3
[[rules]]
stage = "delivery"
greylist = 1
[[expect]]
name = "the code"
subject = "confirm"
code = true
[expect.header]
"X-Debug" = false
)");
  ASSERT_TRUE(plan) << plan.error().context();
  EXPECT_EQ(plan->name, "sign-up");
  EXPECT_EQ(plan->run.at("seed").to_number<int>(), 7);
  EXPECT_TRUE(plan->run.at("clock").as_bool());
  EXPECT_EQ(plan->run.at("script").at("rules").as_array().size(), 1U);
  EXPECT_EQ(plan->patience, std::chrono::seconds(3));
  ASSERT_EQ(plan->expectations.size(), 1U);
  EXPECT_TRUE(plan->expectations[0].wants_code);
  EXPECT_FALSE(plan->expectations[0].headers.at(0).is_there);
}

TEST(TestPlan, MayBeEmpty) {
  const auto plan = read_test_plan("");
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan->expectations.empty());
  EXPECT_TRUE(plan->run.empty());
}

TEST(TestPlan, TellsAllThatIsWrongAtOnce) {
  const auto plan = read_test_plan(R"({"rules":[{"stage":"x"}],"expect":[{"cuont":1}],"sede":1})");
  ASSERT_FALSE(plan);
  for (const char* problem : {"rules[0].stage", "expect[0].cuont", "sede: there is no such name"}) {
    EXPECT_THAT(plan.error().context(), HasSubstr(problem));
  }
}

TEST(TestPlan, WritesWhatReadersOfJUnitTake) {
  const std::vector<Verdict> verdicts = {{"a & b", {}, {}}, {"<c>", {}, {"count: \"1\"\x01", "second"}}};
  EXPECT_EQ(format_junit("s", verdicts),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"s\" tests=\"2\" failures=\"1\">\n"
            "    <testcase classname=\"s\" name=\"a &amp; b\"/>\n"
            "    <testcase classname=\"s\" name=\"&lt;c&gt;\">\n      <failure message=\"count: &quot;1&quot; \">count: "
            "&quot;1&quot; \nsecond\n</failure>\n    </testcase>\n  </testsuite>\n</testsuites>\n");
}

}  // namespace
}  // namespace postern::lab
