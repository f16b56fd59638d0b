// See chunk_reader.h.
#include "smtp/chunk_reader.h"

#include "core/bytes.h"
#include "core/scan.h"
#include "smtp/limits.h"

#include <algorithm>

namespace postern::smtp {

std::optional<ChunkArgument> parse_chunk_argument(std::string_view argument) {
  constexpr std::size_t kMaxDigits = 20;
  const std::string_view digits = argument.substr(0, argument.find(' '));
  if (digits.empty() || digits.size() > kMaxDigits) return std::nullopt;
  if (!std::all_of(digits.begin(), digits.end(), is_ascii_digit)) return std::nullopt;
  std::string_view marker = argument.substr(digits.size());
  while (!marker.empty() && marker.front() == ' ') marker.remove_prefix(1);
  if (!marker.empty() && !equals_ignoring_case(marker, "LAST")) return std::nullopt;
  return ChunkArgument{parse_unsigned(digits).value_or(UINT64_MAX), !marker.empty()};
}

void ChunkReader::add_to_line(std::size_t octets) {
  line_octets_ += octets;
  if (line_octets_ > kMaxTextLineOctets) has_long_line_ = true;
}

bool ChunkReader::read(std::string_view octets) {
  octets_ += octets.size();
  for (std::size_t at = 0; at < octets.size();) {
    if (ends_in_cr_) {
      if (octets[at] != '\n') return false;
      ends_in_cr_ = false;
      line_octets_ = 0;
      ++at;
      continue;
    }
    const std::size_t stop = find_below(octets, '\r' + 1, at);
    add_to_line(stop - at);
    at = stop + 1;
    if (stop == octets.size()) break;
    const char c = octets[stop];
    if (c == '\n') return false;
    ends_in_cr_ = c == '\r';
    has_nul_ = has_nul_ || c == '\0';
    if (!ends_in_cr_) add_to_line(1);
  }
  return true;
}

}  // namespace postern::smtp
