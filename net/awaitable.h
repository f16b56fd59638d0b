// Awaitable: the coroutine type of all code that waits, and the executor it runs on.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace postern::net {

namespace asio = boost::asio;

using Executor = asio::any_io_executor;

template <class T>
using Awaitable = asio::awaitable<T, Executor>;

}  // namespace postern::net
