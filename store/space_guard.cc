// SpaceGuard; see the header.
#include "store/space_guard.h"

#include <algorithm>

namespace postern::store {
namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::int64_t kLookEvery = 3 * kNanosecondsPerSecond;     // where no watch looks
constexpr std::int64_t kMeasureEvery = kNanosecondsPerSecond;      // of the allowance; once in a batch where it is used up
// Kept out of every allowance: what a commit writes beside content, and the pages it replaces, which are free two commits later.
constexpr std::uint64_t kCommitMargin = 1U << 20;
constexpr std::uint64_t kSmallestPart = 8;  // of a small spool it is no more than this part

std::int64_t steady_now() { return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1); }

std::uint64_t above(std::uint64_t value, std::uint64_t bound) { return value > bound ? value - bound : 0; }

}  // namespace

SpaceVerdict judge_space(const LmdbEnvironment::Space& space, const SpoolLimits& limits) {
  const std::uint64_t margin = std::min(kCommitMargin, limits.max_octets / kSmallestPart);
  const std::uint64_t below_cap = above(limits.max_octets, space.grown_octets);
  const std::uint64_t on_disk =
      above(space.file_octets, space.grown_octets) + above(space.free_disk_octets, limits.min_free_octets);
  const std::uint64_t room = space.reusable_octets + std::min(below_cap, on_disk);
  const std::uint64_t allowance = above(std::min(room, above(limits.max_octets, space.used_octets)), margin);
  SpaceVerdict verdict{.finding = SpaceFinding::Room, .allowance = allowance, .capacity = 0};
  verdict.capacity =
      std::min(limits.max_octets, above(space.grown_octets, space.pinned_octets) + std::min(below_cap, on_disk));
  if (space.is_read_only) {
    verdict.finding = SpaceFinding::ReadOnly;
    verdict.allowance = 0;
  } else if (allowance == 0 && space.used_octets + margin >= limits.max_octets) {
    verdict.finding = SpaceFinding::CapReached;
  } else if (allowance == 0 && space.pinned_octets > margin) {
    verdict.finding = SpaceFinding::Pinned;
  } else if (allowance == 0) {
    verdict.finding = on_disk < below_cap ? SpaceFinding::DiskNearlyFull : SpaceFinding::CapReached;
  }
  return verdict;
}

std::string_view name_of(SpaceFinding finding) {
  switch (finding) {
    case SpaceFinding::Room: return "there is room";
    case SpaceFinding::CapReached: return "the spool has reached its configured size";
    case SpaceFinding::DiskNearlyFull: return "the disk below the spool is nearly full";
    case SpaceFinding::Pinned: return "a process that reads an old state keeps the spool's free pages from being used again";
    case SpaceFinding::ReadOnly: return "the file system below the spool is read-only";
    case SpaceFinding::Unknown: break;
  }
  return "the spool's space cannot be measured";
}

Result<void> SpaceGuard::check() {
  const std::int64_t now = steady_now();
  std::int64_t next = next_look_.load(std::memory_order_relaxed);
  // Whoever moves the time forward looks; the others go by what was found last.
  if (now >= next && next_look_.compare_exchange_strong(next, now + kLookEvery)) (void)look();
  return answer();
}

SpaceVerdict SpaceGuard::judge(SpoolSpace& space) const {
  const Result<LmdbEnvironment::Space> measured = environment_.space();
  if (!measured) {
    space.finding = SpaceFinding::Unknown;
    return {.finding = SpaceFinding::Unknown};
  }
  const SpaceVerdict verdict = judge_space(*measured, limits_);
  space = {.finding = verdict.finding,
           .used_octets = measured->used_octets,
           .file_octets = measured->file_octets,
           .free_disk_octets = measured->free_disk_octets,
           .reusable_octets = measured->reusable_octets,
           .pinned_octets = measured->pinned_octets,
           .pinned_by = measured->pinned_by};
  return verdict;
}

void SpaceGuard::note(const SpaceVerdict& verdict) {
  finding_.store(verdict.finding, std::memory_order_relaxed);
  if (verdict.finding != SpaceFinding::Unknown) capacity_.store(verdict.capacity, std::memory_order_relaxed);
}

SpoolSpace SpaceGuard::look() {
  next_look_.store(steady_now() + kLookEvery, std::memory_order_relaxed);
  SpoolSpace space;
  note(judge(space));
  return space;
}

void SpaceGuard::begin_batch() {
  taken_in_batch_ = 0;
  is_measured_ = false;
  if (measured_at_ == 0 || steady_now() - measured_at_ >= kMeasureEvery) measure();
}

Result<void> SpaceGuard::take(std::uint64_t octets) {
  const auto wanted = static_cast<std::int64_t>(octets);
  if (wanted > allowance_ && !is_measured_) measure();
  if (wanted > allowance_) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    const Result<void> refused = answer();
    return refused ? Error(ErrorCode::StorageFull, std::string(name_of(SpaceFinding::CapReached))) : refused;
  }
  allowance_ -= wanted;
  taken_in_batch_ += wanted;
  return {};
}

void SpaceGuard::measure() {
  SpoolSpace space;
  const SpaceVerdict verdict = judge(space);
  note(verdict);
  measured_at_ = steady_now();
  is_measured_ = true;
  constexpr std::uint64_t kMost = std::uint64_t{1} << 62;
  allowance_ = static_cast<std::int64_t>(std::min(verdict.allowance, kMost)) - taken_in_batch_;
}

Result<void> SpaceGuard::answer() const {
  const SpaceFinding finding = finding_.load(std::memory_order_relaxed);
  if (finding == SpaceFinding::Room) return {};
  return Error(finding == SpaceFinding::Unknown ? ErrorCode::IoError : ErrorCode::StorageFull, std::string(name_of(finding)));
}

}  // namespace postern::store
