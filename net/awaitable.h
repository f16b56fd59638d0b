// Awaitable: the coroutine type of all code that waits, and the executor it runs on.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>

namespace postern::net {

namespace asio = boost::asio;

using Executor = asio::any_io_executor;

template <class T>
using Awaitable = asio::awaitable<T, Executor>;

// The completion token of a coroutine that waits for an operation: `co_await timer.async_wait(asio::as_tuple(kAwait))`.
inline constexpr asio::use_awaitable_t<Executor> kAwait{};

// The completion handler of a coroutine that must not fail: what it throws leaves the thread's loop, and ends the process.
inline void rethrow(const std::exception_ptr& failure) {
  if (failure) std::rethrow_exception(failure);
}

}  // namespace postern::net
