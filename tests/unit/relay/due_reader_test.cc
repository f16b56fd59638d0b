// What is read of the due index, in which order, and when; as a table of small stories over an
// index that is a map.
#include "relay/due_reader.h"
#include "tests/support/fake_random.h"

#include <gtest/gtest.h>

#include <map>

namespace postern::relay {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using store::DueKey;
using store::DueSlice;
using store::LaneHead;

constexpr std::size_t kSlice = 2;

MessageId id_of(int number) {
  MessageId id;
  id.octets[14] = static_cast<std::uint8_t>(number / 256);
  id.octets[15] = static_cast<std::uint8_t>(number % 256);
  return id;
}

class DueReaderTest : public ::testing::Test {
 protected:
  DueReaderTest() : reader_([this](std::string_view lane) { return hop_of(lane); }) {
    reader_.poll(now_);
  }

  // Lanes of one letter have a hop of their own; "x1", "x2" … share one.
  HopId hop_of(std::string_view lane) {
    hops_asked_ += std::string(lane) + ' ';
    return static_cast<HopId>(lane[0]);
  }
  DueKey key(int second, int number) const { return {start_ + seconds(second), id_of(number)}; }
  void put(const std::string& lane, int second, int number) {
    index_[lane].insert(key(second, number));
  }
  void note(const std::string& lane, int second, int number) {
    reader_.note(lane, key(second, number), now_);
  }

  DueSlice read(const DueReader::ReadLane& asked) {
    DueSlice slice;
    for (const DueKey& entry : index_[asked.lane]) {
      if (asked.after && entry <= *asked.after) continue;
      if (entry.due > now_ || slice.keys.size() == kSlice) {
        slice.next = entry.due;
        break;
      }
      slice.keys.push_back(entry);
    }
    return slice;
  }
  void list(const DueReader::ListLanes& asked) {
    std::vector<LaneHead> heads;
    for (const auto& [lane, entries] : index_) {
      if (entries.empty() || (asked.after && lane <= *asked.after) ||
          heads.size() == DueReader::kLanesAtOnce)
        continue;
      heads.push_back({lane, *entries.begin()});
    }
    ++lists_;
    reader_.was_listed(heads,
                       {[this](const MessageId& id) { return leased_.contains(id); },
                        [this](const MessageId& id) { return held_.contains(id); }},
                       now_);
  }
  // Does what the reader says until it rests: "a:1,2 b:3 " for entries 1 and 2 of lane a, then 3 of
  // lane b. Empty reads are left out.
  std::string run() {
    std::string said;
    for (int left = 1'000; left > 0; --left) {
      const DueReader::Action action = reader_.next(now_);
      if (std::holds_alternative<DueReader::Rest>(action)) return said;
      if (const auto* asked = std::get_if<DueReader::ListLanes>(&action)) list(*asked);
      if (const auto* asked = std::get_if<DueReader::ReadLane>(&action)) {
        const DueSlice slice = read(*asked);
        reader_.was_read(*asked, slice, now_);
        std::string numbers;
        for (const DueKey& entry : slice.keys) {
          const int number = entry.id.octets[14] * 256 + entry.id.octets[15];
          if (!numbers.empty()) numbers += ',';
          numbers += std::to_string(number);
          leased_.insert(entry.id);
        }
        if (!numbers.empty()) said += asked->lane + ':' + numbers + ' ';
      }
    }
    return said + "and so on";
  }
  void settle(const std::string& lane, int second, int number) {
    index_[lane].erase(key(second, number));
    leased_.erase(id_of(number));
  }
  std::string poll_and_run() {
    reader_.poll(now_);
    return run();
  }
  void advance(Duration by) { now_ += by; }

  const Instant start_{std::chrono::sys_days{std::chrono::year(2026) / 11 / 30}};
  Instant now_ = start_ + hours(1);
  std::map<std::string, std::set<DueKey>> index_;
  std::set<MessageId> leased_;
  std::set<MessageId> held_;
  std::string hops_asked_;
  int lists_ = 0;
  DueReader reader_;
};

TEST_F(DueReaderTest, FindsAtTheStartWhatAnEarlierRunLeft) {
  put("a", 1, 1);
  put("b", 2, 2);
  reader_.look_everywhere(true);
  EXPECT_EQ(run(), "a:1 b:2 ");
  EXPECT_EQ(reader_.take_stranded(), 0U) << "that is no surprise";
  EXPECT_EQ(reader_.lanes(), 0U) << "all is known to be taken up";
}

TEST_F(DueReaderTest, LetsHopsTakeTurnsAndReadsALaneInOrder) {
  for (int i = 1; i <= 5; ++i) put("a", i, i);
  put("b", 9, 9);
  put("c", 8, 8);
  reader_.look_everywhere(true);
  EXPECT_EQ(run(), "a:1,2 c:8 b:9 a:3,4 a:5 ");
}

TEST_F(DueReaderTest, ReadsOfAHopTheLaneFirstWhoseEntryIsDueFirst) {
  put("x1", 20, 1);
  put("x2", 10, 2);
  put("x2", 15, 3);
  put("x2", 30, 4);
  reader_.look_everywhere(true);
  EXPECT_EQ(run(), "x2:2,3 x1:1 x2:4 ");
}

TEST_F(DueReaderTest, ReadsNothingOfAHopThatIsClosed) {
  put("a", 1, 1);
  put("b", 2, 2);
  reader_.look_everywhere(true);
  reader_.close('a');
  EXPECT_EQ(run(), "b:2 ");
  EXPECT_TRUE(reader_.has_unread('a'));
  EXPECT_FALSE(reader_.has_unread('b'));
  for (int i = 3; i < 100; ++i) note("a", i, i);
  EXPECT_EQ(run(), "") << "however much comes";
  reader_.open('a');
  EXPECT_EQ(run(), "a:1 ");
}

TEST_F(DueReaderTest, OpensAHopByItselfWhenItsTimeHasCome) {
  put("a", 1, 1);
  reader_.look_everywhere(true);
  reader_.close('a', now_ + seconds(10));
  EXPECT_EQ(run(), "");
  EXPECT_EQ(reader_.wake_at(), now_ + seconds(10));
  advance(seconds(10));
  EXPECT_EQ(run(), "a:1 ");
  reader_.close('a', now_ + seconds(60));
  reader_.close('a', now_ + seconds(5));
  EXPECT_EQ(reader_.wake_at(), now_ + seconds(5)) << "the last word counts";
}

TEST_F(DueReaderTest, WakesWhenSomethingIsDueAndNotBefore) {
  put("a", 3'600 + 30, 1);
  note("a", 3'600 + 30, 1);
  EXPECT_EQ(run(), "");
  EXPECT_EQ(reader_.wake_at(), now_ + seconds(30));
  EXPECT_FALSE(reader_.has_unread('a'));
  advance(seconds(30));
  EXPECT_EQ(run(), "a:1 ");
}

TEST_F(DueReaderTest, ForgetsWhatIsDueBehindTheHorizonAndFindsItInTime) {
  const int later = 3'600 + 3'600;
  put("a", later, 1);
  note("a", later, 1);
  EXPECT_EQ(reader_.lanes(), 0U) << "memory goes by what is under way";
  EXPECT_EQ(hops_asked_, "") << "nor has it a destination";
  std::string said;
  for (int second = 0; second < 3'700; ++second) {
    advance(seconds(1));
    const std::string found = poll_and_run();
    if (found.empty()) continue;
    said += found + std::to_string(second + 1);
    settle("a", later, 1);
  }
  EXPECT_EQ(said, "a:1 a:1 3600") << "read once more by the sweep of that second";
}

TEST_F(DueReaderTest, GoesBackToWhatIsNoted) {
  for (int i = 1; i <= 4; ++i) put("a", i, i);
  put("a", 3'700, 9);
  reader_.look_everywhere(true);
  EXPECT_EQ(run(), "a:1,2 a:3,4 ");
  EXPECT_EQ(reader_.lanes(), 1U) << "nine is due soon";
  note("a", 3, 3);  // given back
  EXPECT_EQ(run(), "a:3,4 ");
  settle("a", 3, 3);
  put("a", 2, 7);  // told of late
  note("a", 2, 7);
  EXPECT_EQ(run(), "a:7,4 ");
}

TEST_F(DueReaderTest, SeesAtTheNextPollWhatNobodyNamed) {
  EXPECT_EQ(run(), "");
  put("a", 3'600, 1);
  note("a", 3'600, 1);
  EXPECT_EQ(run(), "a:1 ");
  put("a", 3'600, 2);  // by another process, behind what is leased
  put("b", 3'600, 3);
  EXPECT_EQ(run(), "");
  advance(seconds(1));
  EXPECT_EQ(poll_and_run(), "a:1,2 b:3 ")
      << "what is leased is met again, and costs next to nothing";
  EXPECT_EQ(reader_.take_stranded(), 0U);
}

TEST_F(DueReaderTest, CountsWhatIsLateAndWasInNobodysHands) {
  advance(seconds(1));
  EXPECT_EQ(poll_and_run(), "");
  put("a", 60, 1);
  put("b", 3'600, 2);
  put("c", 60, 3);
  leased_.insert(id_of(3));
  advance(seconds(1));
  EXPECT_EQ(poll_and_run(), "a:1 c:3 b:2 ");
  EXPECT_EQ(reader_.take_stranded(), 1U);
  advance(seconds(1));
  (void)poll_and_run();
  EXPECT_EQ(reader_.take_stranded(), 0U) << "once";
}

TEST_F(DueReaderTest, CallsNothingStrandedThatAClockSetForwardMadeLate) {
  put("a", 3'600 + 7'200, 1);
  EXPECT_EQ(poll_and_run(), "");
  advance(hours(10));
  EXPECT_EQ(poll_and_run(), "a:1 ");
  EXPECT_EQ(reader_.take_stranded(), 0U);
}

TEST_F(DueReaderTest, PassesOverWhatIsHeldButForTheWideSweep) {
  put("a", 1, 1);
  held_.insert(id_of(1));
  EXPECT_EQ(poll_and_run(), "a:1 ") << "the first is wide";
  std::string said;
  for (int second = 1; second <= 121; ++second) {
    advance(seconds(1));
    said += poll_and_run();
  }
  EXPECT_EQ(said, "a:1 ") << "once in two minutes";
}

TEST_F(DueReaderTest, SweepsAPartOfManyLanesAtEachPoll) {
  for (std::size_t i = 0; i < 3 * DueReader::kLanesPerPoll; ++i) {
    std::string lane = "x" + std::to_string(100'000 + i);
    put(lane, 3'600 + 7'200, static_cast<int>(i));
  }
  (void)run();
  EXPECT_EQ(lists_, static_cast<int>(DueReader::kLanesPerPoll / DueReader::kLanesAtOnce));
  for (int poll = 0; poll < 3; ++poll) {
    advance(seconds(1));
    (void)poll_and_run();
  }
  EXPECT_GT(lists_, 3 * static_cast<int>(DueReader::kLanesPerPoll / DueReader::kLanesAtOnce))
      << "it goes on where it was";
  EXPECT_EQ(reader_.lanes(), 0U);
  const int before = lists_;
  reader_.look_everywhere(true);
  (void)run();
  EXPECT_GE(lists_ - before,
            3 * static_cast<int>(DueReader::kLanesPerPoll / DueReader::kLanesAtOnce))
      << "all at once at the start";
}

TEST_F(DueReaderTest, TriesAgainAtTheNextPollWhatCouldNotBeListed) {
  put("a", 1, 1);
  reader_.look_everywhere(true);
  EXPECT_TRUE(std::holds_alternative<DueReader::ListLanes>(reader_.next(now_)));
  reader_.was_not_listed();
  EXPECT_EQ(run(), "");
  advance(seconds(1));
  EXPECT_EQ(poll_and_run(), "a:1 ");
}

TEST_F(DueReaderTest, ReadsALaneAgainThatCouldNotBeRead) {
  put("a", 1, 1);
  note("a", 1, 1);
  reader_.was_not_listed();
  const DueReader::Action action = reader_.next(now_);
  ASSERT_TRUE(std::holds_alternative<DueReader::ReadLane>(action));
  reader_.close('a', now_ + seconds(1));  // what a failed read leads to
  EXPECT_EQ(run(), "");
  advance(seconds(1));
  EXPECT_EQ(run(), "a:1 ");
}

TEST_F(DueReaderTest, AsksAnewWhereLanesLeadAfterItForgotAll) {
  put("a", 1, 1);
  reader_.look_everywhere(true);
  reader_.close('a');
  EXPECT_EQ(run(), "");
  EXPECT_TRUE(reader_.knows('a'));
  reader_.forget_all();
  EXPECT_FALSE(reader_.knows('a'));
  hops_asked_.clear();
  EXPECT_EQ(run(), "a:1 ");
  EXPECT_EQ(hops_asked_, "a ");
}

// A hundred thousand lanes that are due at once: each is read once, in turn, and nothing of them is
// left.
TEST_F(DueReaderTest, GoesThroughAHundredThousandLanes) {
  constexpr int kLanes = 100'000;
  DueReader reader([](std::string_view lane) {
    return static_cast<HopId>(std::hash<std::string_view>()(lane) % 1'000'003);
  });
  for (int i = 0; i < kLanes; ++i) reader.note("lane" + std::to_string(i), key(i % 60, 1), now_);
  int reads = 0;
  for (;;) {
    const DueReader::Action action = reader.next(now_);
    if (std::holds_alternative<DueReader::Rest>(action)) break;
    reader.was_read(std::get<DueReader::ReadLane>(action), {{key(1, 1)}, std::nullopt}, now_);
    ++reads;
  }
  EXPECT_EQ(reads, kLanes);
  EXPECT_EQ(reader.lanes(), 0U);
}

TEST(DueKeys, StepBackByOne) {
  const DueKey key{Instant{seconds(10)}, id_of(7)};
  EXPECT_LT(just_before(key), key);
  EXPECT_EQ(just_before(key).due, key.due);
  const DueKey lowest{Instant{seconds(10)}, MessageId{}};
  EXPECT_LT(just_before(lowest), lowest);
  EXPECT_EQ(just_before(lowest).due, lowest.due - Duration{1});
}

}  // namespace
}  // namespace postern::relay
