// Counting and back-off. Time is a parameter throughout.
#include "relay/destination.h"

#include "core/check.h"

#include <algorithm>
#include <utility>

namespace postern::relay {
namespace {

constexpr std::uint32_t kMaxDoublings = 16;  // far above kLongest / kFirst; keeps the shift defined
constexpr int kJitterPercent = 20;           // either way: many destinations behind one outage do not probe in step

Duration backoff_delay(std::uint32_t failures, Random& random) {
  const std::uint32_t doublings = std::min(failures - 1, kMaxDoublings);
  const Duration plain = std::min<Duration>(Backoff::kFirst * (1LL << doublings), Backoff::kLongest);
  const auto percent = 100 - kJitterPercent + static_cast<Duration::rep>(random.below(2 * kJitterPercent + 1));
  return plain * percent / 100;
}

}  // namespace

Duration Backoff::failed(Instant now, Random& random) {
  ++failures_;
  broken_in_a_row_ = 0;
  const Duration delay = backoff_delay(failures_, random);
  next_probe_ = now + delay;
  return delay;
}

std::optional<Duration> Backoff::broke(Instant now, Random& random) {
  if (!is_failing() && ++broken_in_a_row_ < kTolerated) return std::nullopt;
  return failed(now, random);
}

Instant Backoff::next_probe(Instant now) const {
  constexpr Duration kMost = kLongest * (100 + kJitterPercent) / 100;
  return next_probe_ - now > kMost ? now : next_probe_;
}

bool Backoff::succeeded() {
  broken_in_a_row_ = 0;
  return std::exchange(failures_, 0U) > 0;
}

Destination::Destination(std::string name, const Route* route, DestinationLimits limits,
                         std::unique_ptr<Transport> transport)
    : name_(std::move(name)), route_(route), limits_(limits), transport_(std::move(transport)) {}

Room Destination::room(Instant now) const {
  if (backoff_.is_failing()) {
    return now < backoff_.next_probe(now) || weight_ > 0 ? Room::Unavailable : Room::Free;
  }
  return weight_ < limits_.max_weight ? Room::Free : Room::Full;
}

void Destination::enqueue(Job job) {
  weight_ += job.weight();
  waiting_.push_back(std::move(job));
}

std::size_t Destination::running_limit(Instant now) const {
  if (!backoff_.is_failing()) return limits_.max_connections;
  return now < backoff_.next_probe(now) ? 0 : 1;
}

std::optional<Job> Destination::take(Instant now) {
  if (waiting_.empty() || running_ >= running_limit(now)) return std::nullopt;
  Job job = std::move(waiting_.front());
  waiting_.pop_front();
  ++running_;
  return job;
}

std::size_t Destination::startable(Instant now) const {
  const std::size_t limit = running_limit(now);
  return running_ >= limit ? 0 : std::min(waiting_.size(), limit - running_);
}

void Destination::finished() {
  POSTERN_CHECK(running_ > 0);
  --running_;
}

void Destination::settled(const Job& job) {
  POSTERN_CHECK(weight_ >= job.weight());
  weight_ -= job.weight();
}

std::optional<Duration> Destination::failed(Contact contact, const Status& status, Instant now, Random& random) {
  last_failure_ = status;
  // Deliveries that were under way when the outage began say nothing new.
  if (is_failing() && now < next_probe(now)) return std::nullopt;
  if (contact == Contact::None) return backoff_.failed(now, random);
  return backoff_.broke(now, random);
}

std::vector<Job> Destination::release_waiting() {
  std::vector<Job> released(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(waiting_.end()));
  waiting_.clear();
  for (const Job& job : released) settled(job);
  return released;
}

void Destination::passed_over(const store::DueEntry& entry) {
  if (unread_after_ && precedes(*unread_after_, entry)) return;
  unread_after_ = just_before(entry);
}

void Destination::continue_after(const store::DueEntry& entry) {
  if (!unread_after_ || precedes(entry, *unread_after_)) unread_after_ = entry;
}

std::optional<store::DueEntry> Destination::take_unread() { return std::exchange(unread_after_, std::nullopt); }

bool Destination::wants_reading(Instant now) const {
  if (!unread_after_ || room(now) != Room::Free) return false;
  return weight_ <= limits_.max_weight / 2;
}

store::DueEntry just_before(const store::DueEntry& entry) {
  store::DueEntry before = entry;
  for (auto octet = before.id.octets.rbegin(); octet != before.id.octets.rend(); ++octet) {
    if ((*octet)-- != 0) return before;
  }
  before.due -= Duration{1};
  return before;
}

bool precedes(const store::DueEntry& a, const store::DueEntry& b) {
  return a.due != b.due ? a.due < b.due : a.id < b.id;
}

}  // namespace postern::relay
