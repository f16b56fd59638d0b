#include "app/config_text.h"

#include "app/command_reference.h"
#include "app/config_environment.h"
#include "app/config_keys.h"

namespace postern::app {
namespace {

constexpr std::size_t kLineOctets = 100;

// Breaks `text` at blanks; every line begins with `prefix`.
std::string wrap(std::string_view text, std::string_view prefix) {
  std::string result;
  while (!text.empty()) {
    std::size_t end = text.size();
    if (prefix.size() + end > kLineOctets) {
      end = text.rfind(' ', kLineOctets - prefix.size());
      if (end == std::string_view::npos) end = text.size();
    }
    result.append(prefix).append(text.substr(0, end)).append("\n");
    text.remove_prefix(end == text.size() ? end : end + 1);
  }
  return result;
}

template <class T>
std::string template_entry(const ConfigKey<T>& key, const T& defaults) {
  std::string text = wrap(key.info.help, "# ");
  std::string facts = describe_values(key.info);
  if (key.info.is_required) facts += facts.empty() ? "required" : "; required";
  if (key.info.is_reloadable) facts += facts.empty() ? "taken over at SIGHUP" : "; taken over at SIGHUP";
  if (!facts.empty()) text += wrap(facts, "# ");
  return text + "#" + std::string(key.info.name) + " = " + format_toml_value(key, defaults) + "\n\n";
}

template <class T>
std::string template_entries(std::span<const ConfigKey<T>> keys, const T& defaults) {
  std::string text;
  std::string_view group;
  for (const auto& key : keys) {
    if (key.info.group != group) text += "# --- " + std::string(key.info.group) + " ---\n\n";
    group = key.info.group;
    text += template_entry(key, defaults);
  }
  return text;
}

std::string reference_default(const KeyInfo& key, std::string_view toml) {
  if (key.is_required) return "required";
  return toml == "\"\"" ? "empty" : "`" + std::string(toml) + "`";
}

template <class T>
std::string reference_entries(std::span<const ConfigKey<T>> keys, const T& defaults, std::string_view table = {}) {
  std::string text;
  std::string_view group;
  for (const auto& key : keys) {
    if (key.info.group != group) text += "## " + std::string(key.info.group) + "\n\n";
    group = key.info.group;
    const auto values = describe_values(key.info);
    text += "### `" + std::string(key.info.name) + "`\n\n" + wrap(key.info.help, "") + "\n";
    text += "Default: " + reference_default(key.info, format_toml_value(key, defaults)) + ".";
    if (!values.empty()) text += " Values: " + values + ".";
    if (key.info.is_reloadable) text += " Taken over at SIGHUP.";
    text += " Variable: `" + variable_name(table, 1, key.info.name) + "`.\n\n";
  }
  return text;
}

template <class T>
std::string man_entries(std::span<const ConfigKey<T>> keys, const T& defaults) {
  std::string text;
  for (const auto& key : keys) {
    const std::string values = describe_values(key.info);
    text += ".TP\n\\fB" + man_text(key.info.name) + "\\fR\n" + man_text(key.info.help) + "\n";
    const std::string value = key.info.is_required ? "required" : format_toml_value(key, defaults);
    text += man_text("Default: " + (value == "\"\"" ? "empty" : value) + ".") + "\n";
    if (!values.empty()) text += man_text("Values: " + values + ".") + "\n";
    if (key.info.is_reloadable) text += "Taken over at SIGHUP.\n";
  }
  return text;
}

template <class T>
std::string list_entries(std::span<const ConfigKey<T>> keys, const T& values) {
  std::string text;
  for (const auto& key : keys) {
    const auto value = format_toml_value(key, values);
    const bool is_hidden = key.info.type == KeyType::Password && value != "\"\"";
    text += (is_hidden ? "# " : "") + std::string(key.info.name) + " = " + value + "\n";
  }
  return text;
}

}  // namespace

std::string make_config_template() {
  return "# Postern's configuration: every key with its meaning and its default. A key that is not set has the default;\n"
         "# an unknown key is an error. `postern config check` tells everything that is wrong at once.\n"
         "# Relative paths are taken from the folder of this file.\n\n" +
         template_entries(top_keys(), default_settings()) +
         "# --- Listeners: one table each ---\n"
         "# Without any: 587 with STARTTLS and 465 with implicit TLS on every address; in development 2525 (AUTH in the\n"
         "# clear, no TLS), 2587 (STARTTLS) and 2465 (implicit TLS) on 127.0.0.1 and ::1.\n\n#[[listener]]\n\n" +
         template_entries(listener_keys(), default_listener()) +
         "# --- HTTP listeners: one table each ---\n"
         "# Without any there is no HTTP service; a development file without any listener at all gets 8025 (plain) and 8443\n"
         "# (HTTPS) on 127.0.0.1 and ::1.\n\n"
         "#[[http_listener]]\n\n" +
         template_entries(http_listener_keys(), default_http_listener()) +
         "# --- Routes: one table for each next hop, the first that matches a recipient's domain is taken ---\n\n"
         "#[[route]]\n\n" +
         template_entries(route_keys(), default_route()) +
         "# --- Egress sources: one table for each address, or pair of addresses, that mail leaves from ---\n\n"
         "#[[egress_source]]\n\n" +
         template_entries(egress_source_keys(), default_egress_source()) +
         "# --- Egress pools: sources with weights, and whose mail leaves from them ---\n\n"
         "#[[egress_pool]]\n\n" +
         template_entries(egress_pool_keys(), default_egress_pool());
}

std::string make_config_reference() {
  return "# Configuration\n\n"
         "Made from the table of keys in `app/config_keys.cc` by `postern docs configuration`; a test compares the two.\n\n"
         "Postern reads one TOML file: `--config FILE`, else the environment variable `POSTERN_CONFIG`, else\n"
         "`/etc/postern/postern.toml`. Unknown keys are errors, and `postern config check` tells all errors at once. Relative\n"
         "paths are taken from the folder of the file. `postern config template` prints a file with every key, and\n"
         "`postern config show` the values in force. A key that is not taken over at SIGHUP needs a restart.\n\n"
         "An environment variable stands in place of what the file says, so that a container needs no file of its own:\n"
         "`POSTERN_HOSTNAME` for `hostname`, `POSTERN_ROUTE_2_HOST` for `host` of the second `[[route]]` table, counted from 1;\n"
         "the next number makes another table. A list is written with commas. An empty variable is none. Secrets belong into\n"
         "files (`password_file`): other processes of the same user, and who may inspect a container, can read variables.\n\n" +
         reference_entries(top_keys(), default_settings()) +
         "# `[[listener]]` tables\n\n"
         "One for each address and port. Without any, production listens on 587 (STARTTLS) and 465 (implicit TLS) on every\n"
         "address, development on 2525 (AUTH in the clear, no TLS), 2587 (STARTTLS) and 2465 (implicit TLS) on 127.0.0.1 and\n"
         "::1.\n\n" +
         reference_entries(listener_keys(), default_listener(), "listener") +
         "# `[[http_listener]]` tables\n\n"
         "One for each address and port of the HTTP service. Without any there is none; a development file without any listener\n"
         "at all gets 8025 (plain) and 8443 (HTTPS) on 127.0.0.1 and ::1.\n\n" +
         reference_entries(http_listener_keys(), default_http_listener(), "http_listener") +
         "# `[[route]]` tables\n\n"
         "The first that matches a recipient's domain is taken; live mail for a domain without a route is refused at RCPT with\n"
         "`no_route`. Without any table production delivers to each domain's own mail hosts (`deliver = \"mx\"` for \"*\").\n"
         "All of a route is taken over at SIGHUP.\n\n" +
         reference_entries(route_keys(), default_route(), "route") +
         "# `[[egress_source]]` tables\n\n"
         "One for each address, or pair of an IPv4 and an IPv6 address, that mail leaves from (docs/delivery.md). All of it is\n"
         "taken over at SIGHUP.\n\n" +
         reference_entries(egress_source_keys(), default_egress_source(), "egress_source") +
         "# `[[egress_pool]]` tables\n\n"
         "Sources with weights. A pool is taken by a route's `egress_pool`, or in its place by the tag, key or account of the\n"
         "message.\n\n" +
         reference_entries(egress_pool_keys(), default_egress_pool(), "egress_pool");
}

std::string make_config_man_page() {
  return ".\\\" Made by `postern docs man-configuration`.\n"
         ".TH POSTERN.TOML 5 \"\" \"postern\" \"Postern\"\n.SH NAME\npostern.toml \\- configuration of postern(1)\n"
         ".SH DESCRIPTION\nA TOML file. Unknown keys are errors; postern config check tells everything that is wrong at once.\n"
         "Relative paths are taken from the folder of the file.\nAn environment variable stands in place of what the file says:\n"
         ".B POSTERN_HOSTNAME\nfor hostname,\n.B POSTERN_ROUTE_2_HOST\nfor host of the second [[route]] table.\n.SH KEYS\n" +
         man_entries(top_keys(), default_settings()) + ".SH \"[[LISTENER]]\"\nOne table for each address and port.\n" +
         man_entries(listener_keys(), default_listener()) +
         ".SH \"[[HTTP_LISTENER]]\"\nOne table for each address and port of the HTTP service.\n" +
         man_entries(http_listener_keys(), default_http_listener()) +
         ".SH \"[[ROUTE]]\"\nOne table for each next hop; the first that matches a recipient's domain is taken.\n" +
         man_entries(route_keys(), default_route()) +
         ".SH \"[[EGRESS_SOURCE]]\"\nOne table for each address, or pair of addresses, that mail leaves from.\n" +
         man_entries(egress_source_keys(), default_egress_source()) +
         ".SH \"[[EGRESS_POOL]]\"\nSources with weights, and whose mail leaves from them.\n" +
         man_entries(egress_pool_keys(), default_egress_pool()) + ".SH SEE ALSO\npostern(1)\n";
}

std::string make_config_listing(const Settings& settings) {
  std::string text = list_entries(top_keys(), settings);
  for (const auto& listener : settings.listeners) text += "\n[[listener]]\n" + list_entries(listener_keys(), listener);
  for (const auto& listener : settings.http_listeners) {
    text += "\n[[http_listener]]\n" + list_entries(http_listener_keys(), listener);
  }
  for (const auto& route : settings.routes) text += "\n[[route]]\n" + list_entries(route_keys(), route);
  for (const auto& source : settings.egress_sources) text += "\n[[egress_source]]\n" + list_entries(egress_source_keys(), source);
  for (const auto& pool : settings.egress_pools) text += "\n[[egress_pool]]\n" + list_entries(egress_pool_keys(), pool);
  return text;
}

}  // namespace postern::app
