// TOML → the same as JSON.
#pragma once

#include "core/result.h"
#include "lab/checked_json.h"

#include <string_view>

namespace postern::lab {

// Tables, lists, texts, numbers and booleans; a date or a time is its text. InvalidArgument, with the line.
Result<json::value> toml_to_json(std::string_view text);

}  // namespace postern::lab
