// The threads: that they are there from the start, and that they answer. Story t17 starts with too few of them to be had.
#include "net/runtime.h"

#include "net/worker_pool.h"

#include <boost/asio/post.hpp>

#include <filesystem>
#include <future>
#include <iterator>
#include <string>
#include <vector>

namespace postern::net {
namespace {

std::size_t thread_count() {
  const std::filesystem::directory_iterator threads("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(threads), end(threads)));
}

TEST(Runtime, NamesTheThreadsThatGiveNoSignOfLife) {
  Runtime runtime(1);
  const Executor queue = runtime.add_thread("queue");
  runtime.start();
  EXPECT_TRUE(runtime.find_stalled().empty());

  std::promise<void> is_blocked;
  std::promise<void> release;
  asio::post(queue, [&] {
    is_blocked.set_value();
    release.get_future().wait();
  });
  is_blocked.get_future().wait();
  // The I/O thread answers what it is asked; the queue's answer may have been given before it was blocked.
  std::vector<std::string> stalled;
  for (int i = 0; i < 2; ++i) {
    stalled = runtime.find_stalled();
    std::promise<void> answered;
    asio::post(runtime.executor(0), [&] { answered.set_value(); });
    answered.get_future().wait();
  }
  stalled = runtime.find_stalled();
  EXPECT_EQ(stalled, std::vector<std::string>{"queue"});

  release.set_value();
  std::promise<void> is_back;
  asio::post(queue, [&] { is_back.set_value(); });
  is_back.get_future().wait();
  std::promise<void> answered;
  asio::post(runtime.executor(0), [&] { answered.set_value(); });
  answered.get_future().wait();
  EXPECT_TRUE(runtime.find_stalled().empty());
}

TEST(WorkerPool, HasAllOfItsThreadsFromTheStart) {
  const std::size_t before = thread_count();
  WorkerPool pool(3, 8);
  EXPECT_EQ(thread_count(), before + 3);
  pool.stop();
}

}  // namespace
}  // namespace postern::net
