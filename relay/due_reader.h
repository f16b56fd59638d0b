// DueReader: which part of the due index is to be read next, and when. It knows lanes
// (store/lane.h), the hop that each of them leads to, and which hops take nothing for now; it reads
// no store, no clock and no message, so tables test it.
//
// A lane is known while something of it is due or will be soon; what is due later than kHorizon is
// forgotten and found again by the sweep, a walk over the first entries of all lanes that goes on
// all the time. So memory goes by what is under way, not by what is queued. Of a lane that is
// known, everything up to where it was read is leased, held, or gone. Hops that have something due
// take turns; of a hop the lane goes first whose entry is due first.
#pragma once

#include "core/clock.h"
#include "store/lane.h"
#include "store/records.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>

namespace postern::relay {

// A destination, as the reader tells them apart.
using HopId = std::uint64_t;

class DueReader {
 public:
  static constexpr Duration kHorizon = std::chrono::minutes(5);
  static constexpr Duration kSlack =
      std::chrono::seconds(5);  // a commit by another process, seen later than its due time
  static constexpr Duration kWideInterval =
      std::chrono::minutes(2);  // between sweeps that begin each lane anew
  static constexpr Duration kStrandedAfter =
      std::chrono::minutes(1);  // what is late by less may be on its way to us
  static constexpr std::size_t kLanesAtOnce = 256;
  static constexpr std::size_t kLanesPerPoll = 2'048;  // of a sweep: about two milliseconds

  // The next entries of a lane that are due, strictly behind `after`.
  struct ReadLane {
    HopId hop = 0;
    std::string lane;
    std::optional<store::DueKey> after;
  };
  // The first entries of the lanes behind `after`, kLanesAtOnce of them.
  struct ListLanes {
    std::optional<std::string> after;
  };
  struct Rest {};  // wake_at() says until when
  using Action = std::variant<Rest, ReadLane, ListLanes>;

  // Asked when something of a lane is due.
  using HopOf = std::function<HopId(std::string_view lane)>;
  explicit DueReader(HopOf hop_of) : hop_of_(std::move(hop_of)) {}

  // --- What is known ---

  // Something of the lane stands at `key`: it is read again from there when that is due.
  void note(std::string_view lane, const store::DueKey& key, Instant now);
  // Nothing of the hop is read before `until`, or before open().
  void close(HopId hop, Instant until = Instant::max());
  void open(HopId hop);
  // The sweep goes on, or begins: once a second.
  void poll(Instant now);
  // All lanes are looked at, from their beginning and as soon as possible: something changed and
  // nobody said where. `is_first`: what is found was left by an earlier run, so that it is no
  // surprise if it is late.
  void look_everywhere(bool is_first);
  // Forgets all lanes, which may lead elsewhere now, and looks everywhere.
  void forget_all();

  // --- What is to be done ---

  Action next(Instant now);
  // What a ReadLane brought. To be called before its entries are looked at.
  void was_read(const ReadLane& read, const store::DueSlice& slice, Instant now);
  // What a ListLanes brought. `is_leased` and `is_held` say in whose hands a message is.
  struct Hands {
    std::function<bool(const MessageId&)> is_leased;
    std::function<bool(const MessageId&)> is_held;
  };
  void was_listed(std::span<const store::LaneHead> heads, const Hands& hands, Instant now);
  // It could not be read: at the next poll.
  void was_not_listed();
  // A sweep has ended; so many lanes had something due that nobody knew of, though it was late.
  std::optional<std::size_t> take_stranded() { return std::exchange(stranded_, std::nullopt); }

  // Nothing that is known and not due yet is due before.
  Instant wake_at() const;
  // Something of the hop is due and was not read: what comes later waits behind it.
  bool has_unread(HopId hop) const;
  // The hop has a lane that is known.
  bool knows(HopId hop) const { return hops_.contains(hop); }
  std::size_t lanes() const { return lanes_.size(); }

 private:
  struct Lane;
  // In order of time, then of coming.
  struct Place {
    Instant at;
    std::uint64_t number = 0;
    Lane* lane = nullptr;

    friend bool operator<(const Place& a, const Place& b) {
      return std::tie(a.at, a.number) < std::tie(b.at, b.number);
    }
  };
  struct Lane {
    std::string name;
    std::uint64_t number = 0;
    Instant next;                        // nothing of it is due before
    std::optional<store::DueKey> after;  // read up to here; nullopt: from the beginning
    std::optional<HopId> hop;            // set once something was due
    bool is_ready = false;
  };
  struct Hop {
    std::set<Place> ready;
    std::size_t lanes = 0;
    bool is_in_ring = false;
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };

  Lane& known(std::string_view name, Instant next);
  void place(Lane& lane, Instant next);
  void unplace(Lane& lane);
  void forget(Lane& lane);
  void ripen(Instant now);
  void make_ready(Lane& lane);
  void enter_ring(HopId id, Hop& hop);
  std::optional<ReadLane> next_lane();
  bool wants_list() const { return sweep_.is_on && (sweep_.is_unbounded || sweep_.budget > 0); }

  HopOf hop_of_;
  std::unordered_map<std::string, Lane, TextHash, std::equal_to<>> lanes_;
  std::set<Place> waiting_;                        // lanes of which nothing is due yet
  std::unordered_map<HopId, Hop> hops_;            // of lanes of which something was
  std::deque<HopId> ring_;                         // hops with something to read, each once
  std::unordered_map<HopId, Instant> closed_;      // until when
  std::set<std::pair<Instant, HopId>> reopening_;  // those of them that open by themselves
  std::uint64_t numbers_ = 0;

  struct Sweep {
    bool is_on = false;
    bool is_wide = false;       // begins each lane anew
    bool is_unbounded = false;  // does not wait for the poll
    bool is_first = false;      // whatever it finds was left by an earlier run
    std::optional<std::string> after;
    std::size_t budget = 0;  // lanes until the next poll
    std::size_t stranded = 0;
  };
  Sweep sweep_;
  bool is_lists_turn_ = true;
  Instant next_wide_;
  Instant last_poll_;
  std::optional<std::size_t> stranded_;
};

// The key just before `key` in the order of the due index: reading strictly after it begins with
// `key`.
store::DueKey just_before(const store::DueKey& key);

}  // namespace postern::relay
