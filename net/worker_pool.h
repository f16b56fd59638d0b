// WorkerPool: threads for what blocks (a directory write that waits for its sync, a password hash, a DNS library), so that no
// I/O thread ever does. Bounded: what does not fit is refused at once instead of piling up.
#pragma once

#include "net/awaitable.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace postern::net {

class WorkerPool {
 public:
  // At most `max_waiting` jobs run or wait at a time. Makes its threads now; std::system_error where one cannot be made, and then
  // none is left (Asio's own pool would wait for those that it has for ever).
  WorkerPool(std::size_t threads, std::size_t max_waiting) : max_waiting_(max_waiting), work_(context_.get_executor()) {
    threads_.reserve(threads);
    try {
      while (threads_.size() < threads) threads_.emplace_back([this] { context_.run(); });
    } catch (...) {
      stop();
      throw;
    }
  }
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
    work_.reset();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  std::size_t max_waiting_;
  std::atomic<std::size_t> waiting_{0};
  std::atomic<bool> is_stopped_{false};
  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::vector<std::thread> threads_;
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
    asio::post(context_, [this, executor, handler = std::move(handler), work = std::move(work)]() mutable {
      Answer answer(work());
      waiting_.fetch_sub(1);
      asio::post(executor, [handler = std::move(handler), answer = std::move(answer)]() mutable { handler(std::move(answer)); });
    });
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void(Answer)>(std::move(initiate), token,
                                                                                              std::move(job));
}

}  // namespace postern::net
