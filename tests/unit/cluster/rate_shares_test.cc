#include "cluster/rate_shares.h"

#include <gtest/gtest.h>

namespace postern::cluster {
namespace {

using std::chrono::seconds;
using Time = RateShares::Time;

constexpr RatedId kWho{1};

// One exchange between nodes, as the database carries it.
void exchange(std::vector<RateShares*> nodes, Time at) {
  std::vector<std::vector<RateShares::Demand>> said;
  for (RateShares* node : nodes) said.push_back(node->take_demand(at));
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    std::vector<RateShares::Demand> others;
    for (std::size_t k = 0; k < nodes.size(); ++k) {
      if (k != i) others.insert(others.end(), said[k].begin(), said[k].end());
    }
    nodes[i]->told(said[i], others);
  }
}

TEST(RateShares, AreAllOfTheRateWhereNobodyElseAsks) {
  RateShares alone;
  Time at{seconds(100)};
  EXPECT_EQ(alone.share(kWho, 1, at), 1);
  exchange({&alone}, at + seconds(1));
  EXPECT_EQ(alone.share(kWho, 1, at + seconds(1)), 1);
}

TEST(RateShares, AddUpToTheWholeByDemand) {
  RateShares a, b, c;
  Time at{seconds(100)};
  exchange({&a, &b, &c}, at);
  for (int second = 0; second < 5; ++second) {
    a.share(kWho, 60, at);
    b.share(kWho, 30, at);
    c.share(kWho, 10, at);
    at += seconds(1);
    exchange({&a, &b, &c}, at);
  }
  EXPECT_NEAR(a.share(kWho, 0, at), 0.6, 1e-9);
  EXPECT_NEAR(b.share(kWho, 0, at), 0.3, 1e-9);
  EXPECT_NEAR(c.share(kWho, 0, at), 0.1, 1e-9);
}

TEST(RateShares, GoToWhoStillAsks) {
  RateShares a, b;
  Time at{seconds(100)};
  exchange({&a, &b}, at);
  a.share(kWho, 10, at);
  b.share(kWho, 10, at);
  exchange({&a, &b}, at + seconds(1));
  EXPECT_NEAR(a.share(kWho, 10, at + seconds(1)), 0.5, 1e-9);
  for (int second = 2; second < 8; ++second) {
    a.share(kWho, 10, at + seconds(second));
    exchange({&a, &b}, at + seconds(second));
  }
  EXPECT_EQ(a.share(kWho, 10, at + seconds(8)), 1);
}

TEST(RateShares, StayWhileNobodyCanBeAsked) {
  RateShares a, b;
  Time at{seconds(100)};
  exchange({&a, &b}, at);
  a.share(kWho, 10, at);
  b.share(kWho, 10, at);
  exchange({&a, &b}, at + seconds(1));
  for (int second = 1; second < 600; ++second) EXPECT_NEAR(a.share(kWho, 10, at + seconds(second)), 0.5, 1e-9);
}

TEST(RateShares, BeginAnewBehindAPause) {
  RateShares a, b;
  Time at{seconds(100)};
  exchange({&a, &b}, at);
  a.share(kWho, 10, at);
  b.share(kWho, 10, at);
  exchange({&a, &b}, at + seconds(1));
  EXPECT_EQ(a.share(kWho, 1, at + seconds(60)), 1);
}

}  // namespace
}  // namespace postern::cluster
