#include "api/account_turns.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace postern::api {

struct AccountTurns::Waiter {
  explicit Waiter(const net::Executor& on) : executor(on), timer(on, net::asio::steady_timer::time_point::max()) {}

  net::Executor executor;
  net::asio::steady_timer timer;  // cancelled when the turn has come
};

net::Awaitable<std::unique_ptr<AccountTurns::Turn>> AccountTurns::take(AccountId account) {
  const net::Executor executor = co_await net::asio::this_coro::executor;
  std::shared_ptr<Waiter> waiter;
  {
    const std::lock_guard lock(mutex_);
    Share& share = shares_[account];
    if (share.under_way < at_once_) {
      ++share.under_way;
      co_return std::make_unique<Turn>(*this, account);
    }
    if (share.waiting.size() >= max_waiting_) co_return nullptr;
    waiter = share.waiting.emplace_back(std::make_shared<Waiter>(executor));
  }
  co_await waiter->timer.async_wait(net::asio::as_tuple(net::asio::use_awaitable_t<net::Executor>{}));
  co_return std::make_unique<Turn>(*this, account);
}

// The turn passes to the one that waits longest, so that `under_way` stays what it is.
void AccountTurns::give_back(const AccountId& account) {
  std::shared_ptr<Waiter> next;
  {
    const std::lock_guard lock(mutex_);
    const auto found = shares_.find(account);
    Share& share = found->second;
    if (share.waiting.empty()) {
      if (--share.under_way == 0) shares_.erase(found);
      return;
    }
    next = std::move(share.waiting.front());
    share.waiting.pop_front();
  }
  net::asio::post(next->executor, [next] { next->timer.cancel(); });
}

}  // namespace postern::api
