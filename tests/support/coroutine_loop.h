// Runs coroutines on one io_context in the test's own thread, to the end and no further.
#pragma once

#include "net/awaitable.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <memory>
#include <optional>

namespace postern::test {

template <class T>
using Pending = std::shared_ptr<std::optional<T>>;

class CoroutineLoop {
 public:
  net::Executor executor() { return context_.get_executor(); }
  net::asio::io_context& context() { return context_; }

  // Starts; wait() for its value.
  template <class T>
  Pending<T> start(net::Awaitable<T> coroutine) {
    auto result = std::make_shared<std::optional<T>>();
    net::asio::co_spawn(context_, std::move(coroutine), [result](std::exception_ptr failure, std::optional<T> value) {
      if (failure) std::rethrow_exception(failure);
      *result = std::move(value);
    });
    return result;
  }

  template <class T>
  T wait(const Pending<T>& pending) {
    while (!pending->has_value()) {
      context_.restart();
      context_.run_one();
    }
    return std::move(**pending);
  }

  template <class T>
  T run(net::Awaitable<T> coroutine) {
    return wait(start(std::move(coroutine)));
  }

  // Whatever can happen without waiting, happens.
  void settle() {
    context_.restart();
    context_.poll();
  }

 private:
  net::asio::io_context context_{1};
};

}  // namespace postern::test
