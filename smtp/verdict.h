// Verdict: the answer to "allowed?" as the protocol says it: accepted, or a reply. Why is its maker's business.
#pragma once

#include "core/status.h"

#include <utility>

namespace postern::smtp {

class [[nodiscard]] Verdict {
 public:
  // The session words the positive reply itself unless a status is given.
  static Verdict accept() { return Verdict(); }
  static Verdict accept_with(Status status) { return Verdict(std::move(status), false); }
  // Requires: a 4yz or 5yz status. A 421 always ends the session; `ends_session` makes any other code do so.
  static Verdict refuse(Status status, bool ends_session = false) {
    return Verdict(std::move(status), ends_session);
  }

  bool is_accepted() const { return status_.code == 0 || status_.is_positive(); }
  bool has_status() const { return status_.code != 0; }
  const Status& status() const { return status_; }
  bool ends_session() const { return ends_session_ || status_.code == 421; }

 private:
  Verdict() = default;
  Verdict(Status status, bool ends_session) : status_(std::move(status)), ends_session_(ends_session) {}

  Status status_;
  bool ends_session_ = false;
};

}  // namespace postern::smtp
