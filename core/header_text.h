// A header field's text as people read it: folds, encoded words (RFC 2047) and charsets undone. Everything that shows a field of a
// message asks here, so that a name reads alike in lists, events and details. Any octets may come in. Any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace postern {

// Each encoded word is decoded for itself, and the blanks between two of them go (RFC 2047 §6.2); where a character is split over
// words of one charset, their octets are joined first. A word that cannot be decoded stays as it stands. The rest of the text is
// kept octet by octet; what words say is valid UTF-8 without controls.
std::string decode_encoded_words(std::string_view text);

// The same text with each run of words as one word in UTF-8 and Q, however long: for a parser that joins words in a way of its own.
std::string merge_encoded_words(std::string_view text);

// Octets of a charset (a registered name, in any case) → UTF-8. nullopt: an unknown charset, or octets that are none of its.
std::optional<std::string> decode_charset(std::string_view charset, std::string_view octets);

// Valid UTF-8 in any case: an octet that belongs to no character becomes U+FFFD.
std::string repaired_utf8(std::string_view octets);

// A field's value, folds and all, with its encoded words decoded: on one line, valid UTF-8, without controls, at most `max_octets`,
// cut where a character ends.
std::string header_text(std::string_view value, std::size_t max_octets);

}  // namespace postern
