// AccountTurns: how many jobs of one account are under way at a time. Those above it wait here, in their order, and not in the
// queue of a worker pool, where every other account would wait behind them. Any thread.
#pragma once

#include "core/ids.h"
#include "net/awaitable.h"

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>

namespace postern::api {

class AccountTurns {
 public:
  AccountTurns(std::size_t at_once, std::size_t max_waiting) : at_once_(at_once), max_waiting_(max_waiting) {}
  AccountTurns(const AccountTurns&) = delete;
  AccountTurns& operator=(const AccountTurns&) = delete;

  // While it lives, a job of the account's may run. Ends before the turns do.
  class Turn {
   public:
    Turn(AccountTurns& turns, const AccountId& account) : turns_(turns), account_(account) {}
    ~Turn() { turns_.give_back(account_); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    AccountTurns& turns_;
    const AccountId account_;
  };
  // Waits until it is the account's turn, on the caller's executor; null: more than `max_waiting` of its jobs wait already.
  net::Awaitable<std::unique_ptr<Turn>> take(AccountId account);

 private:
  struct Waiter;
  struct Share {
    std::size_t under_way = 0;
    std::deque<std::shared_ptr<Waiter>> waiting;
  };

  void give_back(const AccountId& account);

  const std::size_t at_once_;
  const std::size_t max_waiting_;
  std::mutex mutex_;
  std::map<AccountId, Share> shares_;  // of accounts with something under way
};

}  // namespace postern::api
