#include "auth/usage_tracker.h"

namespace postern::auth {

void UsageTracker::record(const KeyId& key, store::KeyUsage usage) {
  const std::lock_guard lock(mutex_);
  if (unsaved_.size() >= kMaxTrackedKeys && !unsaved_.contains(key)) return;
  unsaved_[key] = std::move(usage);
}

std::vector<std::pair<KeyId, store::KeyUsage>> UsageTracker::take_unsaved() {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<KeyId, store::KeyUsage>> taken(unsaved_.begin(), unsaved_.end());
  unsaved_.clear();
  return taken;
}

}  // namespace postern::auth
