// The due index and its lanes: what stands in which, and that nobody reads another's.
#include "store/due_index.h"
#include "store/lane.h"
#include "tests/support/fake_random.h"
#include "tests/support/temp_store.h"

namespace postern::store {
namespace {

using std::chrono::seconds;

class DueIndex : public ::testing::Test {
 protected:
  MessageId accept(const std::vector<std::string>& domains, int second,
                   Environment environment = Environment::Live) {
    const MessageId id = make_message_id(Instant{seconds(++made_)}, random_);
    EXPECT_TRUE(test::commit_draft(
        store_.spool(), test::make_draft(id, at(second), domains, environment), "x\r\n"));
    return id;
  }
  static Instant at(int second) { return Instant{seconds(second)}; }
  std::vector<DueKey> due(std::string_view lane, const std::optional<DueKey>& after = {},
                          Instant until = Instant::max()) {
    return store_.spool().due(lane, after, until, 100).value().keys;
  }

  test::TempStore store_;
  test::FakeRandom random_;
  int made_ = 0;
};

TEST_F(DueIndex, KeepsEachLaneInTheOrderOfItsDueTimes) {
  const MessageId late = accept({"a.example"}, 30);
  const MessageId early = accept({"a.example"}, 10);
  const MessageId same = accept({"a.example"}, 10);
  accept({"b.example"}, 5);
  EXPECT_EQ(due("a.example"),
            (std::vector<DueKey>{{at(10), early}, {at(10), same}, {at(30), late}}));
  EXPECT_EQ(due("a.example", DueKey{at(10), early}),
            (std::vector<DueKey>{{at(10), same}, {at(30), late}}))
      << "strictly after";
  EXPECT_EQ(due("a.example", DueKey{at(20), early}), (std::vector<DueKey>{{at(30), late}}))
      << "after what is gone";
  const DueSlice slice = store_.spool().due("a.example", std::nullopt, at(10), 100).value();
  EXPECT_EQ(slice.keys.size(), 2U) << "until is included";
  EXPECT_EQ(slice.next, at(30));
  const DueSlice first = store_.spool().due("a.example", std::nullopt, at(30), 1).value();
  EXPECT_EQ(first.keys.size(), 1U);
  EXPECT_EQ(first.next, at(10)) << "there is more at once";
  EXPECT_EQ(store_.spool().due("a.example", std::nullopt, at(30), 3).value().next, std::nullopt);
}

TEST_F(DueIndex, KeepsLanesApartWhoseNamesBeginAlike) {
  const MessageId shorter = accept({"a.example"}, 10);
  const MessageId longer = accept({"a.example.org"}, 10);
  const MessageId hyphen = accept({"a.example-x"}, 10);
  const MessageId none = accept({""}, 10);
  EXPECT_EQ(due("a.example"), (std::vector<DueKey>{{at(10), shorter}}));
  EXPECT_EQ(due("a.example.org"), (std::vector<DueKey>{{at(10), longer}}));
  EXPECT_EQ(due("a.example-x"), (std::vector<DueKey>{{at(10), hyphen}}));
  EXPECT_EQ(due(""), (std::vector<DueKey>{{at(10), none}}));
  EXPECT_TRUE(due("a").empty());
  std::vector<std::string> names;
  const std::vector<LaneHead> heads = store_.spool().lanes(std::nullopt, 100).value();
  for (const LaneHead& head : heads) names.push_back(head.lane);
  EXPECT_EQ(names, (std::vector<std::string>{"", "a.example", "a.example-x", "a.example.org"}));
  const std::vector<LaneHead> paged = store_.spool().lanes("a.example", 1).value();
  ASSERT_EQ(paged.size(), 1U);
  EXPECT_EQ(paged[0].lane, "a.example-x");
  EXPECT_EQ(paged[0].first, (DueKey{at(10), hyphen}));
}

TEST_F(DueIndex, PutsAMessageIntoEachLaneOfItsRecipientsOnce) {
  const MessageId mixed = accept({"a.example", "B.example", "a.example"}, 10);
  const MessageId test = accept({"a.example"}, 20, Environment::Test);
  EXPECT_EQ(due("a.example"), (std::vector<DueKey>{{at(10), mixed}}));
  EXPECT_EQ(due("b.example"), (std::vector<DueKey>{{at(10), mixed}}));
  EXPECT_EQ(due(kTestLane), (std::vector<DueKey>{{at(20), test}}));
  EXPECT_EQ(store_.spool().queued(std::nullopt, 100).value().size(), 3U);
  EXPECT_EQ(store_.spool().usage().value().queued, 2U) << "messages, not entries";
  ASSERT_TRUE(store_.spool().remove_messages(std::vector{mixed}));
  EXPECT_EQ(store_.spool().queued(std::nullopt, 100).value().size(), 1U);
  EXPECT_TRUE(store_.spool().examine().value().empty());
}

TEST_F(DueIndex, ListsAllThatIsQueuedAPageAtATime) {
  for (int i = 0; i < 5; ++i) accept({i % 2 == 0 ? "a.example" : "b.example"}, 10 - i);
  std::vector<DueEntry> all;
  std::optional<DueEntry> after;
  for (;;) {
    const std::vector<DueEntry> page = store_.spool().queued(after, 2).value();
    if (page.empty()) break;
    all.insert(all.end(), page.begin(), page.end());
    after = page.back();
  }
  ASSERT_EQ(all.size(), 5U);
  EXPECT_TRUE(std::ranges::is_sorted(
      all, {}, [](const DueEntry& entry) { return std::tie(entry.lane, entry.due, entry.id); }));
}

TEST(Lane, HasNoOctetThatWouldEndItAndNoMoreThanFits) {
  EXPECT_EQ(lane_of("a.example"), "a.example");
  EXPECT_EQ(lane_of(std::string_view("a\0b c", 5)), "a_b_c");
  EXPECT_EQ(lane_of(std::string(300, 'x')).size(), kMaxLaneOctets);
  for (const char* lane : {"a.example", "<test>", ">half"}) {
    EXPECT_EQ(parts_of_lane(lane).domain, lane);
    EXPECT_EQ(parts_of_lane(lane).route, "");
  }
  EXPECT_EQ(parts_of_lane(">backup>a.example").route, "backup");
  EXPECT_EQ(parts_of_lane(">backup>a.example").domain, "a.example");
  for (const char* route : {"", "two words", "a>b"}) EXPECT_FALSE(is_lane_route(route)) << route;
  EXPECT_TRUE(is_lane_route("backup-1"));
  EXPECT_FALSE(is_lane_route(std::string(kMaxRouteOctets + 1, 'x')));
}

TEST(Lane, IsTheOneOfAllPendingRecipientsOrNone) {
  test::FakeRandom random;
  test::Draft draft = test::make_draft(make_message_id(Instant{}, random), Instant{},
                                       {"a.example", "b.example", "a.example"});
  EXPECT_EQ(lane_of_pending(draft.message, draft.delivery), "");
  draft.delivery.recipients[1].stage = RecipientStage::Bounced;
  EXPECT_EQ(lane_of_pending(draft.message, draft.delivery), "a.example");
  draft.delivery.recipients[2].next_attempt = Instant{seconds(-5)};
  EXPECT_EQ(due_rows(draft.message, draft.delivery),
            (std::vector<DueRow>{{"a.example", Instant{seconds(-5)}}}));
  draft.message.environment = Environment::Test;
  EXPECT_EQ(lane_of_pending(draft.message, draft.delivery), kTestLane);
}

}  // namespace
}  // namespace postern::store
