// What a spool is made of, for its sources and nobody else.
#pragma once

#include "lmdb/commit_queue.h"
#include "store/mail_shares.h"
#include "store/retention.h"
#include "store/space_guard.h"
#include "store/spool.h"
#include "store/spool_transaction.h"
#include "store/tables.h"

#include <memory>
#include <utility>

namespace postern::store {

class Spool::Impl {
 public:
  Impl(std::unique_ptr<LmdbEnvironment> opened, const SpoolLimits& given, std::chrono::milliseconds stall_after)
      : limits(given),
        environment(std::move(opened)),
        space(*environment, limits),
        open_content(limits.max_octets),
        frame(space, open_content),
        queue(*environment, &frame, stall_after) {}

  template <class Read>
  auto with_reader(Read read) const -> decltype(read(std::declval<ReadTransaction&>())) {
    ReadTransaction transaction(*environment);
    if (Result<void> begun = transaction.begin(); !begun) return begun.error();
    return read(transaction);
  }
  // A change that waits for its sync.
  template <class Change>
  Result<void> run(Change change) {
    return queue.run([&](WriteTransaction& transaction) { return change(frame.of(transaction)); });
  }

  // Adds to `expiry`, up to `limit` in all.
  Result<void> remove_excess(Expiry& expiry, std::size_t limit);

  const SpoolLimits limits;
  std::unique_ptr<LmdbEnvironment> environment;
  SpaceGuard space;
  OpenContent open_content;
  SpoolFrame frame;
  Excess excess;  // what was found above a bound and is not removed yet; of the thread that calls remove_expired()
  lmdb::CommitQueue queue;  // last: its thread uses all of the above
};

}  // namespace postern::store
