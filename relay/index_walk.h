// A walk over the whole due index beside its reading, a slice at a time.
#pragma once

#include "store/records.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace postern::relay {

class IndexWalk {
 public:
  static constexpr std::size_t kSlice = 64;  // entries, of which each may be a record that is read

  // From the beginning, whether or not it is under way.
  void begin() {
    is_on_ = true;
    after_.reset();
  }
  void begin_unless_on() {
    if (!is_on_) begin();
  }
  bool is_on() const { return is_on_; }
  const std::optional<store::DueEntry>& after() const { return after_; }

  // The next slice, of kSlice entries unless it is the last one. `visit` says false where it has to
  // be gone on from later. True: there is more at once.
  bool go_on(const std::vector<store::DueEntry>& entries,
             const std::function<bool(const store::DueEntry&)>& visit) {
    for (const store::DueEntry& entry : entries) {
      if (!visit(entry)) return false;
      after_ = entry;
    }
    is_on_ = entries.size() == kSlice;
    return is_on_;
  }

 private:
  bool is_on_ = false;
  std::optional<store::DueEntry> after_;
};

}  // namespace postern::relay
