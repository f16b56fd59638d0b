#include "relay/run_turns.h"

namespace postern::relay {

RunTurns::Turn RunTurns::wait(const AccountId& account, std::string_view run) {
  Key key(account, std::string(run));
  std::unique_lock lock(mutex_);
  freed_.wait(lock, [&] { return taken_.insert(key).second; });
  return Turn(this, std::move(key));
}

RunTurns::Turn RunTurns::try_take(const AccountId& account, std::string_view run) {
  Key key(account, std::string(run));
  const std::lock_guard lock(mutex_);
  const bool is_free = taken_.insert(key).second;
  if (!is_free) wanted_.insert(key);
  return Turn(is_free ? this : nullptr, std::move(key));
}

bool RunTurns::Turn::end() {
  {
    const std::lock_guard lock(turns_->mutex_);
    if (turns_->wanted_.erase(key_) > 0) return false;
    turns_->taken_.erase(key_);
  }
  std::exchange(turns_, nullptr)->freed_.notify_all();
  return true;
}

void RunTurns::give_back(const Key& key) {
  {
    const std::lock_guard lock(mutex_);
    taken_.erase(key);
    wanted_.erase(key);
  }
  freed_.notify_all();
}

}  // namespace postern::relay
