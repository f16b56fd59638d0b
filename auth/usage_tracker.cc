#include "auth/usage_tracker.h"

namespace postern::auth {

void UsageTracker::record(const KeyId& key, store::KeyUsage usage) {
  const std::lock_guard lock(mutex_);
  if (unsaved_.size() >= kMaxTrackedKeys && !unsaved_.contains(key)) return;
  unsaved_[key] = std::move(usage);
}

void UsageTracker::record_refusal(const KeyId& key, store::KeyRefusal refusal) {
  const std::lock_guard lock(mutex_);
  if (unsaved_refusals_.size() >= kMaxTrackedKeys && !unsaved_refusals_.contains(key)) return;
  unsaved_refusals_[key] = std::move(refusal);
}

std::vector<std::pair<KeyId, store::KeyRefusal>> UsageTracker::take_unsaved_refusals() {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<KeyId, store::KeyRefusal>> taken(unsaved_refusals_.begin(), unsaved_refusals_.end());
  unsaved_refusals_.clear();
  return taken;
}

std::vector<std::pair<KeyId, store::KeyUsage>> UsageTracker::take_unsaved() {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<KeyId, store::KeyUsage>> taken(unsaved_.begin(), unsaved_.end());
  unsaved_.clear();
  return taken;
}

void UsageTracker::add(const SentCount& count) {
  const SentKey key(count.account, count.key, count.day);
  if (unsaved_sent_.size() >= kMaxTrackedKeys && !unsaved_sent_.contains(key)) return;
  SentCount& sum = unsaved_sent_.try_emplace(key, SentCount{count.account, count.key, count.day, 0, 0}).first->second;
  sum.messages += count.messages;
  sum.recipients += count.recipients;
}

void UsageTracker::count_sent(const AccountId& account, const KeyId& key, Instant at, std::uint64_t recipients) {
  const std::lock_guard lock(mutex_);
  add({account, key, std::chrono::floor<std::chrono::days>(at), 1, recipients});
}

std::vector<SentCount> UsageTracker::take_unsaved_sent() {
  const std::lock_guard lock(mutex_);
  std::vector<SentCount> taken;
  taken.reserve(unsaved_sent_.size());
  for (const auto& [key, count] : unsaved_sent_) taken.push_back(count);
  unsaved_sent_.clear();
  return taken;
}

void UsageTracker::put_back_sent(const std::vector<SentCount>& counts) {
  const std::lock_guard lock(mutex_);
  for (const SentCount& count : counts) add(count);
}

}  // namespace postern::auth
