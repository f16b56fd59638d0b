// ARC (RFC 8617 §5.1): our own set for a message that we hand on, saying what we saw when it came. Pure but for OpenSSL.
#pragma once

#include "core/clock.h"
#include "core/result.h"
#include "mime/header_scan.h"

#include <string>
#include <string_view>

namespace postern::provenance {

struct ArcSealing {
  std::string_view domain;
  std::string_view selector;
  std::string_view private_key;  // PEM of an RSA key
  std::string_view results;      // what we saw: an Authentication-Results field's value, "mx.example.org; spf=pass …"
  Instant now{};
};

// The three fields with their CR LF, to stand on top of a message of that `header` and of that body (BodyHash, relaxed), which goes
// out as it is. Empty: its chain is broken, or as long as it may be, and nobody may add to it. Requires: the chain was found whole,
// if there is one (judge_arc). InvalidArgument: the key is none.
Result<std::string> seal_arc(const mime::HeaderScan& header, std::string_view body_hash, const ArcSealing& sealing);

}  // namespace postern::provenance
