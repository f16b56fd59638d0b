// Where changes to what all nodes of a cluster share are decided. A directory without one decides by itself: that is one machine,
// and nothing here runs. With one, a change that touches shared rows is tried, rolled back and handed over; what it touches of the
// node's own alone is committed as ever and never waits for anybody.
#pragma once

#include "core/completion.h"
#include "core/result.h"
#include "store/actor.h"

#include <functional>

namespace postern::store {

class DirectoryWriter;

// May run more than once, each time in a transaction that may be rolled back: what it assigns to outside of it is what its last run
// says. It may read shared tables and clock and chance; what travels is what it wrote.
using DirectoryChange = std::function<Result<void>(DirectoryWriter&)>;

class DirectoryLog {
 public:
  virtual ~DirectoryLog() = default;
  // The change has its place among those of all nodes, lasts, and is seen by this node's reads before it returns. Blocks. Errors:
  // what `change` says over the latest that all nodes share; StorageShedding: no place could be had, or it is not known whether it
  // has one.
  virtual Result<void> write(const DirectoryChange& change, const Actor& actor) = 0;
  // The same, on a thread of the log's own. Called on the commit thread: does not wait. What only adds to what everybody will agree
  // on (store/replica.h) is taken over in any case.
  virtual void write_later(DirectoryChange change, Actor actor, Completion done) = 0;
};

}  // namespace postern::store
