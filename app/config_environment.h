// Keys of the configuration by environment variables, for containers: POSTERN_HOSTNAME gives `hostname` its value, and
// POSTERN_ROUTE_2_HOST gives the second [[route]] table its `host`. What a variable says stands in place of what the file says.
#pragma once

#include "app/config_checks.h"
#include "app/toml_reader.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::app {

// Name and value, in any order.
using Variables = std::vector<std::pair<std::string, std::string>>;

// Those of this process that begin with POSTERN_ and have a value; POSTERN_CONFIG, which names the file, is none of them. The
// environment must not change meanwhile.
Variables process_variables();

// "POSTERN_HTTP_LISTENER_1_PORT" for ("http_listener", 1, "port"); an empty table is the top, whose index counts for nothing.
std::string variable_name(std::string_view table, std::size_t index, std::string_view key);

// Puts them into `tables`, which begin with the top. Tables are counted from 1, in the file's order; the next number makes one
// more. A list is written with commas. A problem: a table beyond the next. A warning: a name that is nearly one of ours; others
// are let alone, since an orchestrator sets some for reasons of its own (POSTERN_PORT, POSTERN_SERVICE_HOST).
void apply_variables(const Variables& variables, std::vector<TomlTable>& tables, Problems& problems);

}  // namespace postern::app
