// What a submission server may mend in a message (RFC 6409 §8): Date and Message-ID where they are missing, Bcc removed. All
// else stays byte for byte.
#pragma once

#include "core/clock.h"
#include "relay/header_scan.h"

#include <string>
#include <string_view>

namespace postern::relay {

// The header section to store, with the empty line that ends it. Requires a complete scan.
std::string fixed_header(const HeaderScan& header, std::string_view message_id, std::string_view hostname, Instant now);

}  // namespace postern::relay
