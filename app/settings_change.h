// What of a new reading of the configuration a reload takes over, and what waits for a restart.
#pragma once

#include "app/settings.h"

#include <string>
#include <vector>

namespace postern::app {

struct SettingsChange {
  // Keys by name, those of a table behind its own: "max_connections", "[[listener]] *:587 tls", "[[route]] hub".
  std::vector<std::string> taken_over;
  std::vector<std::string> waiting;
};

// `running` is what is in force, `now` what the file says.
SettingsChange compare_settings(const Settings& running, const Settings& now);
// Puts into `running` what a reload takes over, so that the next comparison is with what is in force.
void take_over_settings(Settings& running, const Settings& now);

// "a, b"; "-" for none.
std::string joined(const std::vector<std::string>& names);

}  // namespace postern::app
