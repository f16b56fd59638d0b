// The composition root of `postern serve`: builds everything, starts it, obeys signals, takes it down in order.
#pragma once

#include "app/settings.h"
#include "core/result.h"

#include <filesystem>

namespace postern::app {

// Serves until SIGTERM or SIGINT, then drains: no new connections, transactions under way end within the grace, the queue
// settles what it has under way. A second signal ends the process at once; nothing acknowledged is lost by that.
// SIGHUP reads `config_file` again: certificates, routes and connection limits take effect, the log file is reopened.
// Fails with the reason why it could not start.
Result<void> run_server(const Settings& settings, const std::filesystem::path& config_file);

}  // namespace postern::app
