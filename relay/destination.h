// Destination: what the queue knows of one next hop: jobs that wait, how many run, how many it takes at
// once, and whether it is in back-off. It decides; it opens no connection and reads no clock, so tables
// test it.
//
// Where one stands: a message is read from the due index only while its destination has room; until
// then it costs nothing here (relay/due_reader). What may be held begins small and doubles as it is
// settled, so that a hop which hangs holds little of what all share. Accounts take turns, and one whose
// sessions break gets one connection.
#pragma once

#include "core/clock.h"
#include "core/ids.h"
#include "core/random.h"
#include "core/status.h"
#include "relay/due_reader.h"
#include "relay/lease.h"
#include "relay/transport.h"
#include "store/records.h"

#include <algorithm>
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
  // Of a hop that nobody knows yet; one more for each session that was had, until there is one too many. A hop that never answers
  // holds no more of what all share.
  std::uint32_t first_connections = 1'000;
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
  // How long after a next hop refused a surplus connection, or took one more, the next one is tried, if messages went through.
  static constexpr Duration kRaiseAfter = std::chrono::seconds(15);
  // What may be held at first; twice as much each time that so much was settled.
  static constexpr std::size_t kFirstWindow = 64;
  // What an account may hold of a destination that others have filled, and how many of its new messages are remembered beyond.
  static constexpr std::size_t kReservedWeight = 8;
  static constexpr std::size_t kMaxLate = 256;
  // A rest is no longer: then it is asked for again. So a clock that is set back makes nobody wait for longer.
  static constexpr Duration kLongestRest = std::chrono::minutes(5);

  // `transport` is this destination's own; `route` is null for the simulation.
  Destination(std::string name, std::shared_ptr<const Route> route, DestinationLimits limits,
              std::unique_ptr<Transport> transport);

  const std::string& name() const { return name_; }
  // As the reader knows it.
  HopId hop() const { return hop_; }
  void set_hop(HopId hop) { hop_ = hop; }
  const Route* route() const { return route_.get(); }
  Transport& transport() { return *transport_; }

  // A reload changed the route: what still runs by the old one counts towards this one's connections.
  void succeed(const std::shared_ptr<Destination>& predecessor);
  // Its share of what all destinations may hold.
  void set_max_weight(std::size_t max_weight) { limits_.max_weight = max_weight; }

  Room room(Instant now) const;
  std::size_t weight() const { return weight_; }
  // How much more may be held; of one that fails, the probe.
  std::size_t vacancy() const { return is_failing() ? 1 : most_held() - std::min(weight_, most_held()); }
  // Enough room to make reading worthwhile: of a full one, half of it.
  bool wants_more() const { return weight_ <= most_held() / 2; }
  bool is_idle() const { return weight_ == 0 && running_ == 0 && late_ == 0; }
  // True if `account` may be given a job though others have filled the destination.
  bool has_reserve(const AccountId& account) const;
  void enqueue(Job job);
  // The next job, counted as running; nullopt if none waits or no further delivery may run now. Accounts take turns.
  std::optional<Job> take(Instant now);
  // The job that comes next, for the connection of a delivery of `account`'s that is about to end; not counted as running until
  // begin(). nullopt where it need not wait for one, or is another account's: a next hop that takes its time over one account's
  // content is to hold up nobody else's.
  std::optional<Job> take_ahead(const AccountId& account, Instant now);
  void begin(const Job& job);
  // What was taken ahead waits again, as the next one.
  void put_back(Job job);
  // How many further deliveries may start now, at most.
  std::size_t startable(Instant now) const;

  // The delivery is over; the job is held until settled().
  void finished(const Job& job);
  // What became of the job is on the disk: it is not held any more.
  void settled(const Job& job);
  // A finished delivery that was none, for want of a connection: the job is the next one again, with
  // fewer connections at once. Where none is left running, the caller sees to it that it is tried again.
  void surplus(Job job, Instant now);
  // Its connections still grow by themselves, from the first ones on.
  bool is_beginning() const { return is_beginning_; }
  // How many deliveries may run at once while nothing fails.
  std::size_t concurrency() const { return std::min<std::size_t>(allowed_, limits_.max_connections); }

  // No session could be had. nullopt: that was known.
  std::optional<Outage> failed(const Status& status, Instant now, Random& random);
  // A session was had; `is_broken`: it broke under `account`'s message, which says nothing on the next hop. True: that ended an
  // outage. Where it was not broken, one more connection may be tried from time to time.
  bool reached(const AccountId& account, bool is_broken, Instant now);
  bool is_failing() const { return backoff_.is_failing(); }
  Instant next_probe(Instant now) const { return backoff_.next_probe(now); }
  void probe_at(Instant now) { backoff_.probe_at(now); }
  // Nothing is begun before `until`, though nothing failed.
  void rest_until(Instant until) { resting_until_ = until; }
  bool is_resting(Instant now) const { return now < resting_until_ && resting_until_ - now <= kLongestRest; }
  Instant resting_until() const { return resting_until_; }
  // Why it is failing; code 0 if it never was.
  const Status& last_failure() const { return last_failure_; }
  // True once an hour: the route lacks what the next hop wants of it.
  bool should_complain(Instant now);

  // All that waits, given back; not held any more.
  std::vector<Job> release_waiting();

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
  std::size_t most_held() const { return std::min(window_, limits_.max_weight); }
  std::size_t running_before() const;
  Job pop(Share& share);
  void let_go(const Job& job);
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
  std::size_t window_ = kFirstWindow;
  std::size_t settled_ = 0;  // weight, since the window was last widened
  std::size_t allowed_;      // connections at once
  bool is_beginning_;
  Instant changed_at_;       // allowed_
  Instant resting_until_;
  HopId hop_ = 0;
  Backoff backoff_;
  Status last_failure_;
  std::optional<Instant> complained_at_;
};

}  // namespace postern::relay
