// The rows of [[egress_source]] and [[egress_pool]] in the table of configuration keys (app/config_keys): data.
#pragma once

#include "app/config_keys.h"

namespace postern::app {

inline constexpr ConfigKey<EgressSourceSettings> kEgressSourceKeys[] = {
    {{.name = "name", .group = "Egress source", .is_required = true, .is_reloadable = true,
      .help = "Name in logs, events and listings: letters, digits, - and _."},
     &EgressSourceSettings::name},
    {{.name = "addresses", .group = "Egress source", .type = KeyType::TextList, .is_required = true, .is_reloadable = true,
      .help = "What connections leave from: one IPv4 address, one IPv6 address, or one of each. An address that is not on this "
              "machine is passed over and named in the log; `postern doctor` looks whether each has a name that leads back to it."},
     &EgressSourceSettings::addresses},
    {{.name = "ehlo_name", .group = "Egress source", .default_value = "", .is_reloadable = true,
      .help = "What EHLO says on connections from it: the name that its addresses lead back to. Empty: hostname."},
     &EgressSourceSettings::ehlo_name},
    {{.name = "family", .group = "Egress source", .default_value = "any", .choices = "any|ipv4|ipv6", .is_reloadable = true,
      .help = "Which of a mail host's addresses are tried first; \"any\": in turn. The other family's are tried where those fail."},
     &EgressSourceSettings::family},
    {{.name = "warm_up_from", .group = "Egress source", .default_value = "", .is_reloadable = true,
      .help = "The first day (UTC) of a new address that has to earn its name: \"2026-12-01\". From then on it sends no more "
              "messages a day to each provider of shaping_file (and to all other domains together) than the plan below allows. "
              "Empty: as many as come."},
     &EgressSourceSettings::warm_up_from},
    {{.name = "warm_up_first_day", .group = "Egress source", .type = KeyType::Integer, .default_value = "50", .unit = "messages",
      .minimum = 1, .maximum = 1'000'000, .is_reloadable = true, .help = "What the first day allows to each provider."},
     &EgressSourceSettings::warm_up_first_day},
    {{.name = "warm_up_growth_percent", .group = "Egress source", .type = KeyType::Integer, .default_value = "50",
      .unit = "percent", .minimum = 1, .maximum = 1000, .is_reloadable = true,
      .help = "How much more each further day allows than the one before."},
     &EgressSourceSettings::warm_up_growth_percent},
    {{.name = "warm_up_until", .group = "Egress source", .type = KeyType::Integer, .default_value = "100000", .unit = "messages",
      .minimum = 1, .maximum = 1'000'000'000, .is_reloadable = true,
      .help = "The plan is over on the day that would allow more than this."},
     &EgressSourceSettings::warm_up_until},
};

inline constexpr ConfigKey<EgressPoolSettings> kEgressPoolKeys[] = {
    {{.name = "name", .group = "Egress pool", .is_required = true, .is_reloadable = true,
      .help = "Name for egress_pool of routes, and for `postern queue move --to @name`: letters, digits, - and _."},
     &EgressPoolSettings::name},
    {{.name = "sources", .group = "Egress pool", .type = KeyType::TextList, .is_required = true, .is_reloadable = true,
      .help = "Names of [[egress_source]] tables, each with its weight: [\"out1\", \"out2:3\"] sends three of four messages from "
              "out2. Each source has connections, bounds of shaping_file and suspensions of its own."},
     &EgressPoolSettings::sources},
    {{.name = "overflow", .group = "Egress pool", .default_value = "", .is_reloadable = true,
      .help = "Name of the pool whose sources step in where those of this one have used up their day's share for a provider, or "
              "are not on this machine. Empty: the mail waits."},
     &EgressPoolSettings::overflow},
    {{.name = "accounts", .group = "Egress pool", .type = KeyType::TextList, .default_value = "", .is_reloadable = true,
      .help = "Ids of accounts whose mail leaves from this pool in place of its route's. Settled when a message is accepted."},
     &EgressPoolSettings::accounts},
    {{.name = "keys", .group = "Egress pool", .type = KeyType::TextList, .default_value = "", .is_reloadable = true,
      .help = "Ids of API keys, likewise. A key goes before its account."},
     &EgressPoolSettings::keys},
    {{.name = "tags", .group = "Egress pool", .type = KeyType::TextList, .default_value = "", .is_reloadable = true,
      .help = "Tags of messages, likewise: a name, or \"name=value\". A tag goes before key and account."},
     &EgressPoolSettings::tags},
};

}  // namespace postern::app
