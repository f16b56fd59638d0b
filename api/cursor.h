// Cursor: where a page of a list ended, as its client is told. Nothing but to be given back: what stands in it may change with a
// version, or with the number of machines that an installation has. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postern::api {

// "cur_0hq3v1k0a2s8". `position`: what the list itself goes on behind.
std::string format_cursor(std::string_view position);
// The position; of a text that is no cursor the text itself: ids and addresses were cursors once, and people still name them.
// nullopt: a cursor that was cut or changed.
std::optional<std::string> parse_cursor(std::string_view text);

}  // namespace postern::api
