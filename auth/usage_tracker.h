// Last use of keys, the last time that one was refused, and what they sent, written behind: a busy key costs small records every
// few seconds, never one on the hot path.
#pragma once

#include "core/clock.h"
#include "core/ids.h"
#include "store/records.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace postern::auth {

// Keys remembered between two writes, of each kind; a further one is simply not remembered this time.
inline constexpr std::size_t kMaxTrackedKeys = 65'536;

// What a key sent on one UTC day.
struct SentCount {
  AccountId account;
  KeyId key;
  Instant day;  // its midnight
  std::uint64_t messages = 0;
  std::uint64_t recipients = 0;
};

class UsageTracker {
 public:
  // Any thread.
  void record(const KeyId& key, store::KeyUsage usage);
  // What was used since the last call. The caller writes it every few seconds.
  std::vector<std::pair<KeyId, store::KeyUsage>> take_unsaved();

  // Somebody who had the key's text was refused.
  void record_refusal(const KeyId& key, store::KeyRefusal refusal);
  std::vector<std::pair<KeyId, store::KeyRefusal>> take_unsaved_refusals();

  // One message was accepted. Any thread.
  void count_sent(const AccountId& account, const KeyId& key, Instant at, std::uint64_t recipients);
  // What was sent since the last call. The caller adds it to the directory, or puts it back.
  std::vector<SentCount> take_unsaved_sent();
  void put_back_sent(const std::vector<SentCount>& counts);

 private:
  using SentKey = std::tuple<AccountId, KeyId, Instant>;

  void add(const SentCount& count);  // under mutex_

  std::mutex mutex_;
  std::map<SentKey, SentCount> unsaved_sent_;
  std::map<KeyId, store::KeyUsage> unsaved_;
  std::map<KeyId, store::KeyRefusal> unsaved_refusals_;
};

}  // namespace postern::auth
