// openapi.json: the route tables and the areas' schemas as an OpenAPI 3.1 document. Pure.
#pragma once

#include "api/api.h"

#include <boost/json/object.hpp>

#include <span>

namespace postern::api {

// Requires: the areas' schemas are JSON, and no two areas name a schema alike.
boost::json::object make_openapi(std::span<const ApiArea> areas);

}  // namespace postern::api
