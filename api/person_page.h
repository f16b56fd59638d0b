// A page for a person who came by a link in a mail: it asks, its button acts, nothing is loaded, nobody may frame it.
#pragma once

#include "api/api.h"

#include <string_view>

namespace postern::api {

// Both are HTML, and ours: nothing of a client stands in such a page.
ApiResponse person_page(std::string_view title, std::string_view words);

}  // namespace postern::api
