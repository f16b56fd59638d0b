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

constexpr AccountId kPoisoner{{1}};
constexpr AccountId kOther{{2}};

Job make_job(std::size_t recipients = 1, const AccountId& account = {}) {
  Job job;
  job.lease = std::make_shared<Lease>();
  job.lease->stored.message.account = account;
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

// A session that was had says that the next hop is there, however it ended.
TEST_F(DestinationTest, GivesAnAccountWhoseSessionsBreakOneConnection) {
  Destination hop = make(4, 100);
  for (int i = 0; i < 20; ++i) hop.enqueue(make_job(1, kPoisoner));
  std::vector<Job> jobs;
  for (std::uint32_t i = 0; i < Destination::kToleratedBreaks; ++i) jobs.push_back(*hop.take(clock_.now()));
  for (const Job& job : jobs) {
    hop.finished(job);
    EXPECT_FALSE(hop.reached(kPoisoner, true, clock_.now()));
    hop.settled(job);
  }
  EXPECT_FALSE(hop.is_failing());
  const Job only = *hop.take(clock_.now());
  EXPECT_FALSE(hop.take(clock_.now())) << "one at a time";
  hop.enqueue(make_job(1, kOther));
  hop.enqueue(make_job(1, kOther));
  EXPECT_EQ(hop.take(clock_.now())->lease->stored.message.account, kOther);
  EXPECT_EQ(hop.take(clock_.now())->lease->stored.message.account, kOther) << "others are not concerned";
  hop.finished(only);
  hop.reached(kPoisoner, false, clock_.now());
  hop.settled(only);
  EXPECT_TRUE(hop.take(clock_.now()));
  EXPECT_TRUE(hop.take(clock_.now())) << "one session that did not break ends that";
}

TEST_F(DestinationTest, LetsAccountsTakeTurns) {
  Destination hop = make(8, 100);
  for (int i = 0; i < 3; ++i) hop.enqueue(make_job(1, kPoisoner));
  hop.enqueue(make_job(1, kOther));
  std::string order;
  while (const auto job = hop.take(clock_.now())) order += job->lease->stored.message.account == kOther ? 'b' : 'a';
  EXPECT_EQ(order, "abaa");
}

TEST_F(DestinationTest, GivesAConnectionItsNextJobAheadOnlyWhereThatHasToWaitForItAndIsTheSameAccounts) {
  Destination hop = make(1, 100);
  for (int i = 0; i < 3; ++i) hop.enqueue(make_job(1, kPoisoner));
  EXPECT_FALSE(hop.take_ahead(kPoisoner, clock_.now())) << "a connection of its own is free";
  const Job first = *hop.take(clock_.now());
  EXPECT_FALSE(hop.take_ahead(kOther, clock_.now()));
  std::optional<Job> second = hop.take_ahead(kPoisoner, clock_.now());
  ASSERT_TRUE(second);
  EXPECT_EQ(hop.running(), 1U) << "it has not begun";
  hop.enqueue(make_job(1, kOther));
  hop.finished(first);
  hop.begin(*second);
  EXPECT_EQ(hop.running(), 1U);
  EXPECT_TRUE(hop.take_ahead(kPoisoner, clock_.now()));
  EXPECT_FALSE(hop.take_ahead(kPoisoner, clock_.now())) << "the turn is another's";
  EXPECT_TRUE(hop.take_ahead(kOther, clock_.now()));
}

TEST_F(DestinationTest, TakesBackWhatWasGivenAheadAsTheNextOne) {
  Destination hop = make(1, 100);
  for (std::size_t recipients = 1; recipients <= 3; ++recipients) hop.enqueue(make_job(recipients, kOther));
  const Job first = *hop.take(clock_.now());
  hop.put_back(*hop.take_ahead(kOther, clock_.now()));
  hop.finished(first);
  EXPECT_EQ(hop.take(clock_.now())->lease->stored.message.envelope.recipients.size(), 2U);
  (void)hop.failed(kRefused, clock_.now(), random_);
  EXPECT_FALSE(hop.take_ahead(kOther, clock_.now())) << "it fails";
}

TEST_F(DestinationTest, KeepsAReserveForAccountsThatHoldLittle) {
  Destination hop = make(8, 10);
  for (int i = 0; i < 10; ++i) hop.enqueue(make_job(1, kPoisoner));
  EXPECT_EQ(hop.room(clock_.now()), Room::Full);
  EXPECT_FALSE(hop.has_reserve(kPoisoner));
  EXPECT_TRUE(hop.has_reserve(kOther));
  hop.remember_late(kOther, entry_at(1));
  hop.remember_late(kOther, entry_at(2));
  EXPECT_EQ(hop.take_late(), (std::vector{entry_at(1), entry_at(2)}));
  hop.remember_late(kOther, entry_at(3));
  for (std::size_t i = 0; i < Destination::kReservedWeight; ++i) hop.enqueue(make_job(1, kOther));
  EXPECT_FALSE(hop.has_reserve(kOther));
  EXPECT_TRUE(hop.take_late().empty());
}

TEST_F(DestinationTest, UsesFewerConnectionsWhereTheNextHopTakesNoMore) {
  Destination hop = make(4, 100);
  for (int i = 0; i < 10; ++i) hop.enqueue(make_job());
  std::vector<Job> jobs;
  while (auto job = hop.take(clock_.now())) jobs.push_back(std::move(*job));
  ASSERT_EQ(jobs.size(), 4U);
  for (int i = 0; i < 2; ++i) {
    hop.finished(jobs.back());
    hop.surplus(std::move(jobs.back()), clock_.now());
    jobs.pop_back();
  }
  EXPECT_FALSE(hop.take(clock_.now())) << "two run";
  EXPECT_EQ(hop.waiting(), 8U) << "what was refused waits again";
  EXPECT_EQ(hop.concurrency(), 2U);
  clock_.advance(Destination::kRaiseAfter);
  EXPECT_FALSE(hop.take(clock_.now())) << "nothing went through meanwhile";
  hop.reached({}, true, clock_.now());
  EXPECT_FALSE(hop.take(clock_.now())) << "a session that broke says nothing";
  for (int i = 0; i < 3; ++i) hop.reached({}, false, clock_.now());
  EXPECT_TRUE(hop.take(clock_.now())) << "one more is tried now and then";
  EXPECT_FALSE(hop.take(clock_.now()));
  for (int i = 0; i < 2; ++i) {
    clock_.advance(Destination::kRaiseAfter);
    hop.reached({}, false, clock_.now());
  }
  EXPECT_EQ(hop.concurrency(), 4U);
  EXPECT_TRUE(hop.take(clock_.now()));
  EXPECT_FALSE(hop.take(clock_.now())) << "never more than the route allows";
}

TEST_F(DestinationTest, CountsWhatStillRunsByTheRouteBeforeAReload) {
  const auto before = std::make_shared<Destination>(make(4));
  for (int i = 0; i < 3; ++i) before->enqueue(make_job());
  const Job first = *before->take(clock_.now());
  ASSERT_TRUE(before->take(clock_.now()));
  Destination hop = make(3);
  hop.succeed(before);
  for (int i = 0; i < 3; ++i) hop.enqueue(make_job());
  EXPECT_TRUE(hop.take(clock_.now()));
  EXPECT_FALSE(hop.take(clock_.now()));
  before->finished(first);
  EXPECT_TRUE(hop.take(clock_.now()));
}

TEST_F(DestinationTest, ProbesAtOnceWhenTheClockWasSetBackByAnHour) {
  Destination hop = make();
  hop.enqueue(make_job());
  hop.enqueue(make_job());
  ASSERT_TRUE(hop.failed(kRefused, clock_.now(), random_));
  EXPECT_FALSE(hop.take(clock_.now()));
  const Instant set_back = clock_.now() - std::chrono::hours(1);
  EXPECT_EQ(hop.next_probe(set_back), set_back);
  const auto probe = hop.take(set_back);
  ASSERT_TRUE(probe);
  // And a second outage is measured from there.
  hop.finished(*probe);
  EXPECT_TRUE(hop.failed(kRefused, set_back, random_));
  EXPECT_FALSE(hop.take(set_back));
}

TEST_F(DestinationTest, RunsNoMoreThanItsConnections) {
  Destination hop = make(2);
  for (int i = 0; i < 3; ++i) hop.enqueue(make_job());
  EXPECT_EQ(hop.startable(clock_.now()), 2U);
  EXPECT_TRUE(hop.take(clock_.now()));
  EXPECT_TRUE(hop.take(clock_.now()));
  EXPECT_FALSE(hop.take(clock_.now()));
  hop.finished(make_job());
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
  hop.finished(first);
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
  const auto outage = hop.failed(kRefused, clock_.now(), random_);
  ASSERT_TRUE(outage);
  EXPECT_TRUE(outage->is_new);
  EXPECT_EQ(hop.room(clock_.now()), Room::Unavailable);
  clock_.advance(outage->retry_in);
  EXPECT_EQ(hop.room(clock_.now()), Room::Free);
  hop.enqueue(make_job());
  EXPECT_EQ(hop.room(clock_.now()), Room::Unavailable) << "the probe decides for the others";
  hop.enqueue(make_job());
  EXPECT_TRUE(hop.take(clock_.now()));
  EXPECT_FALSE(hop.take(clock_.now()));
  EXPECT_TRUE(hop.reached(AccountId{}, false, clock_.now()));
  EXPECT_TRUE(hop.take(clock_.now()));
  EXPECT_EQ(hop.last_failure(), kRefused);
}

TEST_F(DestinationTest, CountsOneOutageOnceHoweverManyDeliveriesSawIt) {
  Destination hop = make();
  const auto first = hop.failed(kRefused, clock_.now(), random_);
  ASSERT_TRUE(first);
  EXPECT_FALSE(hop.failed(kRefused, clock_.now(), random_));
  EXPECT_EQ(hop.next_probe(clock_.now()), clock_.now() + first->retry_in);
  clock_.advance(first->retry_in);
  const auto second = hop.failed(kRefused, clock_.now(), random_);
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->is_new) << "said once";
}

TEST_F(DestinationTest, GivesBackWhatWaits) {
  Destination hop = make(1, 4);
  for (int i = 0; i < 4; ++i) hop.enqueue(make_job());
  ASSERT_TRUE(hop.take(clock_.now()));
  EXPECT_EQ(hop.release_waiting().size(), 3U);
  EXPECT_EQ(hop.waiting(), 0U);
  EXPECT_EQ(hop.room(clock_.now()), Room::Free);
}

TEST_F(DestinationTest, HoldsMoreAsItIsSettledAndLittleAgainAfterAnOutage) {
  Destination hop = make(8, 1'000);
  const auto fill = [&] {
    std::vector<Job> jobs;
    while (hop.room(clock_.now()) == Room::Free) {
      jobs.push_back(make_job());
      hop.enqueue(jobs.back());
    }
    while (const auto job = hop.take(clock_.now())) hop.finished(*job);
    return jobs;
  };
  std::vector<Job> jobs = fill();
  EXPECT_EQ(jobs.size(), Destination::kFirstWindow);
  for (std::size_t expected : {128U, 256U, 512U, 1'000U, 1'000U}) {
    for (const Job& job : jobs) hop.settled(job);
    jobs = fill();
    EXPECT_EQ(jobs.size(), expected);
  }
  for (const Job& job : jobs) hop.settled(job);
  ASSERT_TRUE(hop.failed(kRefused, clock_.now(), random_));
  hop.reached({}, false, clock_.now());
  EXPECT_EQ(fill().size(), Destination::kFirstWindow);
}

// One of ten thousand domains whose hosts never answer holds two deliveries of what all share, not as many as may run.
TEST_F(DestinationTest, BeginsSmallWithAHopThatNobodyKnows) {
  Destination hop("domain", nullptr, {.max_connections = 4, .max_weight = 100, .first_connections = 2},
                  std::make_unique<NoTransport>());
  for (int i = 0; i < 20; ++i) hop.enqueue(make_job());
  EXPECT_EQ(hop.startable(clock_.now()), 2U);
  const Job first = *hop.take(clock_.now());
  hop.finished(first);
  hop.reached({}, true, clock_.now());
  EXPECT_EQ(hop.concurrency(), 2U) << "a session that broke";
  hop.reached({}, false, clock_.now());
  hop.reached({}, false, clock_.now());
  EXPECT_EQ(hop.concurrency(), 4U) << "one more for each session, at once";
  EXPECT_FALSE(hop.is_beginning());
  hop.failed(kRefused, clock_.now(), random_);
  EXPECT_EQ(hop.concurrency(), 2U) << "whoever comes back is not met by all at once";
  EXPECT_TRUE(hop.is_beginning());
}

}  // namespace
}  // namespace postern::relay
