// Counting and back-off. Time is a parameter throughout.
#include "relay/destination.h"

#include "core/check.h"

#include <algorithm>
#include <utility>

namespace postern::relay {
namespace {

constexpr std::uint32_t kMaxDoublings = 16;  // far above kLongest / kFirst; keeps the shift defined
constexpr int kJitterPercent = 20;           // either way: many destinations behind one outage do not probe in step
constexpr std::size_t kMaxShares = 4'096;    // accounts remembered for nothing but their broken sessions
constexpr Duration kComplaintInterval = std::chrono::hours(1);

Duration backoff_delay(std::uint32_t failures, Random& random) {
  const std::uint32_t doublings = std::min(failures - 1, kMaxDoublings);
  const Duration plain = std::min<Duration>(Backoff::kFirst * (1LL << doublings), Backoff::kLongest);
  const auto percent = 100 - kJitterPercent + static_cast<Duration::rep>(random.below(2 * kJitterPercent + 1));
  return plain * percent / 100;
}

const AccountId& account_of(const Job& job) { return job.lease->stored.message.account; }

}  // namespace

Duration Backoff::failed(Instant now, Random& random) {
  ++failures_;
  const Duration delay = backoff_delay(failures_, random);
  next_probe_ = now + delay;
  return delay;
}

Instant Backoff::next_probe(Instant now) const {
  constexpr Duration kMost = kLongest * (100 + kJitterPercent) / 100;
  return next_probe_ - now > kMost ? now : next_probe_;
}

bool Backoff::succeeded() { return std::exchange(failures_, 0U) > 0; }

Destination::Destination(std::string name, std::shared_ptr<const Route> route, DestinationLimits limits,
                         std::unique_ptr<Transport> transport)
    : name_(std::move(name)),
      route_(std::move(route)),
      limits_(limits),
      transport_(std::move(transport)),
      allowed_(std::min(limits.first_connections, limits.max_connections)),
      is_beginning_(limits.first_connections < limits.max_connections) {}

void Destination::succeed(const std::shared_ptr<Destination>& predecessor) {
  predecessors_.insert(predecessors_.end(), predecessor->predecessors_.begin(), predecessor->predecessors_.end());
  predecessors_.push_back(predecessor);
  std::erase_if(predecessors_, [](const auto& before) { return before.expired(); });
}

std::size_t Destination::running_before() const {
  std::size_t running = 0;
  for (const auto& predecessor : predecessors_) {
    if (const auto before = predecessor.lock()) running += before->running();
  }
  return running;
}

Room Destination::room(Instant now) const {
  if (is_resting(now)) return Room::Unavailable;
  if (backoff_.is_failing()) {
    return now < backoff_.next_probe(now) || weight_ > 0 ? Room::Unavailable : Room::Free;
  }
  return weight_ < most_held() ? Room::Free : Room::Full;
}

// All reserves together at most double what is held.
bool Destination::has_reserve(const AccountId& account) const {
  if (weight_ >= 2 * most_held()) return false;
  const auto share = shares_.find(account);
  return share == shares_.end() || share->second.weight < kReservedWeight;
}

void Destination::enqueue(Job job) {
  Share& share = shares_[account_of(job)];
  if (share.waiting.empty()) turns_.push_back(account_of(job));
  weight_ += job.weight();
  share.weight += job.weight();
  ++waiting_;
  share.waiting.push_back(std::move(job));
}

std::size_t Destination::running_limit(Instant now) const {
  if (is_resting(now)) return 0;
  if (backoff_.is_failing()) return now < backoff_.next_probe(now) ? 0 : 1;
  return concurrency() - std::min(concurrency(), running_before());
}

std::optional<Job> Destination::take(Instant now) {
  if (running_ >= running_limit(now)) return std::nullopt;
  for (std::size_t left = turns_.size(); left > 0; --left) {
    const AccountId account = turns_.front();
    turns_.pop_front();
    Share& share = shares_[account];
    if (!share.may_run()) {
      turns_.push_back(account);
      continue;
    }
    Job job = pop(share);
    if (!share.waiting.empty()) turns_.push_back(account);
    begin(job);
    return job;
  }
  return std::nullopt;
}

Job Destination::pop(Share& share) {
  Job job = std::move(share.waiting.front());
  share.waiting.pop_front();
  --waiting_;
  return job;
}

std::optional<Job> Destination::take_ahead(const AccountId& account, Instant now) {
  const bool must_wait = !is_failing() && !is_resting(now) && running_ >= running_limit(now);
  if (!must_wait || turns_.empty() || turns_.front() != account) return std::nullopt;
  Share& share = shares_[account];
  if (share.breaks > 0) return std::nullopt;
  turns_.pop_front();
  Job job = pop(share);
  if (!share.waiting.empty()) turns_.push_back(account);
  return job;
}

void Destination::begin(const Job& job) {
  ++shares_[account_of(job)].running;
  ++running_;
}

void Destination::put_back(Job job) {
  const AccountId account = account_of(job);
  Share& share = shares_[account];
  if (share.waiting.empty()) turns_.push_front(account);
  share.waiting.push_front(std::move(job));
  ++waiting_;
}

std::size_t Destination::startable(Instant now) const {
  const std::size_t limit = running_limit(now);
  return running_ >= limit ? 0 : std::min(waiting_, limit - running_);
}

void Destination::finished(const Job& job) {
  const auto share = shares_.find(account_of(job));
  POSTERN_CHECK(running_ > 0 && share != shares_.end() && share->second.running > 0);
  --running_;
  --share->second.running;
}

void Destination::settled(const Job& job) {
  let_go(job);
  settled_ += job.weight();
  if (settled_ < window_ || window_ >= limits_.max_weight) return;
  window_ *= 2;
  settled_ = 0;
}

void Destination::let_go(const Job& job) {
  const auto share = shares_.find(account_of(job));
  POSTERN_CHECK(weight_ >= job.weight() && share != shares_.end() && share->second.weight >= job.weight());
  weight_ -= job.weight();
  share->second.weight -= job.weight();
  forget_if_idle(share);
}

void Destination::forget_if_idle(std::map<AccountId, Share>::iterator share) {
  if (shares_.size() > kMaxShares) share->second.breaks = 0;
  if (share->second.is_idle()) shares_.erase(share);
}

void Destination::surplus(Job job, Instant now) {
  allowed_ = std::max<std::size_t>(running_, 1);
  is_beginning_ = false;
  changed_at_ = now;
  put_back(std::move(job));
}

std::optional<Outage> Destination::failed(const Status& status, Instant now, Random& random) {
  last_failure_ = status;
  // Deliveries that were under way when the outage began say nothing new.
  if (is_failing() && now < next_probe(now)) return std::nullopt;
  const bool is_new = !is_failing();
  // What looked like a surplus was the beginning of this.
  allowed_ = std::min(limits_.first_connections, limits_.max_connections);
  is_beginning_ = allowed_ < limits_.max_connections;
  window_ = kFirstWindow;
  return Outage{backoff_.failed(now, random), is_new};
}

bool Destination::reached(const AccountId& account, bool is_broken, Instant now) {
  const bool may_raise = is_beginning_ || now - changed_at_ >= kRaiseAfter || now < changed_at_;
  if (!is_broken && allowed_ < limits_.max_connections && may_raise) {
    ++allowed_;
    changed_at_ = now;
  }
  is_beginning_ = is_beginning_ && allowed_ < limits_.max_connections;
  const auto share = shares_.find(account);
  if (is_broken && share != shares_.end()) ++share->second.breaks;
  if (!is_broken && share != shares_.end()) share->second.breaks = 0;
  return backoff_.succeeded();
}

bool Destination::should_complain(Instant now) {
  if (complained_at_ && now - *complained_at_ < kComplaintInterval && now >= *complained_at_) return false;
  complained_at_ = now;
  return true;
}

std::vector<Job> Destination::release_waiting() {
  std::vector<Job> released;
  released.reserve(waiting_);
  for (const AccountId& account : std::exchange(turns_, {})) {
    std::deque<Job>& jobs = shares_[account].waiting;
    std::move(jobs.begin(), jobs.end(), std::back_inserter(released));
    jobs.clear();
  }
  waiting_ = 0;
  for (const Job& job : released) let_go(job);
  return released;
}

void Destination::remember_late(const AccountId& account, const store::DueEntry& entry) {
  // The due index has it all the same. An account that is alone overtakes nobody.
  const bool is_alone = shares_.size() <= 1 && shares_.contains(account);
  if (is_alone || is_failing() || shares_.size() > kMaxShares) return;
  std::deque<store::DueEntry>& late = shares_[account].late;
  if (late.size() >= kMaxLate) return;
  late.push_back(entry);
  ++late_;
}

std::vector<store::DueEntry> Destination::take_late() {
  std::vector<store::DueEntry> entries;
  if (late_ == 0 || is_failing() || weight_ >= 2 * most_held()) return entries;
  for (auto share = shares_.begin(); share != shares_.end();) {
    const auto here = share++;
    Share& share_here = here->second;
    for (std::size_t weight = share_here.weight; weight < kReservedWeight && !share_here.late.empty(); ++weight) {
      entries.push_back(share_here.late.front());
      share_here.late.pop_front();
      --late_;
    }
    forget_if_idle(here);
  }
  return entries;
}

}  // namespace postern::relay
