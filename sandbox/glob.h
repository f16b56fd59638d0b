// Patterns of addresses: "*@example.org", "ann+*@*". Pure.
#pragma once

#include <string_view>

namespace postern::sandbox {

// Each "*" of the pattern is any run of characters, an empty one too; all else is itself, letter case included. In time
// proportional to the product of both lengths.
bool fits_glob(std::string_view pattern, std::string_view text);

}  // namespace postern::sandbox
