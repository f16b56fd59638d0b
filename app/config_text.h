// Texts made from the table of keys: what people read about the configuration.
#pragma once

#include "app/settings.h"

#include <string>

namespace postern::app {

// `postern config template` and conf/postern.toml: every key commented out, with its meaning and default.
std::string make_config_template();
// docs/configuration.md.
std::string make_config_reference();
// postern.toml(5), for man(7).
std::string make_config_man_page();
// `postern config show`: the values in force as TOML, secrets hidden.
std::string make_config_listing(const Settings& settings);

}  // namespace postern::app
