// A request's JSON, within bounds: depth, memory, UTF-8 (RFC 8259). Over Boost.JSON. Pure.
#pragma once

#include "core/result.h"

#include <boost/json/value.hpp>

#include <string_view>

namespace postern::api {

// Malformed, with the line and column in its context: not one JSON text, a name twice in an object, invalid UTF-8, nested deeper
// than the limit, more values than the limit, or it grows out of all proportion. All memory that it takes, while it parses too, is
// within the bound.
Result<boost::json::value> parse_json_body(std::string_view body);

// "application/json", also with parameters.
bool is_json_content_type(std::string_view content_type);

}  // namespace postern::api
