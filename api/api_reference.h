// docs/http-api.md: openapi.json for people, with an example of every body. Pure.
#pragma once

#include <boost/json/object.hpp>

#include <string>

namespace postern::api {

// Requires: what make_openapi() makes.
std::string make_api_reference(const boost::json::object& openapi);

}  // namespace postern::api
