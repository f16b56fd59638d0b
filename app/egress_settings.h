// [[egress_source]] and [[egress_pool]] → what relay/egress has of them, and what is wrong with them.
#pragma once

#include "app/config_checks.h"
#include "app/settings.h"
#include "relay/route.h"

#include <string_view>

namespace postern::app {

void check_egress(const Settings& settings, Problems& problems);

// Of settings without problems.
relay::EgressRules make_egress_rules(const Settings& settings);
// With those that step in; empty for an empty name.
relay::EgressPool make_egress_pool(const Settings& settings, std::string_view name);
std::vector<relay::EgressSource> make_egress_sources(const Settings& settings);

}  // namespace postern::app
