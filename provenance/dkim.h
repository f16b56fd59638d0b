// DKIM (RFC 6376, RFC 8463, RFC 8301): which domains have signed a message. Pure: the header section, the hashes of the body and
// the keys in, verdicts out; provenance/message_check brings them together.
#pragma once

#include "provenance/signature.h"

#include <cstddef>
#include <string>
#include <vector>

namespace postern::provenance {

// Of one message, the topmost; more cost whoever verifies and prove no more.
inline constexpr std::size_t kMaxSignatures = 10;

std::vector<Signature> read_dkim_signatures(const mime::HeaderScan& header);

struct DkimVerdict {
  SignatureResult result = SignatureResult::None;
  std::string domain;
  std::string selector;
  std::string algorithm;
  std::string identity;     // i=; empty: none
  std::string value_start;  // of b=, as it is written: enough to tell signatures apart (RFC 6008 §4)
  int key_bits = 0;
  bool is_testing = false;  // the domain says that it is only trying
  std::string why;          // no pass: for people
};
DkimVerdict judge_dkim(const mime::HeaderScan& header, const Signature& signature, const BodyHashes& body, const KeyAnswer& key,
                       Instant now);

}  // namespace postern::provenance
