// Settings: what the configuration file says, as plain values. Filled from app/config_keys' table by app/config; turned into
// the folders' own option types by app/config_values. Octets, seconds and hours are in the names.
#pragma once

#include "core/secret.h"

#include <cstdint>
#include <string>
#include <vector>

namespace postern::app {

// One [[listener]] table.
struct ListenerSettings {
  std::string address;  // an IP address, or "*": every address of both families
  std::int64_t port = 0;
  std::string role;     // "submission" or "mx"
  std::string tls;
  bool allow_auth_without_tls = false;
  std::string run;      // "account/run": a test run that it belongs to; empty: to all
  std::string tls_certificate_file;  // empty: the installation's
  std::string tls_key_file;
  std::vector<std::string> proxy_networks;  // CIDR; empty: clients connect directly
  std::size_t line = 0;              // of the table in the file; 0: a default listener

  bool is_mx() const { return role == "mx"; }
};

// One [[http_listener]] table.
struct HttpListenerSettings {
  std::string address;
  std::int64_t port = 0;
  std::string tls;
  std::string tls_certificate_file;  // empty: the installation's
  std::string tls_key_file;
  std::vector<std::string> proxy_networks;  // CIDR; empty: clients connect directly
  std::size_t line = 0;
};

// One [[route]] table.
struct RouteSettings {
  std::string name;
  std::vector<std::string> domains;
  std::string deliver;  // "smarthost" or "mx"
  std::string host;
  std::int64_t port = 0;
  std::string tls;
  bool implicit_tls = false;
  std::string ca_file;
  std::vector<std::string> spf;  // mechanisms: "include:_spf.example.net"
  std::string user_name;
  Secret password;              // from `password` or the first line of `password_file`
  std::string password_file;
  std::int64_t max_connections = 0;
  std::int64_t max_messages_per_connection = 0;
  std::int64_t idle_timeout_seconds = 0;
  std::string egress_pool;      // name of one; empty: the machine chooses the address
  std::size_t line = 0;

  bool is_mx() const { return deliver == "mx"; }
};

// One [[egress_source]] table.
struct EgressSourceSettings {
  std::string name;
  std::vector<std::string> addresses;  // one of each family at most
  std::string ehlo_name;               // empty: `hostname`
  std::string family;                  // "any", "ipv4" or "ipv6": tried first
  std::string warm_up_from;            // "2026-12-01"; empty: it is warm
  std::int64_t warm_up_first_day = 0;
  std::int64_t warm_up_growth_percent = 0;
  std::int64_t warm_up_until = 0;
  std::size_t line = 0;
};

// One [[egress_pool]] table.
struct EgressPoolSettings {
  std::string name;
  std::vector<std::string> sources;  // names, with a weight behind a colon: "out1", "out2:3"
  std::string overflow;              // name of another pool
  std::vector<std::string> accounts;
  std::vector<std::string> keys;
  std::vector<std::string> tags;
  std::size_t line = 0;
};

// No default stands here: all of them come from the table of keys.
struct Settings {
  std::string data_dir;
  std::string hostname;
  std::string environment;
  std::int64_t io_threads = 0;

  std::string tls_certificate_file;
  std::string tls_key_file;

  std::string key_brand;
  bool key_has_environment = false;
  std::int64_t max_active_keys_per_account = 0;
  bool key_name_required = false;
  std::int64_t auth_failures_per_address = 0;
  std::int64_t auth_failure_window_seconds = 0;
  std::int64_t auth_throttle_max_addresses = 0;

  std::string simulator_domain;
  std::int64_t capture_retention_hours = 0;
  std::int64_t capture_max_octets = 0;

  std::int64_t max_message_octets = 0;
  std::int64_t max_recipients = 0;
  std::int64_t max_received_fields = 0;
  std::int64_t max_hold_days = 0;
  std::string trace_client;
  std::string long_lines;
  std::int64_t max_connections = 0;
  std::int64_t max_connections_per_address = 0;
  std::int64_t max_errors_per_session = 0;
  std::int64_t max_junk_commands_per_session = 0;
  std::int64_t max_auth_failures_per_session = 0;
  std::int64_t command_timeout_seconds = 0;
  std::int64_t preauth_timeout_seconds = 0;
  std::int64_t data_min_octets_per_second = 0;
  std::int64_t shutdown_grace_seconds = 0;

  std::string return_path_domain;  // lower case; empty: mail leaves under its sender's own
  std::int64_t return_path_days = 0;
  std::int64_t inbound_retention_hours = 0;
  std::int64_t inbound_messages_per_second = 0;
  std::int64_t inbound_check_seconds = 0;
  std::int64_t inbound_greylist_seconds = 0;
  std::int64_t forwards_per_route_and_day = 0;
  std::int64_t forwards_per_account_and_day = 0;
  std::int64_t mx_max_connections = 0;
  std::int64_t mx_max_connections_per_address = 0;

  std::int64_t http_max_connections = 0;
  std::int64_t http_max_connections_per_address = 0;
  std::int64_t http_requests_per_second = 0;
  std::vector<std::string> http_cors_origins;
  std::vector<std::string> http_trusted_proxies;  // CIDR
  std::string http_forwarded_field;
  std::string http_dashboard;
  std::string http_dashboard_dir;
  std::vector<std::string> http_hosts;  // lower case
  std::string http_metrics_token_file;
  Secret http_metrics_token;  // the first line of the file
  std::string signup;
  std::string signup_confirms_addresses;
  std::int64_t signup_mails_per_day = 0;
  std::int64_t signup_recipients_per_day = 0;
  std::int64_t signup_recipients_per_month = 0;
  std::string public_url;
  std::int64_t session_token_lifetime_minutes = 0;
  std::int64_t session_key_lifetime_hours = 0;
  bool webhook_allow_http = false;
  std::vector<std::string> webhook_allowed_networks;
  std::vector<std::string> webhook_ports;

  std::vector<std::string> resolver_addresses;  // "192.0.2.53", "127.0.0.1@5353"
  std::int64_t resolver_timeout_seconds = 0;
  std::string resolver_trust_anchor_file;
  bool allow_special_destinations = false;
  std::string shaping_file;
  std::string tls_report_from;  // an address; empty: no reports
  std::int64_t tls_report_spread_minutes = 0;

  std::int64_t spool_max_octets = 0;
  std::int64_t spool_min_free_octets = 0;
  std::int64_t settled_retention_hours = 0;
  std::int64_t settled_max_messages = 0;
  std::int64_t event_retention_days = 0;
  std::int64_t event_max_count = 0;

  Secret cluster_database;   // a connection string of libpq's; empty: one machine
  std::string cluster_node;  // empty: the hostname

  std::int64_t queue_lifetime_hours = 0;
  std::int64_t retry_initial_seconds = 0;
  std::int64_t retry_max_seconds = 0;
  std::int64_t delay_notice_hours = 0;

  std::string log_level;
  std::string log_format;
  std::string metrics_file;
  std::string log_file;

  std::vector<ListenerSettings> listeners;
  std::vector<HttpListenerSettings> http_listeners;
  std::vector<RouteSettings> routes;
  std::vector<EgressSourceSettings> egress_sources;
  std::vector<EgressPoolSettings> egress_pools;
  std::string egress_pool;  // of the route that there is without a [[route]]

  bool is_development() const { return environment == "development"; }
  bool has_dashboard() const { return http_dashboard == "on" || (http_dashboard == "auto" && is_development()); }
  // Without a [[route]] live mail goes to each domain's own mail hosts; in development it goes nowhere.
  bool has_default_route() const { return routes.empty() && !is_development(); }
  // Whether accounts that sign up by themselves reach only addresses that agreed.
  bool confirms_addresses() const {
    return signup_confirms_addresses == "yes" || (signup_confirms_addresses == "auto" && !is_development());
  }
};

}  // namespace postern::app
