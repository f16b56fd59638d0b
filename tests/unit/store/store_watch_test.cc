// What the watch does about a reader that stays: a real store, a real process.
#include "store/store_watch.h"

#include "core/metrics.h"
#include "store/schema.h"
#include "store/tables.h"
#include "tests/support/temp_store.h"

#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <csignal>

namespace postern::store {
namespace {

TEST(StoreWatch, SendsAReaderAwayForWhoseSakeMailIsRefused) {
  SpoolLimits limits = test::small_limits();
  limits.max_octets = 4U << 20;
  const test::TempFolder folder;
  const StoreOptions options{.folder = folder.path(), .spool = limits, .runs_recovery = false};
  (void)Store::open(options);
  int ends[2];
  POSTERN_CHECK(::pipe(ends) == 0);
  const pid_t reader = ::fork();
  if (reader == 0) {
    const auto environment = LmdbEnvironment::open({.folder = folder.path() / "spool",
                                                           .map_octets = std::size_t{1} << 38,
                                                           .tables = kSpoolTables})
                                 .value();
    ReadTransaction transaction(*environment);
    transaction.begin().value();
    POSTERN_CHECK(::write(ends[1], "x", 1) == 1);
    ::raise(SIGSTOP);
    ::_exit(0);
  }
  char octet = 0;
  ASSERT_EQ(::read(ends[0], &octet, 1), 1);

  const std::unique_ptr<Store> store = Store::open(options).value();
  StoreWatch watch(*store, 1 << 30, std::chrono::seconds(0));
  watch.look();
  test::FakeClock clock;
  test::FakeRandom random;
  // Each message is gone before the next one comes; but for the reader a few would do with the same pages.
  for (int i = 0; i < 100 && store->spool().look_at_space().finding == SpaceFinding::Room; ++i) {
    clock.advance(Duration(1));
    test::Draft draft = test::make_draft(make_message_id(clock.now(), random), clock.now(), {"a.example"});
    (void)test::commit_draft(store->spool(), draft, std::string(100'000, 'x'));
    Settlement settlement;
    settlement.id = draft.message.id;
    settlement.changes.emplace_back().state.stage = RecipientStage::Delivered;
    test::Waiter waiter;
    store->spool().settle(std::move(settlement), waiter.completion());
    (void)waiter.get();
  }
  ASSERT_EQ(store->spool().look_at_space().finding, SpaceFinding::Pinned);
  watch.look();
  int status = 0;
  ASSERT_EQ(::waitpid(reader, &status, 0), reader);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) << "although it was stopped";
  (void)store->spool().remove_expired(clock.now(), 10);
  EXPECT_TRUE(store->spool().can_accept());
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(StoreWatch, TellsSinceWhenTheOldestMessageWaits) {
  test::TempStore store;
  StoreWatch watch(*store, 1 << 30);
  const auto told = [&] {
    watch.look();
    const std::string text = metrics::text();
    const std::string name = "\npostern_queue_oldest_timestamp_seconds ";
    return std::stod(text.substr(text.find(name) + name.size()));
  };
  EXPECT_EQ(told(), 0);
  test::FakeClock clock;
  test::FakeRandom random;
  const auto commit = [&](std::optional<Instant> scheduled_at) {
    test::Draft draft = test::make_draft(make_message_id(clock.now(), random), clock.now(), {"a.example"});
    draft.delivery.scheduled_at = scheduled_at;
    ASSERT_TRUE(test::commit_draft(store.spool(), std::move(draft), "x"));
  };
  commit(SystemClock().now() + std::chrono::days(1));
  EXPECT_EQ(told(), 0) << "its sender wants it later";
  clock.advance(std::chrono::seconds(60));
  const double oldest = std::chrono::duration<double>(clock.now().time_since_epoch()).count();
  commit({});
  clock.advance(std::chrono::seconds(60));
  commit({});
  EXPECT_NEAR(told(), oldest, 0.001);
}

}  // namespace
}  // namespace postern::store
