// One io_context for each thread.
#include "net/runtime.h"

#include "core/check.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>

namespace postern::net {

namespace {

// Linux's limit for thread names, without the final NUL.
constexpr std::size_t kMaxThreadName = 15;

// Blocks every signal for as long as it lives; threads started meanwhile inherit that.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

class Runtime::Loop {
 public:
  explicit Loop(std::string name) : name_(std::move(name)), context_(1), work_(context_.get_executor()) {}

  Executor executor() { return context_.get_executor(); }
  void start() {
    thread_ = std::thread([this] { context_.run(); });
    pthread_setname_np(thread_.native_handle(), name_.c_str());
  }
  // False: the last question is not answered yet.
  bool ask() {
    if (!has_answered_.exchange(false)) return false;
    asio::post(context_, [this] { has_answered_ = true; });
    return true;
  }
  const std::string& name() const { return name_; }
  void stop() { context_.stop(); }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::string name_;
  asio::io_context context_;  // one thread runs it; any thread may post to it
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::thread thread_;
  std::atomic<bool> has_answered_{true};
};

Runtime::Runtime(std::size_t io_threads) {
  const std::size_t count =
      io_threads != 0 ? io_threads : std::max<std::size_t>(1, std::thread::hardware_concurrency());
  for (std::size_t i = 0; i < count; ++i) io_executors_.push_back(add_thread("io-" + std::to_string(i)));
}

Runtime::~Runtime() { stop(); }

Executor Runtime::add_thread(const std::string& name) {
  POSTERN_CHECK(name.size() <= kMaxThreadName);
  loops_.push_back(std::make_unique<Loop>(name));
  return loops_.back()->executor();
}

void Runtime::start() {
  const BlockedSignals blocked;
  for (const auto& loop : loops_) loop->start();
}

std::vector<std::string> Runtime::find_stalled() {
  std::vector<std::string> stalled;
  for (const auto& loop : loops_) {
    if (!loop->ask()) stalled.push_back(loop->name());
  }
  return stalled;
}

void Runtime::stop() {
  for (const auto& loop : loops_) loop->stop();
  for (const auto& loop : loops_) loop->join();
}

}  // namespace postern::net
