#include "lab/test_plan.h"

#include "core/bytes.h"
#include "core/header_text.h"
#include "lab/script_text.h"

#include <algorithm>

namespace postern::lab {
namespace {

constexpr std::uint64_t kMaxPatienceSeconds = 600;

// In XML 1.0 nothing stands for most controls.
std::string xml_text(std::string_view text) {
  std::string out;
  for (const char c : repaired_utf8(text)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out.push_back(static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? ' ' : c);
    }
  }
  return out;
}

}  // namespace

Result<TestPlan> read_test_plan(std::string_view text) {
  const auto value = trim_ascii_space(text).empty() ? Result<json::value>(json::object()) : parse_script_text(text);
  if (!value) return value.error();
  std::vector<std::string> problems;
  CheckedObject object(*value, {}, problems);
  TestPlan plan;
  plan.name = object.text("name", 100).value_or("postern test");
  json::object script{{"name", plan.name}};
  if (const json::value* rules = object.member("rules")) script["rules"] = *rules;
  if (script.contains("rules")) {
    if (const auto read = read_script(script); !read) problems.push_back(read.error().context());
    plan.run["script"] = std::move(script);
  }
  if (const auto seed = object.number("seed", 0, INT64_MAX)) plan.run["seed"] = *seed;
  if (const auto clock = object.boolean("clock")) plan.run["clock"] = *clock;
  if (const auto seconds = object.number("timeout_seconds", 0, kMaxPatienceSeconds)) plan.patience = std::chrono::seconds(*seconds);
  if (const json::value* expect = object.member("expect")) {
    auto expectations = read_expectations(json::object{{"expect", *expect}});
    if (expectations) plan.expectations = std::move(*expectations);
    if (!expectations) problems.push_back(expectations.error().context());
  }
  object.refuse_unknown();
  if (!problems.empty()) return Error(ErrorCode::InvalidArgument, joined_problems(problems));
  return plan;
}

std::string format_junit(std::string_view suite, const std::vector<Verdict>& verdicts) {
  const auto failed = std::ranges::count_if(verdicts, [](const Verdict& verdict) { return !verdict.has_passed(); });
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"" + xml_text(suite) +
                     "\" tests=\"" + std::to_string(verdicts.size()) + "\" failures=\"" + std::to_string(failed) + "\">\n";
  for (const Verdict& verdict : verdicts) {
    text += "    <testcase classname=\"" + xml_text(suite) + "\" name=\"" + xml_text(verdict.name) + "\"";
    if (verdict.has_passed()) {
      text += "/>\n";
      continue;
    }
    text += ">\n      <failure message=\"" + xml_text(verdict.problems.front()) + "\">";
    for (const std::string& problem : verdict.problems) text += xml_text(problem) + "\n";
    text += "</failure>\n    </testcase>\n";
  }
  return text + "  </testsuite>\n</testsuites>\n";
}

}  // namespace postern::lab
