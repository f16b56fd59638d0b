// Whether what a node last read was the latest. A server that was cut off from its standby answers reads for as long as it lives
// and knows nothing of what its successor takes in; it cannot acknowledge a commit. So a reading counts once a commit that was sent
// behind it on the same connection has been acknowledged. Pure: the caller's clock, nobody else's.
#pragma once

#include <chrono>
#include <optional>

namespace postern::cluster {

class Freshness {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // A reading of all there was: sent at `at`, applied by now.
  void note_reading(Time at) { read_ = at; }
  // A commit goes out on the connection of that reading.
  void note_commit_sent() { promised_ = read_; }
  void note_commit_acknowledged() {
    if (promised_ && (!known_ || *promised_ > *known_)) known_ = promised_;
    promised_.reset();
  }
  // What was under way on that connection proves nothing.
  void note_connection_lost() {
    read_.reset();
    promised_.reset();
  }

  // Everything that was acknowledged to anybody before then is in force here; nullopt: never yet.
  std::optional<Time> known_at() const { return known_; }

 private:
  std::optional<Time> read_;
  std::optional<Time> promised_;
  std::optional<Time> known_;
};

}  // namespace postern::cluster
