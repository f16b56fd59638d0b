// What browsers ask before a page of another origin may call the API (the Fetch standard's CORS protocol). Off unless origins are
// configured: a page has no business with a key. Pure.
#pragma once

#include "api/api.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace postern::api {

// Of a request whose Origin field is `origin`: the value that allows it, or nullopt.
std::optional<std::string> allowed_origin(std::span<const std::string> origins, std::string_view origin);

// The answer to the question that goes before a request.
ApiResponse preflight_answer();

// What a response needs so that the page may read it.
void allow_origin(ApiResponse& response, const std::string& origin);

}  // namespace postern::api
