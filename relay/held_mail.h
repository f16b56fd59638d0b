// What waits for suspended accounts, and by orders: held messages stay in the due index as they are, and need not
// be read again before their account is resumed or the orders change. Pure.
#pragma once

#include "core/ids.h"
#include "core/message_id.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace postern::relay {

struct MessageIdHash {
  // The last octets are random.
  std::size_t operator()(const MessageId& id) const {
    std::size_t hash = 0;
    for (std::size_t i = 8; i < id.octets.size(); ++i) hash = hash << 8 | id.octets[i];
    return hash;
  }
};

class HeldMail {
 public:
  static constexpr std::size_t kMaxMessages =
      131'072;  // about 6 MiB; of more the records are read again each time

  void add(const AccountId& account, const MessageId& id) {
    accounts_.insert(account);
    if (!is_overfull()) messages_.emplace(id, account);
  }
  bool contains(const MessageId& id) const { return messages_.contains(id); }
  // There may be more than contains() knows of.
  bool is_overfull() const { return messages_.size() >= kMaxMessages; }
  // Forgets the mail of the accounts that `is_resumed`. True if there were any.
  bool release(const std::function<bool(const AccountId&)>& is_resumed) {
    const auto released = std::erase_if(accounts_, is_resumed);
    if (released == 0) return false;
    std::erase_if(messages_, [this](const auto& held) { return !accounts_.contains(held.second); });
    return true;
  }

 private:
  std::set<AccountId> accounts_;
  std::unordered_map<MessageId, AccountId, MessageIdHash> messages_;
};

// What waits because of orders (relay/orders.h): of a message in several lanes some may be held and others not. Forgotten when the
// orders change.
class OrderedMail {
 public:
  static constexpr std::size_t kMaxLanes = 65'536;  // about 8 MiB; of more the records are read again each time

  void add(const MessageId& id, std::string lane) {
    if (is_overfull()) return;
    std::vector<std::string>& lanes = lanes_[id];
    if (std::ranges::find(lanes, lane) != lanes.end()) return;
    lanes.push_back(std::move(lane));
    ++count_;
  }
  bool contains(const MessageId& id) const { return lanes_.contains(id); }
  bool contains(const MessageId& id, std::string_view lane) const {
    const auto found = lanes_.find(id);
    return found != lanes_.end() && std::ranges::find(found->second, lane) != found->second.end();
  }
  bool is_overfull() const { return count_ >= kMaxLanes; }

 private:
  std::unordered_map<MessageId, std::vector<std::string>, MessageIdHash> lanes_;
  std::size_t count_ = 0;
};

}  // namespace postern::relay
