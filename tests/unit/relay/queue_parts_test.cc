// The small pure parts of the queue: leases, turns, shares, held mail, walks, what other threads
// say.
#include "relay/accepted_mail.h"
#include "relay/held_mail.h"
#include "relay/holdings.h"
#include "relay/index_walk.h"
#include "relay/lease_table.h"
#include "relay/turns.h"

#include <gtest/gtest.h>

namespace postern::relay {
namespace {

MessageId message_of(std::uint8_t number) {
  MessageId id;
  id.octets.back() = number;
  return id;
}
store::DueEntry entry_of(std::uint8_t number, int second) {
  return {
      .due = Instant{std::chrono::seconds(second)}, .id = message_of(number), .lane = "a.example"};
}

TEST(LeaseTable, KeepsAMessageFromItsDestinationOnly) {
  const auto is_current = [](HopId hop) { return hop < 10; };
  LeaseTable leases;
  const auto one = leases.add(1, entry_of(1, 10).key(), {}, Instant{});
  EXPECT_TRUE(leases.has(1, entry_of(1, 10), is_current));
  EXPECT_FALSE(leases.has(2, entry_of(1, 10), is_current))
      << "the other recipients go by themselves";
  EXPECT_FALSE(leases.has(1, entry_of(2, 10), is_current));
  EXPECT_TRUE(one->left.empty());
  const auto two = leases.add(2, entry_of(1, 10).key(), {}, Instant{});
  leases.remove(one);
  EXPECT_FALSE(leases.has(1, entry_of(1, 10), is_current));
  EXPECT_TRUE(leases.has(2, entry_of(1, 10), is_current));
  leases.remove(two);
  EXPECT_FALSE(leases.contains(message_of(1)));
}

TEST(LeaseTable, RemembersWhatTheLeaseWasNotGivenFor) {
  const auto is_current = [](HopId hop) { return hop < 10; };
  LeaseTable leases;
  const auto moved = leases.add(1, entry_of(1, 10).key(), {}, Instant{});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(leases.has(1, entry_of(1, 20), is_current));
  EXPECT_EQ(moved->left, std::vector{entry_of(1, 20)}) << "once";
  const auto before_a_reload = leases.add(11, entry_of(2, 10).key(), {}, Instant{});
  EXPECT_TRUE(leases.has(3, entry_of(2, 10), is_current)) << "who knows what it has";
  EXPECT_EQ(before_a_reload->left, std::vector{entry_of(2, 10)});
  const auto of_all = leases.add(LeaseTable::kAnyHop, entry_of(3, 10).key(), {}, Instant{});
  EXPECT_TRUE(leases.has(4, entry_of(3, 10), is_current));
  EXPECT_EQ(of_all->left, std::vector{entry_of(3, 10)});
}

TEST(Holdings, SharesEquallyAndKeepsAPartForWhoComesNext) {
  Holdings holdings(1'000);
  EXPECT_EQ(holdings.share(), 1'000U);
  holdings.took(500, true);
  EXPECT_EQ(holdings.share(), 500U);
  holdings.took(500, true);
  EXPECT_EQ(holdings.share(), 333U);
  EXPECT_TRUE(holdings.is_full());
  EXPECT_FALSE(holdings.is_brimful());
  EXPECT_TRUE(holdings.lost(1, false)) << "there is room again";
  EXPECT_FALSE(holdings.lost(1, false));
  EXPECT_FALSE(holdings.lost(498, true));
  EXPECT_EQ(holdings.share(), 500U);
  for (int i = 0; i < 100; ++i) holdings.took(1, true);
  EXPECT_EQ(holdings.share(), Holdings::kLeastShare);
}

TEST(Turns, GoRoundAndHaveNobodyTwice) {
  Turns turns;
  for (const HopId hop : {1, 2, 1, 3, 2}) turns.join(hop);
  EXPECT_EQ(turns.next(), HopId{1});
  turns.join(1);
  EXPECT_EQ(turns.next(), HopId{2});
  EXPECT_EQ(turns.next(), HopId{3});
  EXPECT_EQ(turns.next(), HopId{1});
  EXPECT_EQ(turns.next(), std::nullopt);
  EXPECT_TRUE(turns.is_empty());
}

TEST(HeldMail, IsForgottenWithItsAccount) {
  const AccountId mine{{1}};
  const AccountId theirs{{2}};
  HeldMail held;
  held.add(mine, message_of(1));
  held.add(theirs, message_of(2));
  EXPECT_FALSE(held.release([](const AccountId&) { return false; }));
  EXPECT_TRUE(held.release([&](const AccountId& account) { return account == mine; }));
  EXPECT_FALSE(held.contains(message_of(1)));
  EXPECT_TRUE(held.contains(message_of(2)));
  EXPECT_FALSE(held.release([&](const AccountId& account) { return account == mine; })) << "once";
}

TEST(IndexWalk, GoesOnWhereItStoppedAndEndsOnce) {
  IndexWalk walk;
  EXPECT_FALSE(walk.is_on());
  walk.begin();
  std::vector<store::DueEntry> slice;
  for (std::size_t i = 0; i < IndexWalk::kSlice; ++i)
    slice.push_back(entry_of(static_cast<std::uint8_t>(i), 1));
  EXPECT_TRUE(walk.go_on(slice, [](const auto&) { return true; }));
  EXPECT_EQ(walk.after(), slice.back());
  EXPECT_FALSE(walk.go_on(slice, [&](const store::DueEntry& entry) { return entry != slice[3]; }));
  EXPECT_EQ(walk.after(), slice[2]) << "to be gone on from later";
  EXPECT_TRUE(walk.is_on());
  walk.begin_unless_on();
  EXPECT_TRUE(walk.after());
  EXPECT_FALSE(walk.go_on({slice[0]}, [](const auto&) { return true; }));
  EXPECT_FALSE(walk.is_on());
  walk.begin_unless_on();
  EXPECT_FALSE(walk.after());
}

TEST(AcceptedMail, IsFoundInTheIndexBeyondItsBound) {
  AcceptedMail accepted;
  EXPECT_TRUE(accepted.wants_wake());
  EXPECT_FALSE(accepted.wants_wake()) << "somebody has";
  accepted.woke();
  EXPECT_TRUE(accepted.wants_wake());
  for (std::size_t i = 0; i < AcceptedMail::kMax; ++i) accepted.add(entry_of(1, 1));
  EXPECT_FALSE(accepted.take_more());
  accepted.add(entry_of(2, 1));
  EXPECT_TRUE(accepted.take_more());
  EXPECT_FALSE(accepted.take_more());
  EXPECT_EQ(accepted.take().size(), AcceptedMail::kMax);
  EXPECT_TRUE(accepted.take().empty());
}

}  // namespace
}  // namespace postern::relay
