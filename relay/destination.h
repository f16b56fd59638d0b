// Destination: what the queue knows of one next hop: jobs that wait, how many run, whether it is in back-off, and from where in
// the due index its unread messages begin. It decides; it opens no connection and reads no clock, so tables test it.
//
// Where one stands: a message is read from the due index only while its destination has room. A destination that is full or
// in back-off remembers the earliest entry that was passed over, and the queue returns there when room is back. So a dead
// next hop with a million messages costs one cursor.
#pragma once

#include "core/clock.h"
#include "core/random.h"
#include "core/status.h"
#include "relay/lease.h"
#include "relay/transport.h"
#include "store/records.h"

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace postern::relay {

// Exponential with jitter. Its delays are between probes of a host, not between a message's attempts.
class Backoff {
 public:
  static constexpr Duration kFirst = std::chrono::seconds(1);
  static constexpr Duration kLongest = std::chrono::minutes(5);
  static constexpr std::uint32_t kTolerated = 3;  // broken connections in a row before it counts as an outage

  // No session could be had, or too many broke. Returns how long to wait from `now`.
  Duration failed(Instant now, Random& random);
  // A connection broke within a transaction. nullopt: still tolerated.
  std::optional<Duration> broke(Instant now, Random& random);
  // Returns true if that ended an outage.
  bool succeeded();

  bool is_failing() const { return failures_ > 0; }
  // While failing, one delivery at a time may probe, and only from then on. `now`, if the clock was set back so far that the probe
  // would be later than any delay makes it.
  Instant next_probe(Instant now) const;

 private:
  std::uint32_t failures_ = 0;
  std::uint32_t broken_in_a_row_ = 0;
  Instant next_probe_;
};

struct DestinationLimits {
  std::uint32_t max_connections = 8;
  std::size_t max_weight = 500;  // of jobs held: waiting, under way, or waiting for their sync
};

enum class Room { Free, Full, Unavailable };

class Destination {
 public:
  // `transport` is this destination's own; `route` is null for the simulation, else outlives this.
  Destination(std::string name, const Route* route, DestinationLimits limits, std::unique_ptr<Transport> transport);

  const std::string& name() const { return name_; }
  const Route* route() const { return route_; }
  Transport& transport() { return *transport_; }

  Room room(Instant now) const;
  void enqueue(Job job);
  // The next job, counted as running; nullopt if none waits or no further delivery may run now.
  std::optional<Job> take(Instant now);
  // How many further deliveries may start now.
  std::size_t startable(Instant now) const;

  // The delivery is over; the job is held until settled().
  void finished();
  // The job is not held any more.
  void settled(const Job& job);

  // The verdict of a finished delivery on the next hop. A Duration: it is in back-off for so long.
  std::optional<Duration> failed(Contact contact, const Status& status, Instant now, Random& random);
  bool succeeded() { return backoff_.succeeded(); }
  bool is_failing() const { return backoff_.is_failing(); }
  Instant next_probe(Instant now) const { return backoff_.next_probe(now); }
  // Why it is failing; code 0 if it never was.
  const Status& last_failure() const { return last_failure_; }

  // All that waits, given back; not held any more.
  std::vector<Job> release_waiting();

  // The due index has to be read again from behind this entry; nullopt: everything was taken.
  const std::optional<store::DueEntry>& unread_after() const { return unread_after_; }
  // `entry` was passed over.
  void passed_over(const store::DueEntry& entry);
  // Nothing up to and including `entry` was passed over, but it was not read beyond.
  void continue_after(const store::DueEntry& entry);
  std::optional<store::DueEntry> take_unread();
  // True if there are unread entries and enough room to make reading worthwhile.
  bool wants_reading(Instant now) const;

  std::size_t waiting() const { return waiting_.size(); }
  std::size_t running() const { return running_; }

 private:
  std::size_t running_limit(Instant now) const;

  std::string name_;
  const Route* route_;
  DestinationLimits limits_;
  std::unique_ptr<Transport> transport_;
  std::deque<Job> waiting_;
  std::size_t running_ = 0;
  std::size_t weight_ = 0;
  Backoff backoff_;
  Status last_failure_;
  std::optional<store::DueEntry> unread_after_;
};

// The entry just before `entry` in the order of the due index: reading strictly after it begins with `entry`.
store::DueEntry just_before(const store::DueEntry& entry);
bool precedes(const store::DueEntry& a, const store::DueEntry& b);

}  // namespace postern::relay
