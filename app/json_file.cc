#include "app/json_file.h"

#include "core/bytes.h"

#include <boost/json/parse.hpp>

#include <fstream>
#include <iostream>
#include <sstream>

namespace postern::app {

Result<boost::json::value> read_json_file(const std::string& file) {
  std::ostringstream text;
  if (file == "-") {
    text << std::cin.rdbuf();
  } else {
    std::ifstream stream(file);
    if (!stream) return Error(ErrorCode::NotFound, "cannot read " + printable(file));
    text << stream.rdbuf();
  }
  boost::system::error_code failed;
  boost::json::value value = boost::json::parse(text.str(), failed);
  if (failed) return Error(ErrorCode::InvalidArgument, printable(file) + " is no JSON: " + failed.message());
  return value;
}

}  // namespace postern::app
