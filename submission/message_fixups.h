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

struct FixUps {
  std::string_view message_id;  // what is before the "@" of a Message-ID that is made
  std::string_view hostname;
  Instant now{};
  bool folds = false;  // lines above kMaxPlainLineOctets, at their white space
  std::string_view unsubscribe_fields = {};  // in the place of those that the client gave; empty: his stay
};

// Requires a complete scan.
FixedHeader fixed_header(const mime::HeaderScan& header, const FixUps& fix_ups);

// What is wrong in a header section though it is taken, and what was mended: a sentence each, without the client's octets.
std::vector<std::string> header_warnings(const mime::HeaderScan& header);

}  // namespace postern::submission
