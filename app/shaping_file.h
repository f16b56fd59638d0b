// shaping.toml → relay::ShapingFile, all problems at once.
#pragma once

#include "app/config.h"
#include "relay/shaping.h"

#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

namespace postern::app {

struct ShapingLoad {
  relay::ShapingFile shaping;
  std::vector<ConfigProblem> problems;  // empty: it can be used
};
ShapingLoad parse_shaping(std::string_view text, const std::filesystem::path& file);
ShapingLoad load_shaping(const std::filesystem::path& file);

// The one that the settings name. Null where they name none; Malformed with the first problem.
Result<std::shared_ptr<const relay::Shaping>> make_shaping(const Settings& settings);

}  // namespace postern::app
