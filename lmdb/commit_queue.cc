// Group commit; see the header. docs/storage.md, "The single instant of acceptance".
#include "lmdb/commit_queue.h"

#include "core/check.h"
#include "core/metrics.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <future>

namespace postern::lmdb {
namespace {

enum class CommitOf { Spool, Directory };
std::vector<metrics::Label> environments() { return {{"environment", {"spool", "directory"}}}; }
metrics::Histogram commit_durations("postern_commit_duration_seconds",
                                    "From the start of a batch to the end of its sync, waits for other processes included.",
                                    metrics::short_durations(), metrics::Unit::Seconds, environments());
metrics::Histogram commit_sizes("postern_commit_batch_size", "Requests that one sync made durable.",
                                {1, 2, 4, 8, 16, 32, 64, 128, 256, 1'024, 4'096}, metrics::Unit::Counts, environments());

CommitOf commit_of(const LmdbEnvironment& environment) {
  return environment.folder().filename() == "directory" ? CommitOf::Directory : CommitOf::Spool;
}

class BlockingRequest final : public CommitRequest {
 public:
  BlockingRequest(std::function<Result<void>(WriteTransaction&)> change, std::promise<Result<void>>& outcome)
      : change_(std::move(change)), outcome_(outcome) {}
  Result<void> apply(WriteTransaction& transaction) override { return change_(transaction); }
  void complete(Result<void> outcome) override { outcome_.set_value(std::move(outcome)); }

 private:
  std::function<Result<void>(WriteTransaction&)> change_;
  std::promise<Result<void>>& outcome_;
};

// LMDB reports a write that a full disk cut short as EIO. Asking the file system for room tells that from a real failure; what
// it gives is not lost: the file grows into it.
bool has_room_for_a_batch(MDB_env* environment) {
  int fd = -1;
  struct stat file {};
  if (mdb_env_get_fd(environment, &fd) != 0 || ::fstat(fd, &file) != 0) return true;
  if (::fallocate(fd, 0, file.st_size, off_t{2 * kBatchOctets}) == 0) return true;
  return !is_no_room(errno);
}

// Another process's commit takes milliseconds; one that has stalled is looked at less often.
constexpr std::chrono::milliseconds kGatePoll{1};
constexpr std::chrono::milliseconds kStalledPoll{20};

std::int64_t steady_nanoseconds() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

Error refusal(int code) {
  return Error(ErrorCode::StorageFull, std::string("commit: ") + mdb_strerror(code == EIO ? ENOSPC : code));
}

}  // namespace

CommitQueue::CommitQueue(LmdbEnvironment& environment, BatchFrame* frame, std::chrono::milliseconds stall_after)
    : environment_(environment), frame_(frame), stall_after_(stall_after) {}

CommitQueue::~CommitQueue() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void CommitQueue::start() {
  const std::lock_guard lock(mutex_);
  if (!thread_.joinable()) thread_ = std::thread(&CommitQueue::run_thread, this);
}

// True: the thread has to be woken.
bool CommitQueue::note_urgency(Urgency urgency) {
  if (urgency == Urgency::Soon) ++soon_waiting_;
  if (urgency == Urgency::Commits) ++pressing_waiting_;
  const bool was_due = is_hurried_ && waiting_.size() > 1;
  const bool is_pressing = urgency == Urgency::Commits || waiting_octets_ >= kPatientOctets || soon_waiting_ >= kSoonRequests;
  is_hurried_ = is_hurried_ || is_pressing;
  if (gathering_for_ > 0) return pressing_waiting_ >= gathering_for_ || waiting_octets_ >= kBatchOctets;
  return is_hurried_ ? !was_due : is_asleep_ && soon_waiting_ > 0;
}

void CommitQueue::submit(std::unique_ptr<CommitRequest> request, Urgency urgency, Admission admission) {
  bool wakes = false;
  const bool is_refused = is_stalled() && !request->waits_out_stalls();
  {
    const std::lock_guard lock(mutex_);
    const bool is_full = waiting_octets_ > kWaitingOctets || waiting_.size() > kWaitingRequests;
    if (!has_failed() && !is_refused && (admission == Admission::Always || !is_full)) {
      waiting_octets_ += request->octets();
      waiting_.push_back(std::move(request));
      wakes = note_urgency(urgency);
      if (!thread_.joinable()) thread_ = std::thread(&CommitQueue::run_thread, this);
    }
  }
  if (wakes) wake_.notify_one();
  if (request == nullptr) return;  // it was taken
  if (has_failed()) return request->complete(failure());  // NOLINT(bugprone-use-after-move): it was not
  request->complete(is_refused ? stall_error() : Error(ErrorCode::StorageShedding, "too much waits to be committed"));
}

void CommitQueue::hurry() {
  {
    const std::lock_guard lock(mutex_);
    is_hurried_ = true;
  }
  wake_.notify_one();
}

Result<void> CommitQueue::run(std::function<Result<void>(WriteTransaction&)> change) {
  {
    const std::lock_guard lock(mutex_);
    POSTERN_CHECK(std::this_thread::get_id() != thread_.get_id());
  }
  std::promise<Result<void>> promise;
  std::future<Result<void>> outcome = promise.get_future();
  submit(std::make_unique<BlockingRequest>(std::move(change), promise), Urgency::Commits, Admission::Always);
  return outcome.get();
}

bool CommitQueue::is_shedding() const {
  const std::lock_guard lock(mutex_);
  return waiting_octets_ > kWaitingOctets || waiting_.size() > kWaitingRequests;
}

bool CommitQueue::is_stalled() const {
  const std::int64_t since = trying_since_.load(std::memory_order_relaxed);
  const std::chrono::nanoseconds patience = stall_after_ * (is_at_gate_.load(std::memory_order_relaxed) ? 1 : kDiskPatience);
  return since != 0 && steady_nanoseconds() - since >= patience.count();
}

std::optional<Stall> CommitQueue::stall() const {
  if (!is_stalled()) return std::nullopt;
  const std::chrono::nanoseconds lasts(steady_nanoseconds() - trying_since_.load(std::memory_order_relaxed));
  return Stall{.lasts = std::chrono::duration_cast<std::chrono::milliseconds>(lasts), .holder = environment_.gate().holder()};
}

Error CommitQueue::stall_error() const {
  return Error(ErrorCode::StorageShedding, format_stall(stall().value_or(Stall{}), environment_.folder()));
}

void CommitQueue::run_thread() {
  Batch batch;
  auto& durations = commit_durations.at(commit_of(environment_));
  auto& sizes = commit_sizes.at(commit_of(environment_));
  while (take(batch)) {
    const auto began = std::chrono::steady_clock::now();
    trying_since_.store(steady_nanoseconds(), std::memory_order_relaxed);
    is_at_gate_.store(true, std::memory_order_relaxed);
    const bool is_inside = pass_gate(batch);
    is_at_gate_.store(false, std::memory_order_relaxed);
    if (is_inside) {
      process(batch);
      environment_.gate().leave();
    }
    trying_since_.store(0, std::memory_order_relaxed);
    sizes.observe(std::uint64_t{batch.size()});
    batch.clear();
    ended_ = std::chrono::steady_clock::now();
    took_ = ended_ - began;
    durations.observe(took_);
  }
}

// Until a commit is due. Behind a batch it looks again after kSoon by itself, so that under load what can wait wakes nobody.
void CommitQueue::wait_for_work(std::unique_lock<std::mutex>& lock) {
  const auto is_due = [this] { return is_stopping_ || (is_hurried_ && !waiting_.empty()); };
  if (wake_.wait_for(lock, kSoon, is_due) || soon_waiting_ > 0) return;
  is_asleep_ = true;
  wake_.wait(lock, [&] { return is_due() || soon_waiting_ > 0; });
  is_asleep_ = false;
  wake_.wait_for(lock, kSoon, is_due);
}

void CommitQueue::gather(std::unique_lock<std::mutex>& lock, std::size_t expected) {
  const std::size_t present = pressing_waiting_;
  if (is_stopping_ || present >= expected) return;
  const auto until = ended_ + std::min<std::chrono::steady_clock::duration>(took_, kLongestGathering);
  if (std::chrono::steady_clock::now() >= until) return;
  if (commits_without_gathering_ > 0) return void(--commits_without_gathering_);
  gathering_for_ = expected;
  wake_.wait_until(lock, until,
                   [this] { return is_stopping_ || pressing_waiting_ >= gathering_for_ || waiting_octets_ >= kBatchOctets; });
  gathering_for_ = 0;
  const std::size_t came = pressing_waiting_ - present;
  if (2 * came < expected - present) commits_without_gathering_ = kCommitsWithoutGathering;
}

// Waits for work; false when the queue is stopping and empty.
bool CommitQueue::take(Batch& batch) {
  std::unique_lock lock(mutex_);
  const std::size_t expected = pressing_waiting_ + answered_;
  wait_for_work(lock);
  gather(lock, expected);
  answered_ = pressing_waiting_;
  std::size_t octets = 0;
  while (!waiting_.empty() && batch.size() < kBatchRequests && octets < kBatchOctets) {
    octets += waiting_.front()->octets();
    batch.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  waiting_octets_ -= octets;
  is_hurried_ = is_hurried_ && !waiting_.empty();
  if (waiting_.empty()) soon_waiting_ = pressing_waiting_ = 0;
  return !batch.empty();
}

// Waits while another process writes. False: the queue ends during a stall, and the batch was refused.
bool CommitQueue::pass_gate(Batch& batch) {
  while (!environment_.gate().try_enter()) {
    const bool has_stalled = is_stalled();
    if (has_stalled) refuse_stalled(batch);
    std::unique_lock lock(mutex_);
    if (has_stalled && is_stopping_) {
      lock.unlock();
      for (auto& request : batch) request->complete(stall_error());
      return false;
    }
    wake_.wait_for(lock, has_stalled ? kStalledPoll : kGatePoll, [&] { return has_stalled && is_stopping_; });
  }
  return true;
}

// Whoever waits for an answer gets one: nothing of it was begun.
void CommitQueue::refuse_stalled(Batch& batch) {
  Batch refused;
  const auto keep_patient = [&refused](auto& requests) {
    std::remove_reference_t<decltype(requests)> kept;
    for (auto& request : requests) {
      if (request->waits_out_stalls()) {
        kept.push_back(std::move(request));
      } else {
        refused.push_back(std::move(request));
      }
    }
    requests = std::move(kept);
  };
  keep_patient(batch);
  {
    const std::lock_guard lock(mutex_);
    keep_patient(waiting_);
    waiting_octets_ = 0;
    for (const auto& request : waiting_) waiting_octets_ += request->octets();
    soon_waiting_ = pressing_waiting_ = 0;
  }
  for (const auto& request : refused) request->complete(stall_error());
}

void CommitQueue::process(Batch& batch) {
  std::vector<Result<void>> outcomes(batch.size());
  Trial trial = attempt(batch, outcomes);
  if ((trial == Trial::NoRoom || trial == Trial::Damaged) && batch.size() > 1) {
    // One of them may be the culprit: the others must not suffer for it. Each is completed before the next is tried: a message's
    // later chunks and its commit have to know that an earlier chunk is lost.
    std::vector<Result<void>> outcome(1);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      outcome[0] = Result<void>();
      attempt(std::span(batch).subspan(i, 1), outcome);
      batch[i]->complete(std::move(outcome[0]));
    }
    return;
  }
  for (std::size_t i = 0; i < batch.size(); ++i) batch[i]->complete(std::move(outcomes[i]));
}

// Applies and commits. Unless committed, every outcome is the error.
CommitQueue::Trial CommitQueue::attempt(std::span<const std::unique_ptr<CommitRequest>> requests,
                                        std::vector<Result<void>>& outcomes) {
  trying_since_.store(steady_nanoseconds(), std::memory_order_relaxed);
  if (stopped_by_ != 0) reopen(stopped_by_);
  WriteTransaction transaction(environment_);
  Result<void> applied;
  int code = has_failed() ? MDB_PANIC : stopped_by_;
  if (code == 0) code = transaction.begin();
  if (code == 0) {
    applied = apply_all(transaction, requests, outcomes);
    if (applied && transaction.broken() == 0) transaction.commit();
    code = transaction.broken();
  }
  const Trial trial = code == 0 && !applied ? Trial::Damaged : judge(code);
  if (trial == Trial::Committed) {
    if (frame_ != nullptr) frame_->committed();
    return trial;
  }
  const Error error = trial == Trial::Failed   ? failure()
                      : trial == Trial::NoRoom ? refusal(code)
                      : code != 0              ? lmdb_error(code, "commit")
                                               : applied.error();
  for (Result<void>& outcome : outcomes) outcome = error;
  return trial;
}

// An error: the transaction must not be committed. A request that refuses before it writes is not one.
Result<void> CommitQueue::apply_all(WriteTransaction& transaction,
                                    std::span<const std::unique_ptr<CommitRequest>> requests,
                                    std::vector<Result<void>>& outcomes) {
  if (frame_ != nullptr) {
    if (Result<void> opened = frame_->open(transaction); !opened) return opened;
  }
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const std::uint64_t writes_before = transaction.writes();
    outcomes[i] = requests[i]->apply(transaction);
    const bool is_half_done = !outcomes[i] && transaction.writes() != writes_before;
    if (is_half_done || transaction.broken() != 0) return outcomes[i];
  }
  return frame_ != nullptr ? frame_->close(transaction) : Result<void>();
}

CommitQueue::Trial CommitQueue::judge(int code) {
  if (code == 0) return Trial::Committed;
  if (stopped_by_ != 0) return Trial::NoRoom;  // it could not be opened again yet
  if (is_refused_for_now(code)) {
    if (environment_.has_panicked()) reopen(code);
    return Trial::NoRoom;
  }
  if (code == MDB_CORRUPTED || code == MDB_PAGE_NOTFOUND || code == MDB_BAD_VALSIZE) return Trial::Damaged;
  fail_closed(code);
  return Trial::Failed;
}

// A file system that says EROFS and is not read-only has failed in another way.
bool CommitQueue::is_refused_for_now(int code) const {
  if (code == EROFS) return environment_.is_read_only();
  return is_no_room(code) || (code == EIO && !has_room_for_a_batch(environment_.handle()));
}

// Its pages were synced and its meta page was not written: the transaction before it is in force, and nothing is in doubt.
void CommitQueue::reopen(int cause) {
  const Result<void> opened = environment_.reopen();
  stopped_by_ = opened ? 0 : cause;
}

void CommitQueue::fail_closed(int code) {
  const std::lock_guard lock(mutex_);
  if (failure_.empty()) failure_ = mdb_strerror(code);
  has_failed_.store(true, std::memory_order_release);
}

Error CommitQueue::failure() const {
  const std::lock_guard lock(mutex_);
  return Error(ErrorCode::StorageFailed, "a write to " + environment_.folder().string() + " failed (" + failure_ +
                                             "); nothing is written until restart");
}

}  // namespace postern::lmdb
