#include "relay/due_reader.h"

#include <algorithm>
#include <utility>

namespace postern::relay {

// --- Lanes and their places ---

DueReader::Lane& DueReader::known(std::string_view name, Instant next) {
  if (const auto found = lanes_.find(name); found != lanes_.end()) return found->second;
  Lane& lane = lanes_.try_emplace(std::string(name)).first->second;
  lane.name = name;
  lane.number = ++numbers_;
  lane.next = next;
  waiting_.insert({next, lane.number, &lane});
  return lane;
}

void DueReader::unplace(Lane& lane) {
  const Place place{lane.next, lane.number, &lane};
  if (lane.is_ready) {
    hops_.at(*lane.hop).ready.erase(place);
  } else {
    waiting_.erase(place);
  }
}

void DueReader::place(Lane& lane, Instant next) {
  unplace(lane);
  lane.next = next;
  const Place place{next, lane.number, &lane};
  if (lane.is_ready) {
    hops_.at(*lane.hop).ready.insert(place);
  } else {
    waiting_.insert(place);
  }
}

void DueReader::forget(Lane& lane) {
  unplace(lane);
  if (lane.hop) {
    const auto hop = hops_.find(*lane.hop);
    if (--hop->second.lanes == 0) hops_.erase(hop);  // the ring passes over it
  }
  lanes_.erase(lanes_.find(lane.name));
}

void DueReader::make_ready(Lane& lane) {
  unplace(lane);
  if (!lane.hop) {
    lane.hop = hop_of_(lane.name);
    ++hops_[*lane.hop].lanes;
  }
  lane.is_ready = true;
  Hop& hop = hops_.at(*lane.hop);
  hop.ready.insert({lane.next, lane.number, &lane});
  enter_ring(*lane.hop, hop);
}

void DueReader::enter_ring(HopId id, Hop& hop) {
  if (hop.is_in_ring || hop.ready.empty() || closed_.contains(id)) return;
  hop.is_in_ring = true;
  ring_.push_back(id);
}

// --- What is known ---

void DueReader::note(std::string_view name, const store::DueKey& key, Instant now) {
  if (key.due > now + kHorizon && !lanes_.contains(name)) return;
  Lane& lane = known(name, key.due);
  if (lane.after && key <= *lane.after) lane.after = just_before(key);
  if (key.due < lane.next) place(lane, key.due);
}

void DueReader::close(HopId hop, Instant until) {
  open(hop);
  closed_[hop] = until;
  if (until != Instant::max()) reopening_.emplace(until, hop);
}

void DueReader::open(HopId hop) {
  if (const auto closed = closed_.find(hop); closed != closed_.end()) {
    reopening_.erase({closed->second, hop});
    closed_.erase(closed);
  }
  if (const auto found = hops_.find(hop); found != hops_.end()) enter_ring(hop, found->second);
}

void DueReader::poll(Instant now) {
  const bool has_jumped = now > last_poll_ + kStrandedAfter || now < last_poll_;
  last_poll_ = now;
  sweep_.budget = kLanesPerPoll;
  if (has_jumped) sweep_.is_first = true;
  if (sweep_.is_on) return;
  sweep_ = Sweep{.is_on = true, .is_first = has_jumped, .after = {}, .budget = kLanesPerPoll};
  if (now < next_wide_ && next_wide_ <= now + kWideInterval) return;
  next_wide_ = now + kWideInterval;
  sweep_.is_wide = true;
}

void DueReader::look_everywhere(bool is_first) {
  sweep_ = Sweep{.is_on = true,
                 .is_wide = true,
                 .is_unbounded = true,
                 .is_first = is_first || sweep_.is_first,
                 .after = {}};
}

void DueReader::forget_all() {
  lanes_.clear();
  waiting_.clear();
  hops_.clear();
  ring_.clear();
  closed_.clear();
  reopening_.clear();
  look_everywhere(true);
}

// --- What is to be done ---

void DueReader::ripen(Instant now) {
  while (!reopening_.empty() && reopening_.begin()->first <= now) open(reopening_.begin()->second);
  while (!waiting_.empty() && waiting_.begin()->at <= now) make_ready(*waiting_.begin()->lane);
}

DueReader::Action DueReader::next(Instant now) {
  ripen(now);
  is_lists_turn_ = !is_lists_turn_;
  if (wants_list() && is_lists_turn_) return ListLanes{sweep_.after};
  if (std::optional<ReadLane> read = next_lane()) return std::move(*read);
  if (wants_list()) return ListLanes{sweep_.after};
  return Rest{};
}

std::optional<DueReader::ReadLane> DueReader::next_lane() {
  while (!ring_.empty()) {
    const HopId id = ring_.front();
    ring_.pop_front();
    const auto hop = hops_.find(id);
    if (hop == hops_.end()) continue;
    hop->second.is_in_ring = false;
    if (hop->second.ready.empty() || closed_.contains(id)) continue;
    const Lane& lane = *hop->second.ready.begin()->lane;
    enter_ring(id, hop->second);
    return ReadLane{id, lane.name, lane.after};
  }
  return std::nullopt;
}

Instant DueReader::wake_at() const {
  Instant at = Instant::max();
  if (!waiting_.empty()) at = waiting_.begin()->at;
  if (!reopening_.empty()) at = std::min(at, reopening_.begin()->first);
  return at;
}

void DueReader::was_read(const ReadLane& read, const store::DueSlice& slice, Instant now) {
  const auto found = lanes_.find(read.lane);
  if (found == lanes_.end() || !found->second.is_ready) return;
  Lane& lane = found->second;
  if (!slice.next || *slice.next > now + kHorizon) return forget(lane);
  if (!slice.keys.empty()) lane.after = slice.keys.back();
  if (*slice.next <= now) return place(lane, *slice.next);
  unplace(lane);
  lane.is_ready = false;
  lane.next = *slice.next;
  waiting_.insert({lane.next, lane.number, &lane});
}

void DueReader::was_listed(std::span<const store::LaneHead> heads, const Hands& hands,
                           Instant now) {
  for (const store::LaneHead& head : heads) {
    if (store::is_clock_lane(head.lane)) continue;  // goes by a clock of its own (relay/run_clock)
    // What is held would be read again at each poll: it waits for a wide sweep, unlike what came
    // behind it and was told.
    if (!sweep_.is_wide && hands.is_held(head.first.id)) continue;
    const bool is_known = lanes_.contains(head.lane);
    if (!is_known && head.first.due > now + kHorizon) continue;
    Lane& lane = known(head.lane, head.first.due);
    if (sweep_.is_wide) {
      lane.after.reset();
    } else if (lane.after && lane.after->due > now - kSlack) {
      lane.after = store::DueKey{now - kSlack, MessageId{}};
    }
    if (head.first.due < lane.next) place(lane, std::max(head.first.due, std::min(now, lane.next)));
    const bool is_late = !is_known && !sweep_.is_first && head.first.due < now - kStrandedAfter;
    if (is_late && !hands.is_leased(head.first.id) && !hands.is_held(head.first.id))
      ++sweep_.stranded;
  }
  if (heads.size() == kLanesAtOnce) {
    sweep_.after = heads.back().lane;
    sweep_.budget -= std::min(sweep_.budget, heads.size());
    return;
  }
  stranded_ = sweep_.stranded;
  sweep_ = Sweep{};
}

void DueReader::was_not_listed() {
  sweep_.is_unbounded = false;
  sweep_.budget = 0;
}

bool DueReader::has_unread(HopId hop) const {
  const auto found = hops_.find(hop);
  return found != hops_.end() && !found->second.ready.empty();
}

store::DueKey just_before(const store::DueKey& key) {
  store::DueKey before = key;
  for (auto octet = before.id.octets.rbegin(); octet != before.id.octets.rend(); ++octet) {
    if ((*octet)-- != 0) return before;
  }
  before.due -= Duration{1};
  return before;
}

}  // namespace postern::relay
