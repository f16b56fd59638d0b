// Destination: what the queue knows of one next hop: jobs that wait, how many run, whether it is in back-off, and from where in
// the due index its unread messages begin. It decides; it opens no connection and reads no clock, so tables test it.
//
// Where one stands: a message is read from the due index only while its destination has room. A destination that is full or
// in back-off remembers the earliest entry that was passed over, and the queue returns there when room is back. So a dead
// next hop with a million messages costs one cursor. Accounts take turns, and one whose sessions break gets one connection.
#pragma once

#include "core/clock.h"
#include "core/ids.h"
#include "core/random.h"
#include "core/status.h"
#include "relay/lease.h"
#include "relay/transport.h"
#include "store/records.h"

#include <cstddef>
#include <deque>
#include <map>
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

  // No session could be had. Returns how long to wait from `now`.
  Duration failed(Instant now, Random& random);
  // Returns true if that ended an outage.
  bool succeeded();
  // An operator asks for a probe at once.
  void probe_at(Instant now) { next_probe_ = now; }

  bool is_failing() const { return failures_ > 0; }
  // While failing, one delivery at a time may probe, and only from then on. `now`, if the clock was set back so far that the probe
  // would be later than any delay makes it.
  Instant next_probe(Instant now) const;

 private:
  std::uint32_t failures_ = 0;
  Instant next_probe_;
};

struct DestinationLimits {
  std::uint32_t max_connections = 8;
  std::size_t max_weight = 500;  // of jobs held: waiting, under way, or waiting for their sync
};

enum class Room { Free, Full, Unavailable };

// An outage of a destination as it begins or goes on.
struct Outage {
  Duration retry_in{0};
  bool is_new = false;  // the first probe that failed
};

class Destination {
 public:
  // An account whose sessions broke so often in a row, by whatever content, has one connection at a time until one does not.
  static constexpr std::uint32_t kToleratedBreaks = 3;
  // How long after a next hop refused a surplus connection one more is tried.
  static constexpr Duration kRaiseAfter = std::chrono::seconds(15);
  // What an account may hold of a destination that others have filled, and how many of its new messages are remembered beyond.
  static constexpr std::size_t kReservedWeight = 8;
  static constexpr std::size_t kMaxLate = 256;

  // `transport` is this destination's own; `route` is null for the simulation.
  Destination(std::string name, std::shared_ptr<const Route> route, DestinationLimits limits,
              std::unique_ptr<Transport> transport);

  const std::string& name() const { return name_; }
  const Route* route() const { return route_.get(); }
  Transport& transport() { return *transport_; }

  // A reload changed the route: what still runs by the old one counts towards this one's connections.
  void succeed(const std::shared_ptr<Destination>& predecessor);
  // A reload kept it: its share of what may be leased may have changed.
  void set_max_weight(std::size_t max_weight) { limits_.max_weight = max_weight; }

  Room room(Instant now) const;
  // True if `account` may be given a job though others have filled the destination.
  bool has_reserve(const AccountId& account) const;
  void enqueue(Job job);
  // The next job, counted as running; nullopt if none waits or no further delivery may run now. Accounts take turns.
  std::optional<Job> take(Instant now);
  // How many further deliveries may start now, at most.
  std::size_t startable(Instant now) const;

  // The delivery is over; the job is held until settled().
  void finished(const Job& job);
  // The job is not held any more.
  void settled(const Job& job);
  // A finished delivery that was none, for want of a connection: the job is the next one again, with fewer connections at once.
  void surplus(Job job, Instant now);

  // No session could be had. nullopt: that was known.
  std::optional<Outage> failed(const Status& status, Instant now, Random& random);
  // A session was had; `is_broken`: it broke under `account`'s message, which says nothing on the next hop. True: that ended an
  // outage.
  bool reached(const AccountId& account, bool is_broken);
  bool is_failing() const { return backoff_.is_failing(); }
  Instant next_probe(Instant now) const { return backoff_.next_probe(now); }
  void probe_at(Instant now) { backoff_.probe_at(now); }
  // Why it is failing; code 0 if it never was.
  const Status& last_failure() const { return last_failure_; }
  // True once an hour: the route lacks what the next hop wants of it.
  bool should_complain(Instant now);

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

  // A new message of `account` that was passed over because others fill the destination: it need not wait for all of theirs.
  void remember_late(const AccountId& account, const store::DueEntry& entry);
  // The late entries of accounts that may hold more now, as many as fit into their reserves.
  std::vector<store::DueEntry> take_late();
  bool has_late() const { return late_ > 0; }

  std::size_t waiting() const { return waiting_; }
  std::size_t running() const { return running_; }

 private:
  // What one account has here.
  struct Share {
    std::deque<Job> waiting;
    std::deque<store::DueEntry> late;
    std::size_t running = 0;
    std::size_t weight = 0;
    std::uint32_t breaks = 0;  // in a row
    bool is_idle() const { return waiting.empty() && late.empty() && running == 0 && weight == 0 && breaks == 0; }
    bool may_run() const { return breaks < kToleratedBreaks || running == 0; }
  };

  std::size_t running_limit(Instant now) const;
  std::size_t running_before() const;
  void forget_if_idle(std::map<AccountId, Share>::iterator share);

  std::string name_;
  std::shared_ptr<const Route> route_;
  DestinationLimits limits_;
  std::unique_ptr<Transport> transport_;
  std::vector<std::weak_ptr<Destination>> predecessors_;  // alive while deliveries of theirs run
  std::map<AccountId, Share> shares_;
  std::deque<AccountId> turns_;  // of the accounts that have jobs waiting, each once
  std::size_t waiting_ = 0;
  std::size_t late_ = 0;
  std::size_t running_ = 0;
  std::size_t weight_ = 0;
  std::size_t allowed_;  // connections at once, when it was last lowered
  Instant lowered_at_;
  Backoff backoff_;
  Status last_failure_;
  std::optional<Instant> complained_at_;
  std::optional<store::DueEntry> unread_after_;
};

// The entry just before `entry` in the order of the due index: reading strictly after it begins with `entry`.
store::DueEntry just_before(const store::DueEntry& entry);
bool precedes(const store::DueEntry& a, const store::DueEntry& b);

}  // namespace postern::relay
