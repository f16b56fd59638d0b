#include "store/queue_summary.h"

#include "store/store.h"
#include "tests/support/temp_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::store {
namespace {

using namespace test;
using ::testing::ElementsAre;
using std::chrono::minutes;

const Instant kNow{std::chrono::hours(500'000)};

class Waiting {
 public:
  void accept(Duration age, const std::vector<std::string>& domains, Environment environment = Environment::Live) {
    const MessageId id = make_message_id(kNow - age, random_);
    ASSERT_TRUE(commit_draft(store_.spool(), make_draft(id, kNow - age, domains, environment), "x"));
  }
  QueueSummary sum(std::size_t max_entries = 1'000'000) { return summarise_queue(store_.spool(), kNow, max_entries).value(); }

 private:
  TempStore store_;
  FakeRandom random_;
};

TEST(QueueSummary, CountsByDestinationAndAge) {
  Waiting waiting;
  waiting.accept(minutes(1), {"a.example"});
  waiting.accept(minutes(4), {"b.example"});
  waiting.accept(minutes(5), {"b.example"});
  waiting.accept(minutes(31), {"a.example", "b.example", "a.example"});
  waiting.accept(minutes(2'880), {"b.example"});
  const QueueSummary summary = waiting.sum();
  ASSERT_EQ(summary.destinations.size(), 2U);
  EXPECT_EQ(summary.destinations[0].destination, "b.example") << "the most first";
  EXPECT_THAT(summary.destinations[0].by_age, ElementsAre(1, 1, 1, 0, 0, 0, 1));
  EXPECT_EQ(summary.destinations[0].oldest, kNow - minutes(2'880));
  EXPECT_THAT(summary.destinations[1].by_age, ElementsAre(1, 0, 1, 0, 0, 0, 0));
  EXPECT_EQ(summary.all.messages, 6U);
  EXPECT_THAT(summary.all.by_age, ElementsAre(2, 1, 2, 0, 0, 0, 1));
  EXPECT_TRUE(summary.is_whole);
}

TEST(QueueSummary, LeavesTestMailOut) {
  Waiting waiting;
  waiting.accept(minutes(1), {"a.example"}, Environment::Test);
  EXPECT_EQ(waiting.sum().all.messages, 0U);
  EXPECT_TRUE(waiting.sum().destinations.empty());
}

TEST(QueueSummary, SaysWhereItStopped) {
  Waiting waiting;
  for (int i = 0; i < 3; ++i) waiting.accept(minutes(i), {"a.example"});
  EXPECT_TRUE(waiting.sum(3).is_whole);
  EXPECT_EQ(waiting.sum(3).all.messages, 3U);
  EXPECT_FALSE(waiting.sum(2).is_whole);
  EXPECT_EQ(waiting.sum(2).all.messages, 2U);
}

TEST(QueueSummary, OfAnEmptyQueueIsEmpty) {
  Waiting waiting;
  EXPECT_EQ(waiting.sum().all.messages, 0U);
}

}  // namespace
}  // namespace postern::store
