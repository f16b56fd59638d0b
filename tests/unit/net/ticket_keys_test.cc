#include "net/ticket_keys.h"

#include <array>
#include <chrono>


namespace postern::net {
namespace {

using std::chrono::hours;

constexpr TicketKeys::Clock::time_point kStart{hours(1000)};

TEST(TicketKeys, AKeySealsForTwelveHoursAndOpensForTwentyFour) {
  TicketKeys keys;
  const auto first = keys.sealing_key(kStart).value();
  EXPECT_EQ(keys.sealing_key(kStart + hours(11)).value().name, first.name);
  const auto second = keys.sealing_key(kStart + hours(12)).value();
  EXPECT_NE(second.name, first.name);
  EXPECT_NE(second.cipher, first.cipher);
  EXPECT_NE(second.mac, first.mac);
  EXPECT_TRUE(keys.opening_key(first.name, kStart + hours(23)).has_value());
  EXPECT_FALSE(keys.opening_key(first.name, kStart + hours(24)).has_value());
  EXPECT_TRUE(keys.opening_key(second.name, kStart + hours(24)).has_value());
}

TEST(TicketKeys, NoMoreThanTwoAreKept) {
  TicketKeys keys;
  const auto first = keys.sealing_key(kStart).value();
  static_cast<void>(keys.sealing_key(kStart + hours(12)));
  static_cast<void>(keys.sealing_key(kStart + hours(24)));
  EXPECT_FALSE(keys.opening_key(first.name, kStart).has_value());
}

TEST(TicketKeys, AKeyThatNobodyRenewedOpensNothingAfterItsTime) {
  TicketKeys keys;
  const auto only = keys.sealing_key(kStart).value();
  EXPECT_FALSE(keys.opening_key(only.name, kStart + hours(24 * 365)).has_value());
}

TEST(TicketKeys, AStrangersNameOpensNothing) {
  TicketKeys keys;
  static_cast<void>(keys.sealing_key(kStart));
  const std::array<unsigned char, 16> stranger{};
  EXPECT_FALSE(keys.opening_key(stranger, kStart).has_value());
}

}  // namespace
}  // namespace postern::net
