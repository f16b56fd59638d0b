// docs/operations.md as it was when the program was built.
#pragma once

#include <string_view>

namespace postern::app {

std::string_view operations_page();

}  // namespace postern::app
