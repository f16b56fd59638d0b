// Who is at a run: one at a time, and nobody who has others to serve waits for that. Any thread.
#pragma once

#include "core/ids.h"

#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace postern::relay {

class RunTurns {
 public:
  // Ends with this object.
  class Turn {
   public:
    Turn(Turn&& other) noexcept : turns_(std::exchange(other.turns_, nullptr)), key_(std::move(other.key_)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (turns_) turns_->give_back(key_);
    }
    explicit operator bool() const { return turns_ != nullptr; }
    // Ends it, unless somebody came meanwhile who did not wait: false then, it is still ours and has to be done once more.
    bool end();

   private:
    friend class RunTurns;
    using Key = std::pair<AccountId, std::string>;
    Turn(RunTurns* turns, Key key) : turns_(turns), key_(std::move(key)) {}

    RunTurns* turns_;
    Key key_;
  };

  Turn wait(const AccountId& account, std::string_view run);
  // Without waiting: no turn where somebody is at it, who learns of it by end().
  Turn try_take(const AccountId& account, std::string_view run);

 private:
  using Key = Turn::Key;
  void give_back(const Key& key);

  std::mutex mutex_;
  std::condition_variable freed_;
  std::set<Key> taken_;
  std::set<Key> wanted_;  // of those that are taken
};

}  // namespace postern::relay
