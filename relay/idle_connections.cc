// One timer, set to the oldest connection's end.
#include "relay/idle_connections.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace postern::relay {
namespace {

namespace asio = net::asio;
using std::chrono::steady_clock;

net::Awaitable<void> say_quit(HopConnection hop) { co_await hop.connection->quit(); }

}  // namespace

void quit_in_background(const net::Executor& executor, HopConnection connection) {
  asio::co_spawn(executor, say_quit(std::move(connection)), asio::detached);
}

IdleConnections::IdleConnections(net::Executor executor, std::chrono::seconds idle_timeout)
    : executor_(executor), idle_timeout_(idle_timeout), timer_(executor) {}

void IdleConnections::put(HopConnection connection) {
  idle_.push_back({std::move(connection), steady_clock::now() + idle_timeout_});
  if (idle_.size() == 1) arm();
}

HopConnection IdleConnections::take(mx::TlsDemand demand) {
  const auto found =
      std::find_if(idle_.rbegin(), idle_.rend(), [demand](const Idle& idle) { return idle.hop.demand == demand; });
  if (found == idle_.rend()) return {};
  HopConnection newest = std::move(found->hop);
  idle_.erase(std::next(found).base());
  return newest;
}

void IdleConnections::close_all() {
  for (Idle& idle : idle_) quit_in_background(executor_, std::move(idle.hop));
  idle_.clear();
  timer_.cancel();
}

bool IdleConnections::close_oldest() {
  if (idle_.empty()) return false;
  quit_in_background(executor_, std::move(idle_.front().hop));
  idle_.pop_front();
  return true;
}

void IdleConnections::arm() {
  timer_.expires_at(idle_.front().until);
  timer_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    const auto self = weak.lock();
    if (!error && self) self->close_expired();
  });
}

void IdleConnections::close_expired() {
  const auto now = steady_clock::now();
  while (!idle_.empty() && idle_.front().until <= now) {
    quit_in_background(executor_, std::move(idle_.front().hop));
    idle_.pop_front();
  }
  if (!idle_.empty()) arm();
}

}  // namespace postern::relay
