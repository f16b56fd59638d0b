// The word that somebody may have meant: for unknown keys and names.
#pragma once

#include <span>
#include <string_view>

namespace postern {

// The nearest of `words` by edit distance, if that is at most a third of the text's length (at least 2); else empty.
std::string_view nearest_word(std::string_view text, std::span<const std::string_view> words);

}  // namespace postern
