// A destination's counting and back-off, without a socket or a clock.
#include "relay/destination.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_random.h"

namespace postern::relay {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class NoTransport final : public Transport {
 public:
  net::Awaitable<std::vector<RecipientReport>> deliver(DeliveryRequest) override { co_return std::vector<RecipientReport>{}; }
  void cancel() override {}
};

const Status kRefused{451, EnhancedCode{4, 4, 1}, "cannot connect"};

store::DueEntry entry_at(int second, std::uint8_t last_octet = 7) {
  store::DueEntry entry;
  entry.due = Instant{seconds(second)};
  entry.id.octets.back() = last_octet;
  return entry;
}

Job make_job(std::size_t recipients = 1) {
  Job job;
  job.lease = std::make_shared<Lease>();
  job.lease->stored.message.envelope.recipients.resize(recipients);
  job.recipients = {0};
  return job;
}

class DestinationTest : public ::testing::Test {
 protected:
  Destination make(std::uint32_t connections = 2, std::size_t weight = 4) {
    return Destination("hop", nullptr, {connections, weight}, std::make_unique<NoTransport>());
  }
  test::FakeClock clock_;
  test::FakeRandom random_;
};

TEST_F(DestinationTest, DoublesTheBackoffUpToTheLongestWithAFifthOfJitter) {
  Backoff backoff;
  Duration expected = Backoff::kFirst;
  for (int failure = 0; failure < 20; ++failure) {
    const Duration delay = backoff.failed(clock_.now(), random_);
    EXPECT_GE(delay, expected * 4 / 5) << "failure " << failure;
    EXPECT_LE(delay, expected * 6 / 5) << "failure " << failure;
    EXPECT_EQ(backoff.next_probe(clock_.now()), clock_.now() + delay);
    expected = std::min<Duration>(expected * 2, Backoff::kLongest);
  }
}

TEST_F(DestinationTest, BacksOffAfterThreeBrokenConnectionsInARow) {
  Backoff backoff;
  EXPECT_FALSE(backoff.broke(clock_.now(), random_));
  EXPECT_FALSE(backoff.broke(clock_.now(), random_));
  EXPECT_FALSE(backoff.succeeded());
  EXPECT_FALSE(backoff.broke(clock_.now(), random_));
  EXPECT_FALSE(backoff.broke(clock_.now(), random_));
  EXPECT_TRUE(backoff.broke(clock_.now(), random_));
  EXPECT_TRUE(backoff.succeeded()) << "that ended an outage";
  EXPECT_FALSE(backoff.is_failing());
}

TEST_F(DestinationTest, ProbesAtOnceWhenTheClockWasSetBackByAnHour) {
  Destination hop = make();
  hop.enqueue(make_job());
  hop.enqueue(make_job());
  ASSERT_TRUE(hop.failed(Contact::None, kRefused, clock_.now(), random_));
  EXPECT_FALSE(hop.take(clock_.now()));
  const Instant set_back = clock_.now() - std::chrono::hours(1);
  EXPECT_EQ(hop.next_probe(set_back), set_back);
  EXPECT_TRUE(hop.take(set_back));
  // And a second outage is measured from there.
  hop.finished();
  EXPECT_TRUE(hop.failed(Contact::None, kRefused, set_back, random_));
  EXPECT_FALSE(hop.take(set_back));
}

TEST_F(DestinationTest, RunsNoMoreThanItsConnections) {
  Destination hop = make(2);
  for (int i = 0; i < 3; ++i) hop.enqueue(make_job());
  EXPECT_EQ(hop.startable(clock_.now()), 2U);
  EXPECT_TRUE(hop.take(clock_.now()));
  EXPECT_TRUE(hop.take(clock_.now()));
  EXPECT_FALSE(hop.take(clock_.now()));
  hop.finished();
  EXPECT_TRUE(hop.take(clock_.now()));
}

TEST_F(DestinationTest, IsFullUntilWhatItHeldIsSettled) {
  Destination hop = make(8, 2);
  const Job first = make_job();
  hop.enqueue(first);
  EXPECT_EQ(hop.room(clock_.now()), Room::Free);
  hop.enqueue(make_job());
  EXPECT_EQ(hop.room(clock_.now()), Room::Full);
  ASSERT_TRUE(hop.take(clock_.now()));
  hop.finished();
  EXPECT_EQ(hop.room(clock_.now()), Room::Full) << "delivered, but not on the disk";
  hop.settled(first);
  EXPECT_EQ(hop.room(clock_.now()), Room::Free);
}

TEST_F(DestinationTest, WeighsAMessageByItsRecipients) {
  EXPECT_EQ(make_job(1).weight(), 1U);
  EXPECT_EQ(make_job(1'000).weight(), 63U);
}

TEST_F(DestinationTest, LetsOneProbeThroughWhenTheBackoffIsOver) {
  Destination hop = make();
  const auto retry_in = hop.failed(Contact::None, kRefused, clock_.now(), random_);
  ASSERT_TRUE(retry_in);
  EXPECT_EQ(hop.room(clock_.now()), Room::Unavailable);
  clock_.advance(*retry_in);
  EXPECT_EQ(hop.room(clock_.now()), Room::Free);
  hop.enqueue(make_job());
  EXPECT_EQ(hop.room(clock_.now()), Room::Unavailable) << "the probe decides for the others";
  hop.enqueue(make_job());
  EXPECT_TRUE(hop.take(clock_.now()));
  EXPECT_FALSE(hop.take(clock_.now()));
  EXPECT_TRUE(hop.succeeded());
  EXPECT_TRUE(hop.take(clock_.now()));
  EXPECT_EQ(hop.last_failure(), kRefused);
}

TEST_F(DestinationTest, CountsOneOutageOnceHoweverManyDeliveriesSawIt) {
  Destination hop = make();
  const auto first = hop.failed(Contact::None, kRefused, clock_.now(), random_);
  ASSERT_TRUE(first);
  EXPECT_FALSE(hop.failed(Contact::None, kRefused, clock_.now(), random_));
  EXPECT_EQ(hop.next_probe(clock_.now()), clock_.now() + *first);
}

TEST_F(DestinationTest, GivesBackWhatWaits) {
  Destination hop = make(1, 4);
  for (int i = 0; i < 4; ++i) hop.enqueue(make_job());
  ASSERT_TRUE(hop.take(clock_.now()));
  EXPECT_EQ(hop.release_waiting().size(), 3U);
  EXPECT_EQ(hop.waiting(), 0U);
  EXPECT_EQ(hop.room(clock_.now()), Room::Free);
}

TEST_F(DestinationTest, RemembersTheEarliestEntryPassedOver) {
  Destination hop = make();
  EXPECT_FALSE(hop.unread_after());
  hop.passed_over(entry_at(20));
  hop.passed_over(entry_at(10));
  hop.passed_over(entry_at(30));
  ASSERT_TRUE(hop.unread_after());
  EXPECT_EQ(*hop.unread_after(), just_before(entry_at(10)));
  EXPECT_TRUE(hop.wants_reading(clock_.now()));
  EXPECT_TRUE(hop.take_unread());
  EXPECT_FALSE(hop.unread_after());
}

TEST_F(DestinationTest, StepsBackByOneEntry) {
  const store::DueEntry entry = entry_at(10);
  EXPECT_TRUE(precedes(just_before(entry), entry));
  EXPECT_EQ(just_before(entry).due, entry.due);
  const store::DueEntry lowest = entry_at(10, 0);
  EXPECT_TRUE(precedes(just_before(lowest), lowest));
  EXPECT_EQ(just_before(lowest).due, lowest.due - Duration{1});
}

}  // namespace
}  // namespace postern::relay
