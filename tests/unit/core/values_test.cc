// Ids, times, statuses, chance: the small values.
#include "core/ids.h"
#include "core/message_id.h"
#include "core/secret.h"
#include "core/status.h"
#include "core/time_format.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_random.h"

#include <gtest/gtest.h>

#include <set>

namespace postern {
namespace {

TEST(MessageId, SortsByTimeAndReadsBack) {
  test::FakeRandom random;
  test::FakeClock clock;
  const MessageId first = make_message_id(clock.now(), random);
  clock.advance(Duration(1));
  const MessageId second = make_message_id(clock.now(), random);
  EXPECT_LT(first, second);
  EXPECT_LT(format_message_id(first), format_message_id(second));
  EXPECT_EQ(parse_message_id(format_message_id(first)), first);
  EXPECT_EQ(first.created() + Duration(1), clock.now());
  for (const char* bad : {"", "0", "zzzzzzzzzzzzzzzzzzzzzzzzzz", "00361g99k3c1ckacl3l8lsbq1"}) {
    EXPECT_FALSE(parse_message_id(bad)) << bad;
  }
}

TEST(MessageId, NamesTheMachineThatMadeItAndStaysUnique) {
  test::FakeRandom random;
  const Instant now{std::chrono::hours(1)};
  const MessageId first = make_message_id(now, random);
  EXPECT_EQ(first.octets[8], 0) << "the only one";
  EXPECT_NE(make_message_id(now, random), first) << "of the same microsecond";
  EXPECT_EQ(first.created(), now);
}

TEST(Ids, CarryTheirTypeInTheirText) {
  test::FakeRandom random;
  const AccountId account = make_account_id(random);
  EXPECT_EQ(parse_account_id(format_id(account)), account);
  EXPECT_FALSE(parse_key_id(format_id(account)));
}

TEST(Status, EnhancedCodesHaveOneForm) {
  EXPECT_EQ(format_enhanced_code(*parse_enhanced_code("5.7.11")), "5.7.11");
  for (const char* bad : {"", "5", "5.7", "5.7.", "3.7.1", "5.07.1", "5.7.1000", "5.7.1.2", "5..1", "a.b.c"}) {
    EXPECT_FALSE(parse_enhanced_code(bad)) << bad;
  }
  EXPECT_EQ(format_enhanced_code(effective_enhanced_code(Status{451, std::nullopt, ""})), "4.0.0");
}

TEST(Time, ReadsBackWhatItWrites) {
  const Instant instant = parse_rfc3339("2026-11-21T09:30:00Z").value();
  EXPECT_EQ(format_rfc3339(instant), "2026-11-21T09:30:00Z");
  EXPECT_EQ(format_rfc5322_date(instant), "Sat, 21 Nov 2026 09:30:00 +0000");
  EXPECT_EQ(format_rfc3339(parse_rfc3339("2026-11-21").value()), "2026-11-21T00:00:00Z");
  for (const char* bad : {"", "2026-13-01", "2026-02-30", "2026-11-21T24:00:00Z", "2026-11-21T09:30:00", "20261121"}) {
    EXPECT_FALSE(parse_rfc3339(bad)) << bad;
  }
}

TEST(Time, ReadsFractionsAndOffsetsOfADateTime) {
  const Instant instant = parse_rfc3339("2026-11-21T09:30:00Z").value();
  for (const char* same : {"2026-11-21T09:30:00Z", "2026-11-21t09:30:00z", "2026-11-21T09:30:00.858Z", "2026-11-21T11:30:00+02:00",
                           "2026-11-20T23:00:00-10:30"}) {
    EXPECT_EQ(parse_date_time(same).value(), instant) << same;
  }
  for (const char* bad : {"", "2026-11-21", "2026-11-21T09:30:00", "2026-11-21 09:30:00Z", "2026-11-21T09:30:00.Z",
                          "2026-11-21T09:30:00+2:00", "2026-11-21T09:30:00+24:00", "2026-11-21T09:30:00+02:00x",
                          "2026-02-30T09:30:00Z", "2026-11-21T25:30:00Z"}) {
    EXPECT_FALSE(parse_date_time(bad)) << bad;
  }
}

TEST(Time, WritesEveryDayAndMonthByItsName) {
  EXPECT_EQ(format_rfc5322_date(parse_rfc3339("2024-02-29T23:59:59Z").value()), "Thu, 29 Feb 2024 23:59:59 +0000");
  EXPECT_EQ(format_rfc5322_date(parse_rfc3339("1999-12-31T00:00:00Z").value()), "Fri, 31 Dec 1999 00:00:00 +0000");
  EXPECT_EQ(format_rfc3339(Instant{std::chrono::seconds(0)}), "1970-01-01T00:00:00Z");
}

TEST(Time, DurationsSayTheirUnit) {
  EXPECT_EQ(parse_duration("30d").value(), std::chrono::days(30));
  EXPECT_EQ(format_duration(std::chrono::minutes(90)), "90m");
  EXPECT_EQ(format_duration(std::chrono::hours(48)), "2d");
  for (const char* bad : {"", "5", "d", "-1d", "1w", "99999999999999999999s"}) EXPECT_FALSE(parse_duration(bad)) << bad;
}

TEST(Random, IsUniformBelowItsBound) {
  SystemRandom random;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 2'000; ++i) {
    const std::uint64_t value = random.below(62);
    ASSERT_LT(value, 62U);
    seen.insert(value);
  }
  EXPECT_EQ(seen.size(), 62U);
}

TEST(Secret, IsEmptyAfterAMove) {
  Secret from(std::string("short"));
  const Secret to(std::move(from));
  EXPECT_EQ(to.reveal(), "short");
  EXPECT_TRUE(from.empty());
}

}  // namespace
}  // namespace postern
