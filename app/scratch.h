// A folder for what a command needs while it runs.
#pragma once

#include "core/result.h"

#include <filesystem>
#include <string_view>
#include <utility>

namespace postern::app {

// Goes with this object, and all that is in it.
class Scratch {
 public:
  // Where the system keeps what does not last.
  static Result<Scratch> make();
  Scratch(Scratch&& other) noexcept : folder_(std::exchange(other.folder_, {})) {}
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch();
  std::filesystem::path operator/(std::string_view name) const { return folder_ / name; }

 private:
  explicit Scratch(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::filesystem::path folder_;
};

}  // namespace postern::app
