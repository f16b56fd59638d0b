#include "store/mail_shares.h"

#include <algorithm>

namespace postern::store {
namespace {

std::uint64_t held_by(const std::map<AccountId, std::uint64_t>& held, const AccountId& account) {
  const auto found = held.find(account);
  return found == held.end() ? 0 : found->second;
}

void take_off(std::map<AccountId, std::uint64_t>& held, std::uint64_t& total, const AccountId& account, std::uint64_t octets) {
  const auto found = held.find(account);
  if (found == held.end()) return;
  const std::uint64_t gone = std::min(octets, found->second);
  total -= gone;
  found->second -= gone;
  if (found->second == 0) held.erase(found);
}

}  // namespace

Result<void> OpenContent::add(const AccountId& account, std::uint64_t own, std::uint64_t octets) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t held = held_by(held_, account);
  const std::uint64_t capacity = capacity_.load(std::memory_order_relaxed);
  if (held > own && held + octets > capacity / 8) {
    return Error(ErrorCode::StorageFull, "too much of this account's mail arrives at once");
  }
  if (total_ > own && total_ + octets > capacity / 4) return Error(ErrorCode::StorageFull, "too much mail arrives at once");
  total_ += octets;
  held_[account] += octets;
  return {};
}

void OpenContent::remove(const AccountId& account, std::uint64_t octets) {
  const std::lock_guard lock(mutex_);
  take_off(held_, total_, account, octets);
}

Result<void> TestMail::check(const AccountId& account, std::uint64_t octets) const {
  if (held_by(held_, account) + held_by(added_, account) + octets > capacity_ / 4) {
    return Error(ErrorCode::StorageFull, "this account's test mail has reached its part of the spool");
  }
  if (total_ + added_total_ + octets > capacity_ / 2) {
    return Error(ErrorCode::StorageFull, "test mail has reached its part of the spool");
  }
  return {};
}

void TestMail::begin_batch() {
  added_total_ = 0;
  added_.clear();
  removed_.clear();
}

void TestMail::add(const AccountId& account, std::uint64_t octets) {
  added_total_ += octets;
  added_[account] += octets;
}

void TestMail::commit_batch() {
  total_ += added_total_;
  for (const auto& [account, octets] : added_) held_[account] += octets;
  for (const auto& [account, octets] : removed_) take_off(held_, total_, account, octets);
  begin_batch();
}

}  // namespace postern::store
