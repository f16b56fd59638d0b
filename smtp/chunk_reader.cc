// See chunk_reader.h.
#include "smtp/chunk_reader.h"

#include "core/bytes.h"
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
  if (octets.find('\0') != std::string_view::npos) has_nul_ = true;
  while (!octets.empty()) {
    if (ends_in_cr_) {
      if (octets.front() != '\n') return false;
      ends_in_cr_ = false;
      line_octets_ = 0;
      octets.remove_prefix(1);
      continue;
    }
    const std::string_view text = octets.substr(0, octets.find('\r'));
    if (text.find('\n') != std::string_view::npos) return false;
    add_to_line(text.size());
    ends_in_cr_ = text.size() < octets.size();
    octets.remove_prefix(text.size() + (ends_in_cr_ ? 1 : 0));
  }
  return true;
}

}  // namespace postern::smtp
