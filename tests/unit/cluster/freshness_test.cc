// A reading is the latest only if its server still commits afterwards.
#include "cluster/freshness.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <random>

namespace postern::cluster {
namespace {

using std::chrono::seconds;

Freshness::Time at(int second) {
  return Freshness::Time{} + seconds(second);
}

TEST(Freshness, KnowsNothingAtFirst) {
  EXPECT_EQ(Freshness().known_at(), std::nullopt);
}

TEST(Freshness, BelievesAReadingBehindWhichACommitWasAcknowledged) {
  Freshness freshness;
  freshness.note_reading(at(1));
  EXPECT_EQ(freshness.known_at(), std::nullopt);
  freshness.note_commit_sent();
  freshness.note_reading(at(2));  // nothing is known about this one
  freshness.note_commit_acknowledged();
  EXPECT_EQ(freshness.known_at(), at(1));
}

TEST(Freshness, BelievesNoReadingOfAServerThatAcknowledgesNothing) {
  Freshness freshness;
  freshness.note_reading(at(1));
  freshness.note_commit_sent();
  freshness.note_commit_acknowledged();
  for (int second = 2; second < 60; ++second) {
    freshness.note_reading(at(second));
    freshness.note_commit_sent();
  }
  EXPECT_EQ(freshness.known_at(), at(1));
}

TEST(Freshness, CarriesNothingOverToAnotherConnection) {
  Freshness freshness;
  freshness.note_reading(at(1));
  freshness.note_commit_sent();
  freshness.note_connection_lost();
  freshness.note_commit_acknowledged();
  EXPECT_EQ(freshness.known_at(), std::nullopt);
  freshness.note_commit_sent();  // before anything was read there
  freshness.note_commit_acknowledged();
  EXPECT_EQ(freshness.known_at(), std::nullopt);
}

// Two servers, of which the first is cut off and replaced at some time; a node that asks, commits and changes over at random. It
// never takes itself for fresher than the last moment at which what it has read was all there was.
TEST(Freshness, IsNeverMoreThanTheTruthUnderAnySchedule) {
  std::mt19937_64 chance(20'261'201);
  for (int schedule = 0; schedule < 1'000'000; ++schedule) {
    Freshness freshness;
    const int cut_at = static_cast<int>(chance() % 12);
    bool is_at_old = true;
    bool is_commit_under_way = false;
    std::optional<Freshness::Time> truth;  // of the last reading that was of all there was
    for (int second = 0; second < 12; ++second) {
      const bool is_old_cut_off = second >= cut_at;
      switch (chance() % 4) {
        case 0:
          freshness.note_reading(at(second));
          if (!is_at_old || !is_old_cut_off) truth = at(second);
          break;
        case 1:
          freshness.note_commit_sent();
          is_commit_under_way = true;
          break;
        case 2:
          // The old server acknowledges only while its standby hears it.
          if (is_commit_under_way && (!is_at_old || !is_old_cut_off)) freshness.note_commit_acknowledged();
          is_commit_under_way = false;
          break;
        default:
          if (!is_old_cut_off) break;
          is_at_old = false;
          is_commit_under_way = false;
          freshness.note_connection_lost();
      }
      if (freshness.known_at()) {
        ASSERT_TRUE(truth && *freshness.known_at() <= *truth) << "schedule " << schedule;
      }
    }
  }
}

}  // namespace
}  // namespace postern::cluster
