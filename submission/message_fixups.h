// What a submission server may mend in a header section (RFC 6409 §8): Date where it is missing, Message-ID where it is missing or
// none, fields that are not for the recipients removed, lines that no next hop takes folded. All else stays byte for byte.
#pragma once

#include "core/clock.h"
#include "mime/header_scan.h"

#include <string>
#include <string_view>
#include <vector>

namespace postern::submission {

struct FixedHeader {
  std::string section;     // to store, with the empty line that ends it
  std::string message_id;  // the Message-ID that is in it, without angle brackets
};

// Requires a complete scan. `folds`: lines above kMaxPlainLineOctets are folded at their white space.
FixedHeader fixed_header(const mime::HeaderScan& header, std::string_view message_id, std::string_view hostname, Instant now,
                         bool folds);

// What is wrong in a header section though it is taken, and what was mended: a sentence each, without the client's octets.
std::vector<std::string> header_warnings(const mime::HeaderScan& header);

}  // namespace postern::submission
