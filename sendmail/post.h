// What becomes of a letter: to the relay, or into the outbox where the relay is away, and from there to the relay later.
// Where it says yes to some recipients only, the letter is cut: nobody gets it twice.
#pragma once

#include "core/clock.h"
#include "core/status.h"
#include "sendmail/letter.h"
#include "sendmail/outbox.h"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace postern::sendmail {

struct Delivery {
  bool has_session = false;      // the relay was reached and let us in
  std::vector<Status> statuses;  // its word on each recipient, in the letter's order; where it gave none, a 4yz of ours

  void say_of_all(const Status& status) { statuses.assign(statuses.size(), status); }
};
using Deliver = std::function<Delivery(const Letter&)>;

struct Handed {
  std::size_t taken = 0;             // recipients
  std::size_t kept = 0;              // wait in the outbox
  std::string why_kept;              // the relay's words, or ours where there was none
  std::vector<std::string> refused;  // "ann@example.org: 550 5.1.1 …": for good
};

// Of the letter that a program just wrote. LimitExceeded and what the disk says: the relay is away and it could not be kept either;
// it is lost.
Result<Handed> hand_over(Letter letter, const Deliver& deliver, const std::function<Result<Outbox>()>& open_outbox);

struct Flushed {
  std::size_t taken = 0;  // letters
  std::size_t waiting = 0;
  std::size_t refused = 0;
  std::vector<std::string> reports;  // as Handed::refused, and why the relay cannot be asked
};

// Sends up to `limit` of the letters that wait, until the relay cannot be asked. Nothing where another process does it just now.
Flushed flush(Outbox& outbox, const Deliver& deliver, Instant now, std::size_t limit);

}  // namespace postern::sendmail
