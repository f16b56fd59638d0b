#include "net/task_group.h"

#include "net/runtime.h"
#include "net/task_of.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <new>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

namespace postern::net {
namespace {

using namespace std::chrono_literals;

struct Seen {
  std::atomic<int> started = 0;
  std::atomic<int> stopped = 0;
  std::atomic<int> cancelled = 0;
  std::atomic<int> on_wrong_thread = 0;
  std::atomic<int> destroyed = 0;
};

// Waits until it is told to end.
class WaitingTask final : public Task {
 public:
  WaitingTask(Executor executor, Seen& seen, bool obeys_stop)
      : timer_(executor, asio::steady_timer::time_point::max()), seen_(seen), obeys_stop_(obeys_stop) {}
  ~WaitingTask() override { ++seen_.destroyed; }

  Awaitable<void> run() override {
    thread_ = std::this_thread::get_id();
    ++seen_.started;
    const auto ended = co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    static_cast<void>(ended);
  }
  void stop() override {
    note_thread();
    ++seen_.stopped;
    if (obeys_stop_) timer_.cancel();
  }
  void cancel() override {
    note_thread();
    ++seen_.cancelled;
    timer_.cancel();
  }

 private:
  void note_thread() {
    if (thread_ != std::this_thread::get_id()) ++seen_.on_wrong_thread;
  }

  asio::steady_timer timer_;
  Seen& seen_;
  bool obeys_stop_;
  std::thread::id thread_;
};

class FailingTask final : public Task {
 public:
  Awaitable<void> run() override {
    throw std::runtime_error("a bug");
    co_return;
  }
  void stop() override {}
  void cancel() override {}
};

class FailingPart {
 public:
  Awaitable<void> run() {
    throw std::bad_alloc();
    co_return;
  }
  void stop() {}
  void cancel() {}
};

class TaskGroupTest : public testing::Test {
 protected:
  TaskGroupTest() { runtime_.start(); }

  void start(int count, bool obeys_stop) {
    for (int i = 0; i < count; ++i) {
      const Executor executor = runtime_.executor(static_cast<std::size_t>(i));
      ASSERT_TRUE(group_.start(executor, std::make_unique<WaitingTask>(executor, seen_, obeys_stop)));
    }
  }

  Runtime runtime_{2};
  Seen seen_;
  TaskGroup group_;
};

TEST_F(TaskGroupTest, DrainLetsTasksEndThemselves) {
  start(10, true);
  group_.drain(120s);
  EXPECT_EQ(seen_.stopped, 10);
  EXPECT_EQ(seen_.cancelled, 0);
  EXPECT_EQ(seen_.destroyed, 10);
  EXPECT_EQ(group_.count(), 0U);
}

TEST_F(TaskGroupTest, DrainCancelsWhatIsLeftAfterTheGrace) {
  start(10, false);
  group_.drain(10ms);
  EXPECT_EQ(seen_.cancelled, 10);
  EXPECT_EQ(seen_.destroyed, 10);
}

TEST_F(TaskGroupTest, TellsATaskOnItsOwnThread) {
  start(10, false);
  group_.drain(0ms);
  EXPECT_EQ(seen_.started, 10);
  EXPECT_EQ(seen_.on_wrong_thread, 0);
}

TEST_F(TaskGroupTest, StartsNothingOnceItStops) {
  group_.stop_all();
  EXPECT_FALSE(group_.start(runtime_.executor(0), std::make_unique<WaitingTask>(runtime_.executor(0), seen_, true)));
  EXPECT_EQ(seen_.started, 0);
  EXPECT_EQ(seen_.destroyed, 1);
}

TEST_F(TaskGroupTest, ATaskThatThrowsEndsAlone) {
  start(1, true);
  ASSERT_TRUE(group_.start(runtime_.executor(0), std::make_unique<FailingTask>()));
  group_.drain(120s);
  EXPECT_EQ(seen_.stopped, 1);
}

TEST(TaskGroupDeath, APartOfTheServerThatThrowsEndsTheProcess) {
  const auto run = [] {
    Runtime runtime(1);
    TaskGroup group;
    runtime.start();
    group.start(runtime.executor(0), std::make_unique<TaskOf<FailingPart>>(std::make_shared<FailingPart>()));
    group.wait();
    std::_Exit(0);
  };
  EXPECT_EXIT(run(), testing::KilledBySignal(SIGABRT), "a part of the server failed: the process ends");
}

TEST_F(TaskGroupTest, AnEmptyGroupDrainsAtOnce) {
  group_.drain(1h);
  EXPECT_EQ(group_.count(), 0U);
}

TEST(Runtime, RunsEachExecutorOnAThreadOfItsOwn) {
  Runtime runtime(2);
  const Executor extra = runtime.add_thread("queue");
  std::atomic<int> ran = 0;
  std::thread::id ids[3];
  std::condition_variable changed;
  std::mutex mutex;
  const Executor executors[] = {runtime.executor(0), runtime.executor(1), extra};
  for (std::size_t i = 0; i < 3; ++i) {
    asio::post(executors[i], [&, i] {
      const std::lock_guard lock(mutex);
      ids[i] = std::this_thread::get_id();
      ++ran;
      changed.notify_all();
    });
  }
  runtime.start();
  std::unique_lock lock(mutex);
  ASSERT_TRUE(changed.wait_for(lock, 120s, [&] { return ran == 3; }));
  EXPECT_NE(ids[0], ids[1]);
  EXPECT_NE(ids[1], ids[2]);
  EXPECT_EQ(runtime.executor(2), runtime.executor(0));
}

}  // namespace
}  // namespace postern::net
