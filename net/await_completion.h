// Turns a store::Completion, which the commit thread calls, into something a coroutine awaits on its own executor.
#pragma once

#include "core/completion.h"
#include "core/result.h"
#include "net/awaitable.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <functional>
#include <memory>
#include <utility>

namespace postern::net {

// Calls `start` with a completion and resumes the awaiting coroutine on its executor with what the completion was given.
// The wait cannot be cancelled: a commit under way ends by itself, and its answer decides what the client is told.
template <class Start>
net::Awaitable<Result<void>> await_completion(Start start) {
  const net::Executor executor = co_await net::asio::this_coro::executor;
  const net::asio::use_awaitable_t<net::Executor> token;
  auto initiate = [executor](auto handler, Start begin) {
    // std::function wants a copyable target; the handler is move-only.
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    begin(Completion([executor, shared](Result<void> result) {
      net::asio::post(executor, [shared, result = std::move(result)]() mutable { (*shared)(std::move(result)); });
    }));
  };
  co_return co_await net::asio::async_initiate<const net::asio::use_awaitable_t<net::Executor>, void(Result<void>)>(
      std::move(initiate), token, std::move(start));
}

}  // namespace postern::net
