// What commands print: JSON for programs or as tables and lists for people. Text from outside is
// escaped, so that no octet of a client reaches the terminal raw.
#pragma once

#include "core/clock.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::app {

namespace json = boost::json;

// One line, members in their order. Octets that are not UTF-8 become U+FFFD, so that every program can read it; controls,
// the bidirectional ones too, are escaped, so that it does no harm on a terminal.
std::string to_json(const json::value& value);

// Printable UTF-8 stays; controls (C0, C1, bidirectional, line separators) and broken UTF-8 become \xNN.
std::string printable(std::string_view text);

// Columns aligned by characters. `rows` hold one text for each of `titles`; a text is made printable here.
std::string format_table(const std::vector<std::string>& titles, const std::vector<std::vector<std::string>>& rows);
// "name   value" lines.
std::string format_facts(const std::vector<std::pair<std::string, std::string>>& facts);

// "2026-11-21 09:30:00"; "-" for nothing. UTC.
std::string format_time(const std::optional<Instant>& instant);

}  // namespace postern::app
