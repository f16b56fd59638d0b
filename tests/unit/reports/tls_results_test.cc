#include "reports/tls_results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::reports {
namespace {

// 2026-11-30 00:00 UTC.
constexpr Instant kMidnight{std::chrono::seconds(1'795'996'800)};

struct TlsDay {
  std::map<std::string, std::string> kept;
  std::set<std::string> erased;
  std::size_t writes = 0;
  std::optional<TlsResults> results;

  TlsDay() { begin(); }
  void begin() {
    results.emplace(TlsResults::Memory{.find = [this](const std::string& key) -> std::optional<std::string> {
                                         const auto found = kept.find(key);
                                         return found == kept.end() ? std::nullopt : std::optional(found->second);
                                       },
                                       .put =
                                           [this](const std::string& key, std::string value) {
                                             kept[key] = std::move(value);
                                             ++writes;
                                           },
                                       .erase_day = [this](const std::string& day) { erased.insert(day); }});
  }
  void see(Instant now, std::optional<std::string> failure = std::nullopt, const std::string& type = "sts",
           const std::string& domain = "example.org") {
    TlsSession session{.type = type, .domain = domain};
    if (failure) session.failure = TlsFailure{.type = *failure, .receiving_host = "mx.example.org"};
    results->add(session, now);
  }
  TlsReport report(const std::string& key) { return read_tls_report(kept.at(key)).value(); }
};

TEST(TlsResults, CountsSessionsByDomainPolicyAndKindOfFailure) {
  TlsDay day;
  day.see(kMidnight);
  day.see(kMidnight);
  day.see(kMidnight, "certificate-expired");
  day.see(kMidnight, "certificate-expired");
  day.see(kMidnight, "certificate-not-trusted");
  day.see(kMidnight, std::nullopt, "no-policy-found");
  day.results->flush();
  const TlsReport report = day.report("2026-11-30 example.org");
  ASSERT_EQ(report.policies.size(), 2U);
  EXPECT_EQ(report.policies[0].successful, 2U);
  EXPECT_EQ(report.policies[0].failed, 3U);
  ASSERT_EQ(report.policies[0].failures.size(), 2U);
  EXPECT_EQ(report.policies[0].failures[0].sessions, 2U);
  EXPECT_EQ(report.policies[1].type, "no-policy-found");
}

TEST(TlsResults, GoOnAfterARestart) {
  TlsDay day;
  day.see(kMidnight);
  day.see(kMidnight, "certificate-expired");
  day.begin();
  day.see(kMidnight + std::chrono::hours(1));
  day.results->flush();
  EXPECT_EQ(day.report("2026-11-30 example.org").policies[0].successful, 2U);
}

TEST(TlsResults, AreWrittenOnceAMinute) {
  TlsDay day;
  for (int i = 0; i < 100; ++i) day.see(kMidnight + std::chrono::milliseconds(i));
  EXPECT_EQ(day.writes, 1U);
  day.see(kMidnight + std::chrono::minutes(1));
  EXPECT_EQ(day.writes, 2U);
  EXPECT_EQ(day.report("2026-11-30 example.org").policies[0].successful, 101U);
}

TEST(TlsResults, BeginAnewAtMidnightAndAreForgottenAfterEightDays) {
  TlsDay day;
  day.see(kMidnight - std::chrono::seconds(1));
  day.see(kMidnight);
  day.results->flush();
  EXPECT_EQ(day.report("2026-11-29 example.org").policies[0].successful, 1U);
  EXPECT_EQ(day.report("2026-11-30 example.org").policies[0].successful, 1U);
  EXPECT_TRUE(day.erased.contains("2026-11-22"));
  EXPECT_FALSE(day.erased.contains("2026-11-23"));
}

TEST(TlsResults, AreBounded) {
  TlsDay day;
  for (std::size_t i = 0; i < kMaxDayFailures + 50; ++i) day.see(kMidnight, "kind " + std::to_string(i));
  for (std::size_t i = 0; i < kMaxDayPolicies + 5; ++i) day.see(kMidnight, std::nullopt, "type " + std::to_string(i));
  for (std::size_t i = 0; i < kMaxTlsDomains + 5; ++i) day.see(kMidnight, std::nullopt, "sts", "d" + std::to_string(i));
  day.see(kMidnight);
  day.results->flush();
  const TlsReport report = day.report("2026-11-30 example.org");
  EXPECT_EQ(report.policies[0].failed, kMaxDayFailures + 50);
  EXPECT_EQ(report.policies[0].failures.size(), kMaxDayFailures);
  EXPECT_EQ(report.policies[0].successful, 1U) << "read again after it was put away";
  EXPECT_EQ(report.policies.size(), kMaxDayPolicies);
}

}  // namespace
}  // namespace postern::reports
