// The table itself, and what is derived from a row. Exempt from the size budget: it is data.
#include "app/config_keys.h"

#include "app/egress_keys.h"
#include "app/route_keys.h"

#include <charconv>

namespace postern::app {
namespace {

constexpr std::int64_t kMebibyte = 1'048'576;
constexpr std::int64_t kGibibyte = 1'073'741'824;
constexpr std::int64_t kManyYearsInHours = 876'000;

using S = Settings;
using L = ListenerSettings;
using H = HttpListenerSettings;
using enum KeyType;

constexpr ConfigKey<Settings> kTopKeys[] = {
    // --- Installation ---
    {{.name = "environment", .group = "Installation", .default_value = "production",
      .choices = "production|development",
      .help = "What this installation is for. \"development\" makes a self-signed certificate at the first start where none is "
              "configured, and listens on loopback ports 2525, 2587 and 2465 unless [[listener]] tables say otherwise."},
     &S::environment},
    {{.name = "data_dir", .group = "Installation", .type = Path, .default_value = "/var/lib/postern",
      .help = "Folder of the store, made with mode 0700 if it is absent. A relative path, here and in every other key, is taken "
              "from the folder of the configuration file."},
     &S::data_dir},
    {{.name = "hostname", .group = "Installation", .default_value = "",
      .help = "Name that the server gives itself in its greeting, in the trace header and towards next hops. Empty: the "
              "machine's own name."},
     &S::hostname},
    {{.name = "io_threads", .group = "Installation", .type = Integer, .default_value = "0", .unit = "threads", .maximum = 256,
      .help = "Threads that serve connections. 0: one for each core."},
     &S::io_threads},
    {{.name = "shutdown_grace_seconds", .group = "Installation", .type = Integer, .default_value = "30", .unit = "seconds",
      .maximum = 3600,
      .help = "How long sessions may finish their transaction, and deliveries their message, after SIGTERM. Keep it below the "
              "unit's TimeoutStopSec."},
     &S::shutdown_grace_seconds},

    // --- TLS ---
    {{.name = "tls_certificate_file", .group = "TLS", .type = Path, .default_value = "", .is_reloadable = true,
      .help = "PEM file with the certificate and its chain, for every listener that names none of its own. Needed in "
              "production by listeners with TLS."},
     &S::tls_certificate_file},
    {{.name = "tls_key_file", .group = "TLS", .type = Path, .default_value = "", .is_reloadable = true,
      .help = "PEM file with the private key of tls_certificate_file."},
     &S::tls_key_file},

    // --- API keys ---
    {{.name = "key_brand", .group = "API keys", .default_value = "pk",
      .help = "First part of every API key: 1 to 16 of a-z and 0-9, beginning with a letter. Keys of another brand stop working "
              "when it is changed."},
     &S::key_brand},
    {{.name = "key_has_environment", .group = "API keys", .type = Boolean, .default_value = "true",
      .help = "Whether keys say live or test as their second part. Without it every key is live."},
     &S::key_has_environment},
    {{.name = "max_active_keys_per_account", .group = "API keys", .type = Integer, .default_value = "0", .unit = "keys",
      .maximum = 1'000'000,
      .help = "Active keys that one account may hold. 0: no bound."},
     &S::max_active_keys_per_account},
    {{.name = "key_name_required", .group = "API keys", .type = Boolean, .default_value = "false",
      .help = "Whether a key needs a name. Where it does not, one without is called \"default\"."},
     &S::key_name_required},
    {{.name = "auth_failures_per_address", .group = "API keys", .type = Integer, .default_value = "10", .unit = "failures",
      .minimum = 1, .maximum = 1'000'000,
      .help = "Failed AUTH attempts from one IPv4 address or IPv6 /64 within auth_failure_window_seconds after which a wrong key "
              "is answered 421 too_many_failures; a right one is let in. One that has expired, is revoked or comes from a foreign "
              "network counts as none. Wrong passwords are counted apart, and then no password is looked at."},
     &S::auth_failures_per_address},
    {{.name = "auth_failure_window_seconds", .group = "API keys", .type = Integer, .default_value = "600", .unit = "seconds",
      .minimum = 1, .maximum = 86'400,
      .help = "Time in which auth_failures_per_address failures are forgotten again."},
     &S::auth_failure_window_seconds},
    {{.name = "auth_throttle_max_addresses", .group = "API keys", .type = Integer, .default_value = "65536",
      .unit = "addresses", .minimum = 100, .maximum = 10'000'000,
      .help = "Addresses whose failures are remembered at once. It bounds the memory that a distributed attack can take."},
     &S::auth_throttle_max_addresses},

    // --- Sandbox ---
    {{.name = "simulator_domain", .group = "Sandbox", .default_value = "simulator.postern.test",
      .help = "Domain whose local-parts name the outcome of a simulated delivery (docs/sandbox.md)."},
     &S::simulator_domain},
    {{.name = "capture_retention_hours", .group = "Sandbox", .type = Integer, .default_value = "72", .unit = "hours",
      .minimum = 1, .maximum = kManyYearsInHours,
      .help = "How long the content of a test message can be read back."},
     &S::capture_retention_hours},
    {{.name = "capture_max_octets", .group = "Sandbox", .type = Integer, .default_value = "2147483648", .unit = "octets",
      .minimum = kMebibyte,
      .help = "Content of test messages kept at most; who has the most loses its oldest first."},
     &S::capture_max_octets},

    // --- SMTP service ---
    {{.name = "max_message_octets", .group = "SMTP service", .type = Integer, .default_value = "52428800", .unit = "octets",
      .minimum = 65'536, .maximum = 2 * kGibibyte,
      .help = "Largest message taken, advertised by SIZE. A larger one is answered 552 message_too_big."},
     &S::max_message_octets},
    {{.name = "max_recipients", .group = "SMTP service", .type = Integer, .default_value = "1000", .unit = "recipients",
      .minimum = 100, .maximum = 50'000,
      .help = "Recipients of one message; RFC 5321 §4.5.3.1.8 asks for at least 100."},
     &S::max_recipients},
    {{.name = "max_received_fields", .group = "SMTP service", .type = Integer, .default_value = "50", .unit = "fields",
      .minimum = 10, .maximum = 1000,
      .help = "Received fields a message may carry; one with more is taken for a loop and answered 554 mail_loop."},
     &S::max_received_fields},
    {{.name = "max_hold_days", .group = "SMTP service", .type = Integer, .default_value = "30", .unit = "days",
      .minimum = 0, .maximum = 365,
      .help = "How far ahead a message may be scheduled: HOLDFOR and HOLDUNTIL of FUTURERELEASE (RFC 4865), scheduled_at over "
              "HTTP. What is held takes room in the spool all that time. 0: nothing is held."},
     &S::max_hold_days},
    {{.name = "trace_client", .group = "SMTP service", .default_value = "hide", .choices = "hide|show",
      .help = "Whether the Received field on top of each message names the client's address and HELO name. \"hide\": recipients "
              "have no business with the addresses of an inner network; the store and the log have them."},
     &S::trace_client},
    {{.name = "long_lines", .group = "SMTP service", .default_value = "encode", .choices = "encode|pass|refuse",
      .help = "What becomes of lines above 998 octets, which next hops refuse or cut. \"encode\": the text part concerned goes on "
              "as quoted-printable, a header field is folded at its white space, both before signing. \"pass\": they go on as "
              "they came. \"refuse\": 554 invalid_message."},
     &S::long_lines},
    {{.name = "max_connections", .group = "SMTP service", .type = Integer, .default_value = "10000", .unit = "connections",
      .minimum = 1, .maximum = 1'000'000, .is_reloadable = true,
      .help = "Client connections at once. One more is answered 421 too_many_connections."},
     &S::max_connections},
    {{.name = "max_connections_per_address", .group = "SMTP service", .type = Integer, .default_value = "200",
      .unit = "connections", .minimum = 1, .maximum = 1'000'000, .is_reloadable = true,
      .help = "Client connections at once from one IPv4 address or IPv6 /64. Loopback is not counted."},
     &S::max_connections_per_address},
    {{.name = "command_timeout_seconds", .group = "SMTP service", .type = Integer, .default_value = "300", .unit = "seconds",
      .minimum = 1, .maximum = 3600,
      .help = "How long an authenticated client may wait with its next command (RFC 5321 §4.5.3.2.7: 5 minutes)."},
     &S::command_timeout_seconds},
    {{.name = "preauth_timeout_seconds", .group = "SMTP service", .type = Integer, .default_value = "60", .unit = "seconds",
      .minimum = 1, .maximum = 3600,
      .help = "How long a client may take from connecting to a successful AUTH, TLS handshake included."},
     &S::preauth_timeout_seconds},
    {{.name = "data_min_octets_per_second", .group = "SMTP service", .type = Integer, .default_value = "500",
      .unit = "octets per second", .maximum = kGibibyte,
      .help = "Rate below which mail data is cut off with 421. 0: no such demand."},
     &S::data_min_octets_per_second},
    {{.name = "max_errors_per_session", .group = "SMTP service", .type = Integer, .default_value = "10", .unit = "replies",
      .minimum = 1, .maximum = 100'000,
      .help = "Refusals one session may collect before it is ended with 421."},
     &S::max_errors_per_session},
    {{.name = "max_junk_commands_per_session", .group = "SMTP service", .type = Integer, .default_value = "100",
      .unit = "commands", .minimum = 10, .maximum = 100'000,
      .help = "Commands that lead nowhere (NOOP, RSET, VRFY, HELP …) between two messages before the session is ended with 421."},
     &S::max_junk_commands_per_session},
    {{.name = "max_auth_failures_per_session", .group = "SMTP service", .type = Integer, .default_value = "3",
      .unit = "failures", .minimum = 1, .maximum = 100,
      .help = "Failed AUTH attempts in one session before it is ended with 421 too_many_failures."},
     &S::max_auth_failures_per_session},

    // --- Mail that comes in ---
    {{.name = "return_path_domain", .group = "Mail that comes in", .default_value = "",
      .help = "Domain under which accounts' live mail leaves: each message has a signed return path there, and what comes back to "
              "it is read. Its MX is an mx listener of this installation, its SPF record names what mail leaves by. Empty: mail "
              "leaves under its sender's own address, and what comes back goes there."},
     &S::return_path_domain},
    {{.name = "return_path_days", .group = "Mail that comes in", .type = Integer, .default_value = "7", .unit = "days",
      .minimum = 1, .maximum = 365,
      .help = "How long something may come back for a message. Its record has to be there: settled_retention_hours."},
     &S::return_path_days},
    {{.name = "inbound_retention_hours", .group = "Mail that comes in", .type = Integer, .default_value = "168", .unit = "hours",
      .minimum = 1, .maximum = 8'760,
      .help = "How long the content of what came in is kept, settled_retention_hours at the most. By octets it counts with "
              "captured test mail: capture_max_octets."},
     &S::inbound_retention_hours},
    {{.name = "inbound_messages_per_second", .group = "Mail that comes in", .type = Integer, .default_value = "20", .minimum = 1,
      .maximum = 1'000'000,
      .help = "Messages that mx listeners take from one IPv4 address or IPv6 /64; beyond it 450."},
     &S::inbound_messages_per_second},
    {{.name = "inbound_check_seconds", .group = "Mail that comes in", .type = Integer, .default_value = "15", .unit = "seconds",
      .minimum = 1, .maximum = 120,
      .help = "How long the DNS may take for the SPF, DKIM, DMARC and ARC of a message; what it has not said by then is temperror, "
              "which refuses nothing. The client waits for its 250 meanwhile."},
     &S::inbound_check_seconds},
    {{.name = "inbound_greylist_seconds", .group = "Mail that comes in", .type = Integer, .default_value = "0", .unit = "seconds",
      .maximum = 3'600,
      .help = "How long a sender that was never here before is asked to wait (450 greylisted) before it tries again, by its "
              "network, address and recipient; who came again is known. Return paths are not asked. A restart forgets. 0: off."},
     &S::inbound_greylist_seconds},
    {{.name = "forwards_per_route_and_day", .group = "Mail that comes in", .type = Integer, .default_value = "1000",
      .unit = "messages", .maximum = 1'000'000'000,
      .help = "Messages that one route sends on in a UTC day, counted since the start. What comes beyond it is kept and not sent "
              "on: strangers could else use a route to send as much as they like to somebody."},
     &S::forwards_per_route_and_day},
    {{.name = "forwards_per_account_and_day", .group = "Mail that comes in", .type = Integer, .default_value = "10000",
      .unit = "messages", .maximum = 1'000'000'000,
      .help = "The same of all routes of an account. Each also counts for the account's plan."},
     &S::forwards_per_account_and_day},
    {{.name = "mx_max_connections", .group = "Mail that comes in", .type = Integer, .default_value = "1000", .minimum = 1,
      .maximum = 1'000'000,
      .help = "Connections at once to mx listeners together; they take none of max_connections."},
     &S::mx_max_connections},
    {{.name = "mx_max_connections_per_address", .group = "Mail that comes in", .type = Integer, .default_value = "20", .minimum = 1,
      .maximum = 1'000'000,
      .help = "The same from one IPv4 address or IPv6 /64."},
     &S::mx_max_connections_per_address},

    // --- HTTP service ---
    {{.name = "http_max_connections", .group = "HTTP service", .type = Integer, .default_value = "2000", .unit = "connections",
      .minimum = 1, .maximum = 1'000'000, .is_reloadable = true,
      .help = "HTTP connections at once, live streams included. One more is answered 503 too_many_connections."},
     &S::http_max_connections},
    {{.name = "http_max_connections_per_address", .group = "HTTP service", .type = Integer, .default_value = "200",
      .unit = "connections", .minimum = 1, .maximum = 1'000'000, .is_reloadable = true,
      .help = "HTTP connections at once from one IPv4 address or IPv6 /64. Loopback is not counted."},
     &S::http_max_connections_per_address},
    {{.name = "http_requests_per_second", .group = "HTTP service", .type = Integer, .default_value = "100", .unit = "requests",
      .minimum = 1, .maximum = 1'000'000,
      .help = "Requests a second that an account's API keys may make together, and its signed-in people besides. One more is "
              "answered 429 rate_limited. Requests that send mail are counted apart: the plan's rate where it is higher, or ten "
              "times this number where the plan has no rate."},
     &S::http_requests_per_second},
    {{.name = "http_cors_origins", .group = "HTTP service", .type = TextList, .default_value = "",
      .help = "Origins whose web pages may call the HTTP API from a browser (CORS): \"https://app.example.org\", or \"*\" for any. "
              "Empty: none. A key that a page holds is everybody's: give such pages session tokens or keys that may do little."},
     &S::http_cors_origins},
    {{.name = "http_trusted_proxies", .group = "HTTP service", .type = TextList, .default_value = "",
      .help = "Networks of HTTP proxies, as CIDR, that end TLS and name the client in http_forwarded_field. That client counts "
              "as the peer; its connection counts as one with TLS if they say https. Empty: nobody's word is taken. The PROXY "
              "protocol is another thing: proxy_networks of [[http_listener]]."},
     &S::http_trusted_proxies},
    {{.name = "http_forwarded_field", .group = "HTTP service", .default_value = "x-forwarded-for",
      .choices = "x-forwarded-for|forwarded",
      .help = "The field that http_trusted_proxies set: \"x-forwarded-for\" (with X-Forwarded-Proto) or \"forwarded\" "
              "(RFC 7239). The other one is ignored, for clients can write it."},
     &S::http_forwarded_field},
    {{.name = "http_dashboard", .group = "HTTP service", .default_value = "auto", .choices = "auto|on|off",
      .help = "Whether the dashboard is served at / of the HTTP listeners. \"auto\": in development, not in production."},
     &S::http_dashboard},
    {{.name = "http_hosts", .group = "HTTP service", .type = TextList, .default_value = "",
      .help = "Names by which browsers may call the dashboard, beside hostname and public_url: \"relay.example.org\". IP addresses "
              "and localhost are always. Under another name a page is answered 421 misdirected_request, for somebody else may have "
              "let that name point here (DNS rebinding)."},
     &S::http_hosts},
    {{.name = "http_dashboard_dir", .group = "HTTP service", .type = Path, .default_value = "",
      .help = "Folder from which the dashboard's files are read for each request, for who works on them. Empty: those of the "
              "program. Only in development."},
     &S::http_dashboard_dir},
    {{.name = "http_metrics_token_file", .group = "HTTP service", .type = Path, .default_value = "",
      .help = "File whose first line is the token that /metrics asks for as \"Authorization: Bearer TOKEN\", on this machine "
              "too. Empty: without a token, and for clients on this machine only."},
     &S::http_metrics_token_file},
    {{.name = "signup", .group = "HTTP service", .default_value = "closed", .choices = "closed|open", .is_reloadable = false,
      .help = "\"open\": anybody who reaches the HTTP service can make an account (in sandbox mode) with an e-mail address and a "
              "password. \"closed\": only the operator makes accounts and users."},
     &S::signup},
    {{.name = "signup_confirms_addresses", .group = "HTTP service", .default_value = "auto", .choices = "auto|yes|no",
      .help = "Whether an account that signed up by itself reaches only addresses that agreed, its user's own included: each gets "
              "one mail with a link and a code, and counts as whitelisted once it has answered. What an operator adds needs none "
              "of it. \"auto\": in production, not in development."},
     &S::signup_confirms_addresses},
    {{.name = "signup_mails_per_day", .group = "HTTP service", .type = Integer, .default_value = "10", .unit = "mails",
      .minimum = 0, .maximum = 10'000,
      .help = "Such mails that one account can cause on a UTC day, those to addresses that it removed again included."},
     &S::signup_mails_per_day},
    {{.name = "signup_recipients_per_day", .group = "HTTP service", .type = Integer, .default_value = "100", .unit = "recipients",
      .minimum = 0, .maximum = 1'000'000'000,
      .help = "Quota a UTC day on the plan of an account that signs up by itself; an operator can change it."},
     &S::signup_recipients_per_day},
    {{.name = "signup_recipients_per_month", .group = "HTTP service", .type = Integer, .default_value = "1000",
      .unit = "recipients", .minimum = 0, .maximum = 1'000'000'000,
      .help = "Quota a UTC month on the plan of an account that signs up by itself."},
     &S::signup_recipients_per_month},
    {{.name = "public_url", .group = "HTTP service",
      .help = "What links in mails and to attachments begin with, such as \"https://mail.example.org\", without a slash at its "
              "end. Empty: https:// and the hostname."},
     &S::public_url},
    {{.name = "session_token_lifetime_minutes", .group = "HTTP service", .type = Integer, .default_value = "60", .unit = "minutes",
      .minimum = 1, .maximum = 1'440,
      .help = "How long a user stays signed in. Signing out, a new password and removing the user end it before."},
     &S::session_token_lifetime_minutes},
    {{.name = "session_key_lifetime_hours", .group = "HTTP service", .type = Integer, .default_value = "720", .unit = "hours",
      .minimum = 24, .maximum = 8'760,
      .help = "How long one key signs session tokens. Then a new one does, and its predecessor still verifies until "
              "the next change."},
     &S::session_key_lifetime_hours},
    {{.name = "webhook_allow_http", .group = "HTTP service", .type = Boolean, .default_value = "false",
      .help = "Lets webhooks have http: URLs, whose events travel in the clear."},
     &S::webhook_allow_http},
    {{.name = "webhook_allowed_networks", .group = "HTTP service", .type = TextList, .default_value = "",
      .help = "Networks that webhooks may reach although they are not public, as CIDR: \"192.0.2.0/24\". Without any, no webhook "
              "gets to loopback, link-local or private addresses."},
     &S::webhook_allowed_networks},
    {{.name = "webhook_ports", .group = "HTTP service", .type = TextList, .default_value = "",
      .help = "Ports that webhooks may go to, as a number or a range: \"443\", \"8000-8999\". Empty: 80, 443 and all above 1023. "
              "Below, what listens is no web server."},
     &S::webhook_ports},

    // --- DNS ---
    {{.name = "resolver_addresses", .group = "DNS", .type = TextList, .default_value = "",
      .help = "DNS servers that are asked for next hops, webhooks and the records of sending domains: an IP address each, with "
              "\"@\" and a port where it is not 53, such as \"127.0.0.1@5353\". Empty: those of /etc/resolv.conf, which is "
              "followed when it changes. Names of /etc/hosts are taken from there."},
     &S::resolver_addresses},
    {{.name = "resolver_timeout_seconds", .group = "DNS", .type = Integer, .default_value = "5", .unit = "seconds", .minimum = 1,
      .maximum = 60,
      .help = "How long one look-up may take; of a next hop, as long as a connection to it. Two without an answer end the "
              "verification of a domain."},
     &S::resolver_timeout_seconds},
    {{.name = "resolver_trust_anchor_file", .group = "DNS", .type = Path, .default_value = "/usr/share/dns/root.key",
      .help = "The root's keys (DS or DNSKEY records), from which answers are validated by DNSSEC: what is forged counts as no "
              "answer. Debian has the file in dns-root-data. Where it is not there, or \"\", nothing is validated: that is for "
              "name servers that leave signatures out, with which no signed name would have an address."},
     &S::resolver_trust_anchor_file},
    {{.name = "allow_special_destinations", .group = "DNS", .type = Boolean, .default_value = "false",
      .help = "Whether mail may be delivered to mail hosts whose addresses are not public: private, loopback, documentation. For "
              "laboratories; refused unless environment = \"development\"."},
     &S::allow_special_destinations},
    {{.name = "tls_report_from", .group = "DNS", .default_value = "",
      .help = "Address that reports on TLS (RFC 8460) come from: \"tls-reports@example.org\". With it each domain that asks for "
              "them in its _smtp._tls record is told once a day, after midnight UTC, how TLS with its mail hosts went. Signed "
              "where an account has verified the address's domain. Empty: nobody is told."},
     &S::tls_report_from},
    {{.name = "tls_report_spread_minutes", .group = "DNS", .type = Integer, .default_value = "240", 
      .unit = "minutes", .maximum = 1200,
      .help = "How long after midnight UTC the day's reports begin at the latest; the same each time for a hostname "
                               "and a day, so that not everybody's begin at once."},
     &S::tls_report_spread_minutes},
    {{.name = "egress_pool", .group = "DNS", .default_value = "", .is_reloadable = true,
      .help = "Name of the [[egress_pool]] that mail leaves from where there is no [[route]]; a route has a key of its own. Empty: "
              "the machine chooses the address."},
     &S::egress_pool},
    {{.name = "shaping_file", .group = "DNS", .type = Path, .default_value = "", .is_reloadable = true,
      .help = "File that says how much at once large providers take on routes with deliver = \"mx\", and which of their replies "
              "ask for less; conf/shaping.toml is one, with its sources. Empty: max_connections of the route is the only bound."},
     &S::shaping_file},

    // --- Store ---
    {{.name = "spool_max_octets", .group = "Store", .type = Integer, .default_value = "68719476736", .unit = "octets",
      .minimum = 16 * kMebibyte, .maximum = 1024 * kGibibyte,
      .help = "Size of the spool above which new mail is answered 452 storage_full."},
     &S::spool_max_octets},
    {{.name = "spool_min_free_octets", .group = "Store", .type = Integer, .default_value = "536870912", .unit = "octets",
      .maximum = 1024 * kGibibyte,
      .help = "Free space on the disk below which new mail is answered 452 storage_full, so that what is queued can still be "
              "settled."},
     &S::spool_min_free_octets},
    {{.name = "settled_retention_hours", .group = "Store", .type = Integer, .default_value = "168", .unit = "hours",
      .minimum = 1, .maximum = kManyYearsInHours,
      .help = "How long the record of a finished message (not its content) can be listed."},
     &S::settled_retention_hours},
    {{.name = "settled_max_messages", .group = "Store", .type = Integer, .default_value = "1000000", .unit = "messages",
      .minimum = 1, .maximum = 1'000'000'000,
      .help = "Records of finished messages kept at most; who has the most loses its oldest first."},
     &S::settled_max_messages},
    {{.name = "event_retention_days", .group = "Store", .type = Integer, .default_value = "30", .unit = "days", .minimum = 1,
      .maximum = 36'500,
      .help = "How long events are kept."},
     &S::event_retention_days},
    {{.name = "event_max_count", .group = "Store", .type = Integer, .default_value = "10000000", .unit = "events",
      .minimum = 1000, .maximum = 10'000'000'000,
      .help = "Events kept at most; who has the most loses its oldest first."},
     &S::event_max_count},

    // --- Cluster ---
    {{.name = "cluster_database", .group = "Cluster", .type = Password, .default_value = "",
      .help = "Connection string of the PostgreSQL database through which several machines share accounts, keys, domains and "
              "suppressions, as libpq reads it: \"host=db1,db2 dbname=postern user=postern sslmode=verify-full\". Empty: one "
              "machine (docs/cluster.md)."},
     &S::cluster_database},
    {{.name = "cluster_node", .group = "Cluster", .default_value = "",
      .help = "Name of this machine among the nodes of the cluster. Empty: hostname."},
     &S::cluster_node},

    // --- Queue ---
    {{.name = "queue_lifetime_hours", .group = "Queue", .type = Integer, .default_value = "120", .unit = "hours", .minimum = 1,
      .maximum = 8760,
      .help = "How long delivery of a message is attempted before it is given up and reported to its sender "
              "(RFC 5321 §4.5.4.1: 4 to 5 days)."},
     &S::queue_lifetime_hours},
    {{.name = "retry_initial_seconds", .group = "Queue", .type = Integer, .default_value = "60", .unit = "seconds",
      .minimum = 1, .maximum = 86'400,
      .help = "Wait after the first temporary failure. Each further failure doubles it, up to retry_max_seconds."},
     &S::retry_initial_seconds},
    {{.name = "retry_max_seconds", .group = "Queue", .type = Integer, .default_value = "3600", .unit = "seconds",
      .minimum = 1, .maximum = 604'800,
      .help = "Longest wait between two attempts."},
     &S::retry_max_seconds},
    {{.name = "delay_notice_hours", .group = "Queue", .type = Integer, .default_value = "4", .unit = "hours", .maximum = 8760,
      .help = "Age at which a sender who asked for it (NOTIFY=DELAY) is told that a message is late. 0: never."},
     &S::delay_notice_hours},

    // --- Log ---
    {{.name = "log_level", .group = "Log", .default_value = "info", .choices = "debug|info|warning|error",
      .help = "Least important line that is written."},
     &S::log_level},
    {{.name = "log_format", .group = "Log", .default_value = "logfmt", .choices = "logfmt|json",
      .help = "One line a fact: \"logfmt\" is key=value, \"json\" an object."},
     &S::log_format},
    {{.name = "log_file", .group = "Log", .type = Path, .default_value = "",
      .help = "File that the log is appended to, opened afresh at SIGHUP. Empty: standard error, which systemd's journal takes."},
     &S::log_file},
    {{.name = "metrics_file", .group = "Log", .type = Path, .default_value = "",
      .help = "File that the metrics are written to every 15 seconds, for node_exporter's textfile collector: "
              "\"/var/lib/prometheus/node-exporter/postern.prom\". Empty: none; they are at /metrics of an HTTP listener in any "
              "case."},
     &S::metrics_file},
};

constexpr ConfigKey<ListenerSettings> kListenerKeys[] = {
    {{.name = "address", .group = "Listener", .default_value = "*",
      .help = "IP address to listen on. \"*\": every address, IPv6 and IPv4."},
     &L::address},
    {{.name = "port", .group = "Listener", .type = Integer, .minimum = 1, .maximum = 65'535, .is_required = true,
      .help = "TCP port: 587 for submission, 465 for submission with implicit TLS (RFC 8314)."},
     &L::port},
    {{.name = "role", .group = "Listener", .default_value = "submission", .choices = "submission|mx",
      .help = "\"submission\": clients authenticate with a key. \"mx\": port 25; strangers bring mail for return paths of ours and "
              "for domains that receive here, nobody authenticates, nothing is relayed."},
     &L::role},
    {{.name = "tls", .group = "Listener", .default_value = "starttls", .choices = "starttls|implicit|none",
      .help = "\"implicit\": TLS from the first octet. \"starttls\": offered, and required before AUTH. \"none\": never."},
     &L::tls},
    {{.name = "allow_auth_without_tls", .group = "Listener", .type = Boolean, .default_value = "false",
      .help = "Offers AUTH in the clear. Refused on an address that is not loopback."},
     &L::allow_auth_without_tls},
    {{.name = "run", .group = "Listener", .default_value = "",
      .help = "\"account/run\": the test run whose script is asked at connect and ehlo, before AUTH says which run it is."},
     &L::run},
    {{.name = "tls_certificate_file", .group = "Listener", .type = Path, .default_value = "", .is_reloadable = true,
      .help = "Certificate and chain of this listener in place of the installation's."},
     &L::tls_certificate_file},
    {{.name = "tls_key_file", .group = "Listener", .type = Path, .default_value = "", .is_reloadable = true,
      .help = "Private key of the listener's own certificate."},
     &L::tls_key_file},
    {{.name = "proxy_networks", .group = "Listener", .type = TextList, .default_value = "",
      .help = "Networks of the proxies in front of this listener, as CIDR: \"192.0.2.0/24\". They must send a PROXY header "
              "(version 1 or 2) first, which names the client; connections from anywhere else are refused. Empty: clients "
              "connect directly."},
     &L::proxy_networks},
};

constexpr ConfigKey<HttpListenerSettings> kHttpListenerKeys[] = {
    {{.name = "address", .group = "HTTP listener", .default_value = "*",
      .help = "IP address to listen on, or \"*\" for every address of both families."},
     &H::address},
    {{.name = "port", .group = "HTTP listener", .type = Integer, .default_value = "443", .maximum = 65'535,
      .help = "TCP port. 0 takes a free one."},
     &H::port},
    {{.name = "tls", .group = "HTTP listener", .default_value = "implicit", .choices = "implicit|none",
      .help = "\"implicit\": HTTPS. \"none\": plain HTTP, on loopback only; a request from anywhere else would be refused with "
              "tls_required."},
     &H::tls},
    {{.name = "tls_certificate_file", .group = "HTTP listener", .type = Path, .default_value = "", .is_reloadable = true,
      .help = "PEM file with this listener's certificate and chain. Empty: the installation's."},
     &H::tls_certificate_file},
    {{.name = "tls_key_file", .group = "HTTP listener", .type = Path, .default_value = "", .is_reloadable = true,
      .help = "PEM file with the private key of it."},
     &H::tls_key_file},
    {{.name = "proxy_networks", .group = "HTTP listener", .type = TextList, .default_value = "",
      .help = "Networks of the proxies in front of this listener, which must send a PROXY header. As with [[listener]]."},
     &H::proxy_networks},
};

// Text → member. The table's own defaults are right by a test; a wrong number would show there as zero.
struct SetDefault {
  std::string_view text;

  void operator()(std::string& member) const { member = text; }
  void operator()(std::int64_t& member) const { std::from_chars(text.data(), text.data() + text.size(), member); }
  void operator()(bool& member) const { member = text == "true"; }
  void operator()(std::vector<std::string>& member) const { member.clear(); }
  void operator()(Secret& member) const { member = Secret(); }
};

template <class T, std::size_t N>
T make_default(const ConfigKey<T> (&keys)[N]) {
  T values;
  for (const auto& key : keys) {
    std::visit([&](auto member) { SetDefault{key.info.default_value}(values.*member); }, key.member);
  }
  return values;
}

struct FormatValue {
  std::string operator()(const std::string& value) const { return quote_toml(value); }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(const Secret& value) const { return value.empty() ? "\"\"" : "(hidden)"; }
  std::string operator()(const std::vector<std::string>& values) const {
    std::string text = "[";
    for (const auto& value : values) text += (text.size() > 1 ? ", " : "") + quote_toml(value);
    return text + "]";
  }
};

std::string describe_range(const KeyInfo& key) {
  const std::string low = std::to_string(key.minimum);
  if (key.maximum == std::numeric_limits<std::int64_t>::max()) return low + " or more";
  return low + " to " + std::to_string(key.maximum);
}

}  // namespace

std::span<const ConfigKey<Settings>> top_keys() { return kTopKeys; }
std::span<const ConfigKey<ListenerSettings>> listener_keys() { return kListenerKeys; }
std::span<const ConfigKey<HttpListenerSettings>> http_listener_keys() { return kHttpListenerKeys; }
std::span<const ConfigKey<RouteSettings>> route_keys() { return kRouteKeys; }
std::span<const ConfigKey<EgressSourceSettings>> egress_source_keys() { return kEgressSourceKeys; }
std::span<const ConfigKey<EgressPoolSettings>> egress_pool_keys() { return kEgressPoolKeys; }

namespace {

template <class T>
KeyTable key_table(std::string_view name, std::span<const ConfigKey<T>> keys) {
  KeyTable table{name, {}};
  for (const auto& key : keys) table.keys.push_back(&key.info);
  return table;
}

}  // namespace

std::vector<KeyTable> key_tables() {
  return {key_table({}, top_keys()), key_table("listener", listener_keys()), key_table("http_listener", http_listener_keys()),
          key_table("route", route_keys()), key_table("egress_source", egress_source_keys()),
          key_table("egress_pool", egress_pool_keys())};
}

Settings default_settings() { return make_default(kTopKeys); }
ListenerSettings default_listener() { return make_default(kListenerKeys); }
HttpListenerSettings default_http_listener() { return make_default(kHttpListenerKeys); }
RouteSettings default_route() { return make_default(kRouteKeys); }
EgressSourceSettings default_egress_source() { return make_default(kEgressSourceKeys); }
EgressPoolSettings default_egress_pool() { return make_default(kEgressPoolKeys); }

template <class T>
std::string format_toml_value(const ConfigKey<T>& key, const T& values) {
  return std::visit([&](auto member) { return FormatValue{}(values.*member); }, key.member);
}
template std::string format_toml_value(const ConfigKey<Settings>&, const Settings&);
template std::string format_toml_value(const ConfigKey<ListenerSettings>&, const ListenerSettings&);
template std::string format_toml_value(const ConfigKey<HttpListenerSettings>&, const HttpListenerSettings&);
template std::string format_toml_value(const ConfigKey<RouteSettings>&, const RouteSettings&);
template std::string format_toml_value(const ConfigKey<EgressSourceSettings>&, const EgressSourceSettings&);
template std::string format_toml_value(const ConfigKey<EgressPoolSettings>&, const EgressPoolSettings&);

std::string quote_toml(std::string_view text) {
  static constexpr std::string_view kHexDigits = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (octet < 0x20 || octet == 0x7f) {
      quoted += "\\u00";
      quoted += kHexDigits[octet >> 4];
      quoted += kHexDigits[octet & 15];
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string describe_values(const KeyInfo& key) {
  if (key.type == Integer) {
    return key.unit.empty() ? describe_range(key) : std::string(key.unit) + ", " + describe_range(key);
  }
  if (key.type == Boolean) return "true or false";
  if (key.choices.empty()) return {};
  std::string words = "one of ";
  for (const char c : key.choices) words += c == '|' ? std::string(", ") : std::string(1, c);
  return words;
}

}  // namespace postern::app
