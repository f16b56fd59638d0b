// Connection counts. One mutex: it is taken twice in a connection's life, for a map operation.
#include "net/admission.h"

#include "core/check.h"

namespace postern::net {

AdmissionVerdict Admission::admit(const IpAddress& peer) {
  const IpAddress group = limit_group(peer);
  const std::lock_guard lock(mutex_);
  if (total_ >= limits_.total) return AdmissionVerdict::TooManyInAll;
  const auto found = by_group_.find(group);
  const std::size_t from_group = found == by_group_.end() ? 0 : found->second;
  if (from_group >= limits_.per_address && !peer.is_loopback()) return AdmissionVerdict::TooManyFromAddress;
  ++total_;
  ++by_group_[group];
  return AdmissionVerdict::Admitted;
}

void Admission::release(const IpAddress& peer) {
  const IpAddress group = limit_group(peer);
  const std::lock_guard lock(mutex_);
  const auto found = by_group_.find(group);
  POSTERN_CHECK(found != by_group_.end());
  --total_;
  if (--found->second == 0) by_group_.erase(found);
}

void Admission::set_limits(AdmissionLimits limits) {
  const std::lock_guard lock(mutex_);
  limits_ = limits;
}

std::size_t Admission::count() const {
  const std::lock_guard lock(mutex_);
  return total_;
}

}  // namespace postern::net
