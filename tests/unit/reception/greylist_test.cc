#include "reception/greylist.h"

#include <gtest/gtest.h>

namespace postern::reception {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

struct GreylistTest : ::testing::Test {
  Greylist list;
  Instant now = Instant(hours(500'000));
  static constexpr Duration kDelay = minutes(5);

  std::optional<seconds> wait(const char* peer, std::string from = "ann@example.net", std::string to = "sales@example.org") {
    return list.wait_of({*parse_ip_address(peer), std::move(from), std::move(to)}, kDelay, now);
  }
};

TEST_F(GreylistTest, AsksANewcomerToComeAgainAndKnowsItThen) {
  EXPECT_EQ(wait("192.0.2.1"), minutes(5));
  now += seconds(90);
  EXPECT_EQ(wait("192.0.2.1"), seconds(210)) << "coming sooner wins nothing";
  now += seconds(210);
  EXPECT_EQ(wait("192.0.2.1"), std::nullopt);
  EXPECT_EQ(wait("192.0.2.1", "bob@elsewhere.example", "other@example.org"), std::nullopt) << "its network is known";
  EXPECT_EQ(wait("198.51.100.1"), minutes(5)) << "another is not";
}

TEST_F(GreylistTest, TellsApartWhoIsWrittenToByWhom) {
  EXPECT_TRUE(wait("192.0.2.1"));
  now += kDelay;
  EXPECT_TRUE(wait("192.0.2.1", "other@example.net"));
  EXPECT_TRUE(wait("192.0.2.1", "ann@example.net", "other@example.org"));
  EXPECT_EQ(wait("192.0.2.1", "ANN@Example.net", "Sales@example.org"), std::nullopt) << "whatever the case of letters";
}

TEST_F(GreylistTest, TakesAnIpv6SixtyFourForOne) {
  EXPECT_TRUE(wait("2001:db8::1"));
  now += kDelay;
  EXPECT_EQ(wait("2001:db8::2"), std::nullopt);
  EXPECT_TRUE(wait("2001:db8:0:1::1"));
}

TEST_F(GreylistTest, ForgetsWhoComesTooLateAndWhoStaysAway) {
  EXPECT_TRUE(wait("192.0.2.1"));
  now += kNewcomerWindow + seconds(1);
  EXPECT_EQ(wait("192.0.2.1"), minutes(5)) << "as if it were the first time";
  now += kDelay;
  EXPECT_EQ(wait("192.0.2.1"), std::nullopt);
  now += kKnownFor - hours(1);
  EXPECT_EQ(wait("192.0.2.1"), std::nullopt);
  now += kKnownFor - hours(1);
  EXPECT_EQ(wait("192.0.2.1"), std::nullopt) << "since it was last here";
  now += kKnownFor;
  EXPECT_TRUE(wait("192.0.2.1"));
}

TEST_F(GreylistTest, RemembersABoundedNumberOfNewcomers) {
  EXPECT_TRUE(wait("192.0.2.1"));
  for (std::size_t i = 0; i < kMaxNewcomers; ++i) EXPECT_TRUE(wait("198.51.100.1", std::to_string(i)));
  now += kDelay;
  EXPECT_EQ(wait("192.0.2.1"), minutes(5)) << "the one that was longest quiet is asked again";
  EXPECT_EQ(list.wait_of({*parse_ip_address("203.0.113.1"), std::string(100'000, 'a'), "x"}, kDelay, now), minutes(5));
}

TEST_F(GreylistTest, DoesNotWaitForAClockThatWasSetBack) {
  EXPECT_TRUE(wait("192.0.2.1"));
  now -= days(1);
  EXPECT_EQ(wait("192.0.2.1"), minutes(5));
}

}  // namespace
}  // namespace postern::reception
