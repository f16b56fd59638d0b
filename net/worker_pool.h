// WorkerPool: threads for what blocks (a directory write that waits for its sync, a password hash, a DNS library), so that no
// I/O thread ever does. Bounded: what does not fit is refused at once instead of piling up.
#pragma once

#include "net/awaitable.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace postern::net {

class WorkerPool {
 public:
  // At most `max_waiting` jobs run or wait at a time.
  WorkerPool(std::size_t threads, std::size_t max_waiting) : max_waiting_(max_waiting), pool_(threads) {}
  // Calls stop().
  ~WorkerPool() { stop(); }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Runs `job` on a worker and resumes the caller on its own executor with what it returned; nullopt: the pool is full. `job`
  // must not throw. What it refers to must live until this returns: the wait cannot be cancelled.
  template <class Job>
  Awaitable<std::optional<std::invoke_result_t<Job&>>> run(Job job);

  // Waits for the jobs under way; later ones are refused. Never on an I/O thread.
  void stop() {
    is_stopped_ = true;
    pool_.join();
  }

 private:
  std::size_t max_waiting_;
  std::atomic<std::size_t> waiting_{0};
  std::atomic<bool> is_stopped_{false};
  asio::thread_pool pool_;
};

template <class Job>
Awaitable<std::optional<std::invoke_result_t<Job&>>> WorkerPool::run(Job job) {
  using Answer = std::optional<std::invoke_result_t<Job&>>;
  if (is_stopped_ || waiting_.fetch_add(1) >= max_waiting_) {
    if (!is_stopped_) waiting_.fetch_sub(1);
    co_return std::nullopt;
  }
  const Executor executor = co_await asio::this_coro::executor;
  const asio::use_awaitable_t<Executor> token;
  auto initiate = [this, executor](auto handler, Job work) {
    asio::post(pool_, [this, executor, handler = std::move(handler), work = std::move(work)]() mutable {
      Answer answer(work());
      waiting_.fetch_sub(1);
      asio::post(executor, [handler = std::move(handler), answer = std::move(answer)]() mutable { handler(std::move(answer)); });
    });
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void(Answer)>(std::move(initiate), token,
                                                                                              std::move(job));
}

}  // namespace postern::net
