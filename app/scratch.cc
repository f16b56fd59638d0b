#include "app/scratch.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>

namespace postern::app {

Result<Scratch> Scratch::make() {
  std::error_code failed;
  std::string name = (std::filesystem::temp_directory_path(failed) / "postern-test-XXXXXX").string();
  if (failed || ::mkdtemp(name.data()) == nullptr) {
    return Error(ErrorCode::IoError, std::string("make a folder for the test: ") + std::strerror(errno));
  }
  return Scratch(name);
}

Scratch::~Scratch() {
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

}  // namespace postern::app
