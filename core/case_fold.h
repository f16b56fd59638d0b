// Text whose letters differ in case only is one text: for addresses that people type.
#pragma once

#include <string>
#include <string_view>

namespace postern {

// Lower case for Latin (Latin-1 and Extended-A), Greek, Cyrillic and Armenian letters; every other octet stays, those of broken
// UTF-8 too. The length in octets stays.
std::string fold_case(std::string_view text);

}  // namespace postern
