// Room in the spool by account: what still arrives, and test mail. Both cost nothing to send, so one account with a test key could
// otherwise fill what live mail of all needs. docs/neighbours.md has the principle.
#pragma once

#include "core/ids.h"
#include "core/result.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace postern::store {

// Content that was streamed for messages which nobody has committed yet: a client may take minutes over each. All of it together is
// bounded by a quarter of the spool, that of one account by an eighth; one message alone may always go on. Any thread.
class OpenContent {
 public:
  explicit OpenContent(std::uint64_t spool_octets) : capacity_(spool_octets) {}
  // What the spool can hold as things are, where that is less: the disk may be smaller.
  void set_capacity(std::uint64_t octets) { capacity_.store(octets, std::memory_order_relaxed); }
  // `own`: what the same message has added before. StorageFull.
  Result<void> add(const AccountId& account, std::uint64_t own, std::uint64_t octets);
  void remove(const AccountId& account, std::uint64_t octets);

 private:
  std::atomic<std::uint64_t> capacity_;
  std::mutex mutex_;
  std::uint64_t total_ = 0;
  std::map<AccountId, std::uint64_t> held_;
};

// Content of test messages, queued and captured: all of it together is bounded by half of the spool, that of one account by a
// quarter, so that test mail gives way before live mail does. The commit thread's.
class TestMail {
 public:
  explicit TestMail(std::uint64_t spool_octets) : capacity_(spool_octets) {}
  void set_capacity(std::uint64_t octets) { capacity_ = octets; }
  // StorageFull. Counts what the batch has added.
  Result<void> check(const AccountId& account, std::uint64_t octets) const;

  // Within a batch, which counts for nothing unless it is committed.
  void begin_batch();
  void add(const AccountId& account, std::uint64_t octets);
  void remove(const AccountId& account, std::uint64_t octets) { removed_.emplace_back(account, octets); }
  void commit_batch();

 private:
  std::uint64_t capacity_;
  std::uint64_t total_ = 0;
  std::map<AccountId, std::uint64_t> held_;
  // Of the batch.
  std::uint64_t added_total_ = 0;
  std::map<AccountId, std::uint64_t> added_;
  std::vector<std::pair<AccountId, std::uint64_t>> removed_;
};

}  // namespace postern::store
