// Last use of keys, written behind: a busy key costs one small record every few seconds, never one on the hot path.
#pragma once

#include "core/ids.h"
#include "store/records.h"

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace postern::auth {

// Keys remembered between two writes; a further one is simply not remembered this time.
inline constexpr std::size_t kMaxTrackedKeys = 65'536;

class UsageTracker {
 public:
  // Any thread.
  void record(const KeyId& key, store::KeyUsage usage);
  // What was used since the last call. The caller writes it every few seconds.
  std::vector<std::pair<KeyId, store::KeyUsage>> take_unsaved();

 private:
  std::mutex mutex_;
  std::map<KeyId, store::KeyUsage> unsaved_;
};

}  // namespace postern::auth
