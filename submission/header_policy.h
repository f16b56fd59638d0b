// May a message with this header section go out? Pure.
#pragma once

#include "auth/principal.h"
#include "core/decision.h"
#include "core/envelope.h"
#include "mime/header_scan.h"

#include <cstdint>
#include <string_view>

namespace postern::submission {

// All that is referred to must outlive the call.
struct HeaderQuestion {
  const mime::HeaderScan& header;      // complete, or too big
  const Envelope* envelope = nullptr;  // nullptr: not known, and so nothing is an automatic notice
  std::string_view client_name = {};   // of EHLO
};

// Too many octets or Received fields, two From fields, an author that is not the principal's.
Decision judge_header(const auth::Principal& principal, const HeaderQuestion& question,
                      std::uint32_t max_received_fields);

}  // namespace postern::submission
