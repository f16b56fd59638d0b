// A file of JSON that a person names.
#pragma once

#include "core/result.h"

#include <boost/json/value.hpp>

#include <string>

namespace postern::app {

// "-": standard input. NotFound, InvalidArgument.
Result<boost::json::value> read_json_file(const std::string& file);

}  // namespace postern::app
