// Searching text by words instead of octets.
#pragma once

#include <cstddef>
#include <string_view>

namespace postern {

// The first octet below `bound` at or behind `from`, text.size() if there is none. Control characters end text: one pass finds
// whichever of them comes first. Requires: from <= text.size(), bound <= 0x80.
std::size_t find_below(std::string_view text, unsigned char bound, std::size_t from);

}  // namespace postern
