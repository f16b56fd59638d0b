// A request's JSON, within bounds: depth, memory, UTF-8 (RFC 8259). Over Boost.JSON. Pure.
#pragma once

#include <boost/json/value.hpp>

#include <optional>
#include <string_view>

namespace postern::http {

// nullopt: not one JSON text, invalid UTF-8, nested deeper than the limit, or it grows out of all proportion.
std::optional<boost::json::value> parse_json_body(std::string_view body);

// "application/json", also with parameters.
bool is_json_content_type(std::string_view content_type);

}  // namespace postern::http
