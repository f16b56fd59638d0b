// Queue: takes due messages off the spool, hands them to their destinations, settles what came of it. Read this after
// submission/intake: it is the other end of the spool.
//
// All of it runs on one executor of its own, so nothing is locked. Leases are in memory only; what a crash interrupts is due
// again. One cycle reads what relay/due_reader says, of destinations that have room, leases it, and starts deliveries in turn.
#pragma once

#include "core/clock.h"
#include "core/random.h"
#include "dns/resolver.h"
#include "domains/content_signer.h"
#include "net/awaitable.h"
#include "net/task_group.h"
#include "relay/destination_set.h"
#include "relay/event_publisher.h"
#include "relay/notices.h"
#include "relay/route.h"
#include "store/store.h"

#include <cstddef>
#include <memory>

namespace postern::relay {

struct QueueSettings {
  DeliveryPolicy policy;
  NoticeSettings notices;
  std::size_t max_leased = 2'000;  // weight of the messages in memory, of all destinations; see Job::weight()
  std::size_t max_deliveries = 1'000;  // at once, to all destinations: each may need a connection. They take turns
  Duration poll = std::chrono::seconds(1);  // how soon a change by another process (queue retry, cancel) is seen
};

// All of it outlives the queue.
struct QueueParts {
  net::Executor executor;  // of a thread that nothing else waits on
  store::Store& store;
  const Clock& clock;
  Random& random;
  TransportFactory make_transport;
};

class Queue {
 public:
  Queue(QueueParts parts, QueueSettings settings, std::shared_ptr<const RouteTable> routes);
  ~Queue();

  // The queue's work as one task, to be started once, on `executor`. stop(): leases nothing more, ends when what is under way
  // is settled. cancel(): also ends the connections; what they had not settled is due again.
  std::unique_ptr<net::Task> make_task();

  // A message was committed or rescheduled that is due as `entry` says, now or later: it need not be searched in the index. Any
  // thread; cheap.
  void accepted(const store::DueEntry& entry);
  // Something may be due that nobody named, or the clock of a test moved. Any thread; cheap.
  void wake();
  // New routes: deliveries under way keep theirs, all that waits is routed anew. Any thread.
  void replace_routes(std::shared_ptr<const RouteTable> routes);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // shared with completions and deliveries that are still under way
};

}  // namespace postern::relay
