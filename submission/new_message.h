// What is stored of a message beside its content, from what is known at the end of data. Pure.
#pragma once

#include "auth/principal.h"
#include "core/clock.h"
#include "core/envelope.h"
#include "mime/header_scan.h"
#include "relay/route.h"
#include "store/spool.h"
#include "submission/context.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::submission {

// All that is referred to must outlive the call.
struct NewMessageFacts {
  MessageId id;
  const auth::Principal& principal;
  const Submitter& submitter;
  const Envelope& envelope;
  std::string_view helo_name;
  bool hides_reverse_path =
      false;  // neither we nor a next hop may send anything to who has not agreed to it
  bool is_eight_bit = false;  // of the content as it goes out
  bool is_header_eight_bit = false;
  std::uint32_t trace_octets = 0;
  Duration capture_retention{};
  Instant now;  // of the run, where it has a clock
  bool has_own_clock = false;
  const relay::RouteTable* routes = nullptr;  // whose rules say which pool it leaves by; null: none does
  std::optional<Instant> release_at = {};  // later than `now`: its first attempt is then
};

// Record, delivery and first event; `warnings` stand in the event.
store::NewMessage new_message(const NewMessageFacts& facts, store::MessageSummary summary,
                              const std::vector<std::string>& warnings);

// What lists show of a message that came by SMTP. Who is in the envelope and not in the header got
// a blind copy; where the header names nobody, nobody is known to be blind. Requires a complete
// scan.
store::MessageSummary summary_of(const mime::HeaderScan& header, const Envelope& envelope);

}  // namespace postern::submission
