// Any text as a configuration file: every problem has its line and words, a file without one gives values that can be shown.
#include "app/config.h"
#include "app/config_text.h"
#include "tests/fuzz/fuzz.h"

#include <algorithm>
#include <string>

namespace postern::fuzz {

POSTERN_FUZZ(config) {
  // The files that password_file names would be read.
  if (input.find("_file") != std::string_view::npos) return;
  const auto lines = static_cast<std::size_t>(std::ranges::count(input, '\n')) + 1;
  const app::ConfigLoad load = app::parse_config(input, "/nonexistent/postern.toml");
  for (const app::ConfigProblem& problem : load.problems) {
    POSTERN_CHECK(problem.line <= lines && !problem.what.empty());
    POSTERN_CHECK(!app::format_problem(problem).empty());
  }
  if (!load.is_usable()) return;
  const app::ConfigLoad again = app::parse_config(app::make_config_listing(load.settings), "/nonexistent/postern.toml");
  for (const app::ConfigProblem& problem : again.problems) POSTERN_CHECK(!problem.what.empty());
}

}  // namespace postern::fuzz
