// The commit queue over an environment of its own: batches, failing alone, ending.
#include "lmdb/commit_queue.h"

#include "lmdb/table.h"
#include "tests/support/temp_store.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>

namespace postern::lmdb {
namespace {

enum class TestTable : std::size_t { Meta, Things };
constexpr std::array<std::string_view, 2> kTestTables = {"meta", "things"};

std::unique_ptr<LmdbEnvironment> open_environment(const test::TempFolder& folder, std::size_t map_octets = 1U << 30) {
  return LmdbEnvironment::open(
             {.folder = folder.path() / "environment", .map_octets = map_octets, .tables = kTestTables})
      .value();
}

class TestRequest final : public CommitRequest {
 public:
  TestRequest(std::function<Result<void>(WriteTransaction&)> change, std::function<void(Result<void>)> done,
              std::size_t octets = 0)
      : change_(std::move(change)), done_(std::move(done)), octets_(octets) {}
  Result<void> apply(WriteTransaction& transaction) override { return change_(transaction); }
  void complete(Result<void> outcome) override { done_(std::move(outcome)); }
  std::size_t octets() const override { return octets_; }

 private:
  std::function<Result<void>(WriteTransaction&)> change_;
  std::function<void(Result<void>)> done_;
  std::size_t octets_;
};

Result<void> put(WriteTransaction& transaction, const std::string& key, const std::string& value) {
  return WritableTable(transaction, TestTable::Things).put(key, value);
}

bool has(const LmdbEnvironment& environment, const std::string& key) {
  ReadTransaction transaction(environment);
  transaction.begin().value();
  return Table(transaction, TestTable::Things).find(key).value().has_value();
}

// Holds the commit thread inside a batch until it is let go, so that what is submitted meanwhile forms the next one.
class Gate {
 public:
  void submit_to(CommitQueue& queue) {
    queue.submit(std::make_unique<TestRequest>(
                     [this](WriteTransaction&) -> Result<void> {
                       entered_.set_value();
                       open_.get_future().wait();
                       return {};
                     },
                     [](Result<void>) {}),
                 Urgency::Commits, Admission::Always);
    entered_.get_future().wait();
  }
  void open() { open_.set_value(); }

 private:
  std::promise<void> entered_;
  std::promise<void> open_;
};

TEST(CommitQueue, CommitsAllThatWaitsInOneTransaction) {
  const test::TempFolder folder;
  const auto environment = open_environment(folder);
  CommitQueue queue(*environment);
  Gate gate;
  gate.submit_to(queue);
  std::vector<std::size_t> transactions;  // touched on the commit thread, read after it ended
  test::Waiter last;
  for (int i = 0; i < 10; ++i) {
    queue.submit(std::make_unique<TestRequest>(
                     [&transactions, i](WriteTransaction& transaction) {
                       transactions.push_back(mdb_txn_id(transaction.handle()));
                       return put(transaction, std::to_string(i), "x");
                     },
                     i == 9 ? last.completion() : [](Result<void>) {}),
                 Urgency::Commits, Admission::Bounded);
  }
  gate.open();
  ASSERT_TRUE(last.get());
  ASSERT_EQ(transactions.size(), 10U);
  EXPECT_EQ(transactions.front(), transactions.back());
  EXPECT_TRUE(has(*environment, "7"));
}

// A request that notes the transaction it was applied in.
std::unique_ptr<TestRequest> make_noting(std::size_t& transaction, Completion done) {
  return std::make_unique<TestRequest>(
      [&transaction](WriteTransaction& writer) {
        transaction = mdb_txn_id(writer.handle());
        return put(writer, "key", "x");
      },
      std::move(done));
}

TEST(CommitQueue, LetsWhatIsDueSoonJoinTheNextCommit) {
  const test::TempFolder folder;
  const auto environment = open_environment(folder);
  CommitQueue queue(*environment);
  Gate gate;
  gate.submit_to(queue);
  std::size_t soon = 0;
  std::size_t at_once = 1;
  test::Waiter soon_done, at_once_done;
  queue.submit(make_noting(soon, soon_done.completion()), Urgency::Soon, Admission::Always);
  queue.submit(make_noting(at_once, at_once_done.completion()), Urgency::Commits, Admission::Always);
  gate.open();
  ASSERT_TRUE(soon_done.get());
  ASSERT_TRUE(at_once_done.get());
  EXPECT_EQ(soon, at_once);
}

TEST(CommitQueue, CommitsWhatIsDueSoonByItselfToo) {
  const test::TempFolder folder;
  const auto environment = open_environment(folder);
  CommitQueue queue(*environment);
  for (int round = 0; round < 3; ++round) {
    std::size_t transaction = 0;
    test::Waiter done;
    queue.submit(make_noting(transaction, done.completion()), Urgency::Soon, Admission::Always);
    ASSERT_TRUE(done.get());
    EXPECT_NE(transaction, 0U);
  }
}

TEST(CommitQueue, WakesForPatientRequestsThatWereHurriedInAdvance) {
  const test::TempFolder folder;
  const auto environment = open_environment(folder);
  CommitQueue queue(*environment);
  std::size_t transaction = 0;
  test::Waiter done;
  queue.hurry();
  queue.submit(make_noting(transaction, done.completion()), Urgency::Patient, Admission::Always);
  EXPECT_TRUE(done.get());
}

TEST(CommitQueue, FailsOneThatRefusesAndCommitsTheOthers) {
  const test::TempFolder folder;
  const auto environment = open_environment(folder);
  CommitQueue queue(*environment);
  Gate gate;
  gate.submit_to(queue);
  test::Waiter good, refused, half_done, last;
  const auto submit = [&](std::function<Result<void>(WriteTransaction&)> change, test::Waiter& waiter) {
    queue.submit(std::make_unique<TestRequest>(std::move(change), waiter.completion()), Urgency::Commits,
                 Admission::Bounded);
  };
  submit([](WriteTransaction& t) { return put(t, "good", "x"); }, good);
  submit([](WriteTransaction&) -> Result<void> { return Error(ErrorCode::Conflict); }, refused);
  submit(
      [](WriteTransaction& t) -> Result<void> {
        if (Result<void> written = put(t, "half", "x"); !written) return written;
        return Error(ErrorCode::CorruptRecord);
      },
      half_done);
  submit([](WriteTransaction& t) { return put(t, "last", "x"); }, last);
  gate.open();
  EXPECT_TRUE(good.get());
  EXPECT_EQ(refused.get().error().code(), ErrorCode::Conflict);
  EXPECT_EQ(half_done.get().error().code(), ErrorCode::CorruptRecord);
  EXPECT_TRUE(last.get());
  EXPECT_TRUE(has(*environment, "good"));
  EXPECT_FALSE(has(*environment, "half"));
  EXPECT_FALSE(queue.has_failed());
}

TEST(CommitQueue, FailsTheCulpritOfAFullMapAloneAndGoesOn) {
  const test::TempFolder folder;
  const auto environment = open_environment(folder, 1U << 20);
  CommitQueue queue(*environment);
  Gate gate;
  gate.submit_to(queue);
  test::Waiter small, huge;
  queue.submit(std::make_unique<TestRequest>([](WriteTransaction& t) { return put(t, "small", "x"); }, small.completion()),
               Urgency::Commits, Admission::Bounded);
  queue.submit(std::make_unique<TestRequest>(
                   [](WriteTransaction& t) { return put(t, "huge", std::string(2U << 20, 'x')); }, huge.completion()),
               Urgency::Commits, Admission::Bounded);
  gate.open();
  EXPECT_TRUE(small.get());
  EXPECT_EQ(huge.get().error().code(), ErrorCode::StorageFull);
  EXPECT_TRUE(queue.run([](WriteTransaction& t) { return put(t, "after", "x"); }));
  EXPECT_TRUE(has(*environment, "small"));
  EXPECT_FALSE(queue.has_failed());
}

TEST(CommitQueue, ShedsBoundedRequestsAboveItsBoundAndTakesTheOthers) {
  const test::TempFolder folder;
  const auto environment = open_environment(folder);
  CommitQueue queue(*environment);
  Gate gate;
  gate.submit_to(queue);
  const auto nothing = [](WriteTransaction&) -> Result<void> { return {}; };
  test::Waiter filling, shed, admitted;
  queue.submit(std::make_unique<TestRequest>(nothing, filling.completion(), kWaitingOctets + 1), Urgency::Commits,
               Admission::Bounded);
  EXPECT_TRUE(queue.is_shedding());
  queue.submit(std::make_unique<TestRequest>(nothing, shed.completion()), Urgency::Commits, Admission::Bounded);
  queue.submit(std::make_unique<TestRequest>(nothing, admitted.completion()), Urgency::Commits, Admission::Always);
  EXPECT_EQ(shed.get().error().code(), ErrorCode::StorageShedding) << "before the gate opens";
  gate.open();
  EXPECT_TRUE(filling.get());
  EXPECT_TRUE(admitted.get());
  EXPECT_FALSE(queue.is_shedding());
}

TEST(CommitQueue, CommitsWhatWaitsWhenItEnds) {
  const test::TempFolder folder;
  const auto environment = open_environment(folder);
  test::Waiter patient;
  {
    CommitQueue queue(*environment);
    queue.submit(std::make_unique<TestRequest>([](WriteTransaction& t) { return put(t, "patient", "x"); },
                                               patient.completion()),
                 Urgency::Patient, Admission::Always);
  }
  EXPECT_TRUE(patient.get());
  EXPECT_TRUE(has(*environment, "patient"));
}

TEST(CommitQueue, CommitsAPatientRequestWithTheNextOne) {
  const test::TempFolder folder;
  const auto environment = open_environment(folder);
  CommitQueue queue(*environment);
  test::Waiter patient;
  queue.submit(std::make_unique<TestRequest>([](WriteTransaction& t) { return put(t, "patient", "x"); },
                                             patient.completion()),
               Urgency::Patient, Admission::Always);
  EXPECT_TRUE(queue.run([](WriteTransaction& t) { return put(t, "next", "x"); }));
  EXPECT_TRUE(has(*environment, "patient"));
  EXPECT_TRUE(patient.get());
}

TEST(CommitQueue, CompletesEveryRequestOfManyThreadsOnce) {
  const test::TempFolder folder;
  const auto environment = open_environment(folder);
  std::atomic<int> completed = 0;
  {
    CommitQueue queue(*environment);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&queue, &completed, &environment, t] {
        for (int i = 0; i < 200; ++i) {
          const std::string key = std::to_string(t) + "/" + std::to_string(i);
          queue.submit(std::make_unique<TestRequest>([key](WriteTransaction& w) { return put(w, key, key); },
                                                     [&completed](Result<void> outcome) {
                                                       if (outcome) ++completed;
                                                     }),
                       i % 3 == 0 ? Urgency::Patient : Urgency::Commits, Admission::Always);
          has(*environment, key);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(completed, 800);
  EXPECT_TRUE(has(*environment, "3/199"));
}

}  // namespace
}  // namespace postern::lmdb
