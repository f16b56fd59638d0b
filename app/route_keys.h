// The rows of [[route]] in the table of configuration keys (app/config_keys): data.
#pragma once

#include "app/config_keys.h"

namespace postern::app {

inline constexpr ConfigKey<RouteSettings> kRouteKeys[] = {
    {{.name = "name", .group = "Route", .is_required = true, .is_reloadable = true,
      .help = "Name of the route in logs and listings; each has its own."},
     &RouteSettings::name},
    {{.name = "domains", .group = "Route", .type = KeyType::TextList, .is_required = true, .is_reloadable = true,
      .help = "Recipient domains that take this route. \".example.org\" also matches every domain below it, \"*\" matches all. "
              "The first route that matches is taken."},
     &RouteSettings::domains},
    {{.name = "deliver", .group = "Route", .default_value = "smarthost", .choices = "smarthost|mx", .is_reloadable = true,
      .help = "\"smarthost\": all of it to `host`. \"mx\": each domain's mail to the mail hosts that the domain names in the DNS "
              "(docs/delivery.md)."},
     &RouteSettings::deliver},
    {{.name = "host", .group = "Route", .default_value = "", .is_reloadable = true,
      .help = "Next hop of a smarthost route: name or IP address."},
     &RouteSettings::host},
    {{.name = "port", .group = "Route", .type = KeyType::Integer, .default_value = "25", .minimum = 1, .maximum = 65'535,
      .is_reloadable = true, .help = "TCP port of the next hop, or of the mail hosts."},
     &RouteSettings::port},
    {{.name = "tls", .group = "Route", .default_value = "opportunistic", .choices = "none|opportunistic|required",
      .is_reloadable = true,
      .help = "\"opportunistic\": TLS if it is offered, without looking at the certificate. \"required\": TLS with a certificate "
              "that is valid for the host, or no delivery. \"none\": never TLS. With deliver = \"mx\" a domain that publishes "
              "DANE or MTA-STS gets what it asks for, unless it is \"none\"."},
     &RouteSettings::tls},
    {{.name = "implicit_tls", .group = "Route", .type = KeyType::Boolean, .default_value = "false", .is_reloadable = true,
      .help = "TLS from the first octet (port 465) in place of STARTTLS."},
     &RouteSettings::implicit_tls},
    {{.name = "ca_file", .group = "Route", .type = KeyType::Path, .default_value = "", .is_reloadable = true,
      .help = "PEM file with the authorities that certificates are checked against. Empty: the system's."},
     &RouteSettings::ca_file},
    {{.name = "spf", .group = "Route", .type = KeyType::TextList, .default_value = "", .is_reloadable = true,
      .help = "What the SPF records of sending domains must hold so that mail over this route passes, as the next hop's operator "
              "says: [\"include:_spf.example.net\"]. `postern domain records` advises it. Empty: \"a:\" with the host name for a "
              "next hop on this machine, nothing for another."},
     &RouteSettings::spf},
    {{.name = "user_name", .group = "Route", .default_value = "", .is_reloadable = true,
      .help = "Name to authenticate with at the next hop. Empty: no AUTH."},
     &RouteSettings::user_name},
    {{.name = "password_file", .group = "Route", .type = KeyType::Path, .default_value = "", .is_reloadable = true,
      .help = "File whose first line is the password. Better than password: it can have its own permissions."},
     &RouteSettings::password_file},
    {{.name = "password", .group = "Route", .type = KeyType::Password, .default_value = "", .is_reloadable = true,
      .help = "The password itself. Keep the configuration file unreadable for others then."},
     &RouteSettings::password},
    {{.name = "max_connections", .group = "Route", .type = KeyType::Integer, .default_value = "8", .unit = "connections",
      .minimum = 1, .maximum = 1000, .is_reloadable = true,
      .help = "Connections to the next hop at once; with deliver = \"mx\" to the hosts of one domain."},
     &RouteSettings::max_connections},
    {{.name = "max_messages_per_connection", .group = "Route", .type = KeyType::Integer, .default_value = "100", .unit = "messages",
      .minimum = 1, .maximum = 1'000'000, .is_reloadable = true,
      .help = "Messages sent over one connection before it is closed."},
     &RouteSettings::max_messages_per_connection},
    {{.name = "idle_timeout_seconds", .group = "Route", .type = KeyType::Integer, .default_value = "30", .unit = "seconds",
      .maximum = 3600, .is_reloadable = true, .help = "How long an idle connection is kept for the next message."},
     &RouteSettings::idle_timeout_seconds},
    {{.name = "egress_pool", .group = "Route", .default_value = "", .is_reloadable = true,
      .help = "Name of the [[egress_pool]] whose addresses its mail leaves from. Empty: the machine chooses the address."},
     &RouteSettings::egress_pool},
};

}  // namespace postern::app
