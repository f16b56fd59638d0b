// What the files say that a configuration names: certificates, keys, authorities, the log's folder. Reads them, opens nothing for
// writing. For `config check`, doctor, and the warnings of a start or a reload.
#pragma once

#include "app/config.h"
#include "app/settings.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace postern::app {

// Errors, with which the daemon would not start: a file that is missing or garbage, a key of another certificate.
// Warnings: a certificate whose time is over or has not come, or that does not name `hostname`; one whose chain leads to no
// authority that this machine knows, by itself and without the intermediate certificates that clients need; a key that others can
// read; what this user may not read.
// `file` is the configuration's, for the problems.
std::vector<ConfigProblem> check_named_files(const Settings& settings, const std::filesystem::path& file);

// Of the first certificate in a PEM file: days until it ends, negative once it has; nullopt: it cannot be read.
std::optional<int> days_until_expiry(const std::string& file);

}  // namespace postern::app
