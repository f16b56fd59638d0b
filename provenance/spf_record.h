// One SPF record, read (RFC 7208 §4.6, §5, §6, §12). Pure: provenance/spf fetches and evaluates it.
//
// A record is read to its end before any of it counts: a slip behind the term that would decide spoils it too (§4.6).
#pragma once

#include "core/ip_address.h"
#include "core/result.h"
#include "provenance/spf_macro.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::provenance {

// RFC 7208 §2.6; the names are those of RFC 8601 §2.7.2.
enum class SpfResult { None, Neutral, Pass, Fail, SoftFail, TempError, PermError };
std::string_view spf_result_name(SpfResult result);

enum class SpfMechanism { All, Include, A, Mx, Ptr, Ip4, Ip6, Exists };

struct SpfTerm {
  SpfResult result = SpfResult::Pass;  // what its qualifier says where it matches
  SpfMechanism mechanism = SpfMechanism::All;
  std::string text;  // as it is written, for people
  std::optional<SpfMacroString> domain{};
  IpNetwork network{};          // Ip4, Ip6
  std::uint8_t prefix_v4 = 32;  // A, Mx
  std::uint8_t prefix_v6 = 128;

  // §4.6.4: of these, and of redirect, ten at most are evaluated.
  bool asks_dns() const {
    return mechanism != SpfMechanism::All && mechanism != SpfMechanism::Ip4 && mechanism != SpfMechanism::Ip6;
  }
};

struct SpfRecord {
  std::vector<SpfTerm> terms;
  std::optional<SpfMacroString> redirect{};
  std::optional<SpfMacroString> explanation{};
};

// "v=spf1" and then a space or nothing, in any case (§4.5).
bool is_spf_record(std::string_view text);
// Requires: is_spf_record(text). Malformed: the term that is wrong.
Result<SpfRecord> parse_spf_record(std::string_view text);

}  // namespace postern::provenance
