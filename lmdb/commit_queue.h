// The single writer of one environment. A thread, started by the first request, takes all that waits when the last sync ends,
// applies it in one transaction, commits with one sync and then completes each request. Fails closed: after a failed sync, or
// any error that leaves the environment in doubt, every later request is refused until restart. A write that a full disk or a
// file system turned read-only refused leaves nothing in doubt: StorageFull while that lasts. Where no commit ends for a
// while (core/stall.h), because another process holds the environment's gate or the disk does not answer, what comes is refused
// with StorageShedding until one does.
#pragma once

#include "core/result.h"
#include "core/stall.h"
#include "lmdb/transaction.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace postern::lmdb {

class CommitRequest {
 public:
  virtual ~CommitRequest() = default;
  // On the commit thread, perhaps more than once: a batch that fails is tried again request by request. An error returned
  // before anything was written fails this request alone and costs the others nothing.
  virtual Result<void> apply(WriteTransaction& transaction) = 0;
  // Once, after the sync, or with the reason why there is none. Short; may submit.
  virtual void complete(Result<void> outcome) = 0;
  // Content it holds in memory: bounds a batch and what waits.
  virtual std::size_t octets() const { return 0; }
  // True: nobody waits for it and nobody would ask again, so a stall does not refuse it.
  virtual bool waits_out_stalls() const { return false; }
};

// Runs around the requests of each batch, inside its transaction.
class BatchFrame {
 public:
  virtual ~BatchFrame() = default;
  virtual Result<void> open(WriteTransaction& transaction) = 0;
  virtual Result<void> close(WriteTransaction& transaction) = 0;
  // What was closed is on disk.
  virtual void committed() {}
};

inline constexpr std::size_t kBatchOctets = 16U << 20;     // a sync then takes tens of milliseconds at worst
inline constexpr std::size_t kBatchRequests = 4'096;
inline constexpr std::size_t kWaitingOctets = 128U << 20;  // above it new mail is shed: eight full batches wait
inline constexpr std::size_t kWaitingRequests = 32'768;
inline constexpr std::size_t kPatientOctets = 4U << 20;    // patient requests start a commit of their own from here on
// What nobody waits for lets others join: for so long, or until so many of it wait. A crash meanwhile costs as many messages sent
// twice as one during the sync itself, which takes as long on a slow disk.
inline constexpr std::chrono::milliseconds kSoon{5};
inline constexpr std::size_t kSoonRequests = 32;

// Under load those who were just answered come again at once: a commit that began without them would cost a sync more for each
// round. So one that follows at its predecessor's heels lets them join, for at most as long as that one took, and not longer
// than (bench/README.md, "What waiting for company saves"):
inline constexpr std::chrono::milliseconds kLongestGathering{2};
// Where fewer than half of them came, so many commits do without.
inline constexpr unsigned kCommitsWithoutGathering = 16;

enum class Urgency {
  Commits,  // starts a commit as soon as the last one has ended
  Soon,     // joins the next commit, and starts one if none comes within kSoon: settlements
  Patient,  // joins whatever commit comes next: streamed content, clean-up
};
enum class Admission {
  Bounded,  // refused with StorageShedding when too much waits: new mail
  Always,   // bounded by its maker: windows, leases, blocking callers
};

class CommitQueue {
 public:
  // `frame` may be null and outlives the queue, as does `environment`.
  explicit CommitQueue(LmdbEnvironment& environment, BatchFrame* frame = nullptr,
                       std::chrono::milliseconds stall_after = kStallAfter);
  // Commits and completes what waits, then ends the thread. During a stall what waits is refused instead.
  ~CommitQueue();

  // Makes the commit thread now; else the first request does. Throws std::system_error where there is none to spare.
  void start();
  // Any thread. A refused request is completed before this returns, on the caller's thread.
  void submit(std::unique_ptr<CommitRequest> request, Urgency urgency, Admission admission);
  // Commits patient requests now.
  void hurry();
  // Submits `change` and waits for its sync. Not on the commit thread.
  Result<void> run(std::function<Result<void>(WriteTransaction&)> change);

  bool has_failed() const { return has_failed_.load(std::memory_order_acquire); }
  bool is_shedding() const;
  // Cheap unless there is one.
  std::optional<Stall> stall() const;

 private:
  using Batch = std::vector<std::unique_ptr<CommitRequest>>;
  enum class Trial { Committed, NoRoom, Damaged, Failed };

  void run_thread();
  bool take(Batch& batch);
  void wait_for_work(std::unique_lock<std::mutex>& lock);
  bool note_urgency(Urgency urgency);
  void gather(std::unique_lock<std::mutex>& lock, std::size_t expected);
  bool pass_gate(Batch& batch);
  void refuse_stalled(Batch& batch);
  bool is_stalled() const;
  Error stall_error() const;
  void process(Batch& batch);
  Trial attempt(std::span<const std::unique_ptr<CommitRequest>> requests, std::vector<Result<void>>& outcomes);
  Result<void> apply_all(WriteTransaction& transaction, std::span<const std::unique_ptr<CommitRequest>> requests,
                         std::vector<Result<void>>& outcomes);
  Trial judge(int code);
  bool is_refused_for_now(int code) const;
  void reopen(int cause);
  void fail_closed(int code);
  Error failure() const;

  LmdbEnvironment& environment_;
  BatchFrame* frame_;
  const std::chrono::milliseconds stall_after_;
  std::atomic<std::int64_t> trying_since_{0};  // steady clock, nanoseconds: a commit is under way, or waits for the gate; 0: none
  std::atomic<bool> is_at_gate_{false};
  int stopped_by_ = 0;  // the commit thread's: what kept a meta page from being written, until the environment is open again
  std::atomic<bool> has_failed_{false};

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<CommitRequest>> waiting_;
  std::size_t waiting_octets_ = 0;
  bool is_hurried_ = false;
  bool is_asleep_ = false;      // the thread waits for anything that needs a commit, however late
  std::size_t soon_waiting_ = 0;
  std::size_t pressing_waiting_ = 0;  // with Urgency::Commits
  std::size_t gathering_for_ = 0;     // so many of them; 0: not gathering
  // The commit thread's own: of the last commit.
  std::size_t answered_ = 0;  // requests that pressed
  std::chrono::steady_clock::duration took_{0};
  std::chrono::steady_clock::time_point ended_;
  unsigned commits_without_gathering_ = 0;
  bool is_stopping_ = false;
  std::string failure_;  // what LMDB said
  std::thread thread_;
};

}  // namespace postern::lmdb
