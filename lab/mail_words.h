// What a person reads in a mail, and the one-time codes in it. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace postern::lab {

// The text of HTML as it is read: without tags, comments, style and script; references to characters resolved where they are
// common or numeric; blocks on lines of their own.
std::string html_words(std::string_view html);

inline constexpr std::size_t kMaxCodes = 20;
inline constexpr std::size_t kMaxCodeLineOctets = 200;
struct OneTimeCode {
  std::string code;  // without the blank or hyphen in its middle: "123 456" is 123456
  std::string line;  // in which it stands
  bool is_announced = false;  // that line, or the one before it, speaks of a code
};
// Four to eight digits, or six to ten letters and digits of both kinds in capitals, that stand alone; the announced ones first,
// else in their order. A year, an amount, a part of a longer number, of an address or of a date is none unless it is announced.
std::vector<OneTimeCode> find_codes(std::string_view text);

}  // namespace postern::lab
