// ARC (RFC 8617): what those who handled a message before us say that they saw, and whether their chain is whole. It is no proof
// of the author, but of who vouches. Pure, as provenance/dkim is.
#pragma once

#include "provenance/signature.h"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::provenance {

inline constexpr std::size_t kMaxArcSets = 50;  // RFC 8617 §4.2.1

// One hop's three fields, as places in HeaderScan::fields().
struct ArcSet {
  std::size_t results = 0;    // ARC-Authentication-Results
  std::size_t signature = 0;  // ARC-Message-Signature
  std::size_t seal = 0;       // ARC-Seal
};

struct ArcChain {
  std::vector<ArcSet> sets{};      // by instance, from 1
  std::vector<Signature> seals{};  // of each set: a, b, d and s
  Signature newest{};              // the last set's message signature
  std::string fault{};             // the chain is broken already, for people
  bool is_there() const { return !sets.empty() || !fault.empty(); }
};
ArcChain read_arc(const mime::HeaderScan& header);

enum class ArcResult { None, Pass, Fail, TempError };
std::string_view arc_result_name(ArcResult result);

struct ArcSealer {
  std::string domain;
  std::string selector;
  std::string results;  // what it says that it saw: the text behind "i=…;", unfolded
};

struct ArcVerdict {
  ArcResult result = ArcResult::None;
  std::vector<ArcSealer> sealers{};  // of Pass: from the first hop to the last
  std::string why{};
};
// `find`: the answer for a key's name.
using FindKeyAnswer = std::function<KeyAnswer(const std::string&)>;
ArcVerdict judge_arc(const mime::HeaderScan& header, const ArcChain& chain, const BodyHashes& body, const FindKeyAnswer& find,
                     Instant now);

}  // namespace postern::provenance
