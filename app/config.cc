#include "app/config.h"

#include "app/config_checks.h"
#include "app/config_environment.h"
#include "app/config_keys.h"
#include "app/egress_settings.h"
#include "app/toml_reader.h"
#include "core/nearest_word.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>
#include <utility>

namespace postern::app {
namespace {

constexpr std::uintmax_t kMaxFileOctets = 1'048'576;  // a larger file is not a configuration

// What an integer key is given where the file says "64 MiB" or 1.5.
std::string kind_wanted(KeyType type) {
  switch (type) {
    case KeyType::Integer: return "a whole number";
    case KeyType::Boolean: return "true or false, without quotes";
    case KeyType::TextList: return "a list of texts, such as [\"example.org\"]";
    case KeyType::Text:
    case KeyType::Path:
    case KeyType::Password: return "a text in double quotes";
  }
  return {};
}

bool is_choice(std::string_view choices, std::string_view word) {
  while (!choices.empty()) {
    const auto bar = choices.find('|');
    if (choices.substr(0, bar) == word) return true;
    choices = bar == std::string_view::npos ? std::string_view{} : choices.substr(bar + 1);
  }
  return false;
}

// Fills the members of one table's values from its entries.
template <class T>
class TableReader {
 public:
  TableReader(std::span<const ConfigKey<T>> keys, Problems& problems, const std::filesystem::path& folder)
      : keys_(keys), problems_(problems), folder_(folder) {}

  void read(const TomlTable& table, T& values) {
    table_line_ = table.line;
    for (const auto& entry : table.entries) read_entry(entry, values);
    for (const auto& key : keys_) {
      if (!key.info.is_required || seen_.contains(key.info.name)) continue;
      problems_.add({table_line_, std::string(key.info.name)}, "is missing", std::string(key.info.help));
    }
  }

 private:
  void read_entry(const TomlEntry& entry, T& values) {
    problems_.remember({table_line_, entry.key}, entry.line, entry.variable);
    for (const auto& key : keys_) {
      if (key.info.name != entry.key) continue;
      seen_.insert(key.info.name);
      std::visit([&](auto member) { assign(key.info, entry, values.*member); }, key.member);
      return;
    }
    report_unknown(entry);
  }

  void report_unknown(const TomlEntry& entry) {
    std::vector<std::string_view> names;
    for (const auto& key : keys_) names.push_back(key.info.name);
    const auto nearest = nearest_word(entry.key, names);
    problems_.add({table_line_, entry.key}, "is not a key of Postern",
                  nearest.empty() ? "remove it; `postern config template` lists every key"
                                  : "did you mean " + std::string(nearest) + "?");
  }

  void assign(const KeyInfo& key, const TomlEntry& entry, std::string& member) {
    const auto* text = std::get_if<std::string>(&entry.value);
    if (text == nullptr) return report_kind(key, entry);
    if (!key.choices.empty() && !is_choice(key.choices, *text)) {
      return problems_.add({table_line_, entry.key}, quote_toml(*text) + " is not a value of it",
                           "write " + describe_values(key));
    }
    if (text->find_first_of("\0\r\n", 0, 3) != std::string::npos) {
      return problems_.add({table_line_, entry.key}, "holds a line break or NUL", "write it on one line");
    }
    member = key.type == KeyType::Path ? resolve(*text) : *text;
  }

  void assign(const KeyInfo& key, const TomlEntry& entry, std::int64_t& member) {
    const auto* number = std::get_if<std::int64_t>(&entry.value);
    if (number == nullptr) return report_kind(key, entry);
    if (*number < key.minimum || *number > key.maximum) {
      return problems_.add({table_line_, entry.key},
                           std::to_string(*number) + (*number < key.minimum ? " is too small" : " is too large"),
                           "write " + describe_values(key));
    }
    member = *number;
  }

  void assign(const KeyInfo& key, const TomlEntry& entry, bool& member) {
    const auto* boolean = std::get_if<bool>(&entry.value);
    if (boolean == nullptr) return report_kind(key, entry);
    member = *boolean;
  }

  void assign(const KeyInfo& key, const TomlEntry& entry, std::vector<std::string>& member) {
    const auto* list = std::get_if<std::vector<std::string>>(&entry.value);
    if (list == nullptr) return report_kind(key, entry);
    member = *list;
  }

  void assign(const KeyInfo& key, const TomlEntry& entry, Secret& member) {
    const auto* text = std::get_if<std::string>(&entry.value);
    if (text == nullptr) return report_kind(key, entry);
    member = Secret(*text);
  }

  void report_kind(const KeyInfo& key, const TomlEntry& entry) {
    problems_.add({table_line_, entry.key}, "has a value of the wrong kind",
                  "write " + kind_wanted(key.type) + (key.unit.empty() ? "" : " (" + std::string(key.unit) + ")"));
  }

  std::string resolve(const std::string& path) const {
    return path.empty() ? path : (folder_ / path).lexically_normal().string();
  }

  std::span<const ConfigKey<T>> keys_;
  Problems& problems_;
  const std::filesystem::path& folder_;
  std::size_t table_line_ = 0;
  std::set<std::string_view> seen_;
};

// The first line of the file, without its line end; empty where `file` is, or with a problem.
Secret read_secret_file(const std::string& file, const Place& place, std::string_view what, Problems& problems) {
  if (file.empty()) return {};
  std::ifstream stream(file);
  std::string line;
  if (!stream || !std::getline(stream, line)) {
    problems.add(place, "cannot read " + file,
                 "make it a file with the " + std::string(what) + " in its first line, readable for the service");
    return {};
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (line.empty()) problems.add(place, file + " begins with an empty line", "put the " + std::string(what) + " there");
  struct stat facts {};
  if (::stat(file.c_str(), &facts) == 0 && (facts.st_mode & S_IROTH) != 0) {
    problems.warn(place, file + " can be read by every user of this machine", "chmod o-r it");
  }
  Secret secret(line);
  wipe_string(line);
  return secret;
}

ListenerSettings make_listener(std::string_view address, std::int64_t port, std::string_view tls) {
  ListenerSettings listener = default_listener();
  listener.address = address;
  listener.port = port;
  listener.tls = tls;
  return listener;
}

// What is listened on where the file has no [[listener]] table.
std::vector<ListenerSettings> default_listeners(bool is_development) {
  if (!is_development) return {make_listener("*", 587, "starttls"), make_listener("*", 465, "implicit")};
  std::vector<ListenerSettings> listeners;
  for (const std::string_view address : {"127.0.0.1", "::1"}) {
    listeners.push_back(make_listener(address, 2525, "none"));
    listeners.back().allow_auth_without_tls = true;
    listeners.push_back(make_listener(address, 2587, "starttls"));
    listeners.push_back(make_listener(address, 2465, "implicit"));
  }
  return listeners;
}

std::vector<HttpListenerSettings> development_http_listeners() {
  std::vector<HttpListenerSettings> listeners;
  for (const std::string_view address : {"127.0.0.1", "::1"}) {
    for (const auto& [port, tls] : {std::pair(8025, "none"), std::pair(8443, "implicit")}) {
      HttpListenerSettings& listener = listeners.emplace_back(default_http_listener());
      listener.address = address;
      listener.port = port;
      listener.tls = tls;
    }
  }
  return listeners;
}

// Whoever may write there could put another store into its place. One that is not there yet is made with mode 0700.
void refuse_open_data_dir(ConfigLoad& load, const std::filesystem::path& file) {
  const std::string& folder = load.settings.data_dir;
  struct stat facts {};
  if (::stat(folder.c_str(), &facts) != 0 || (facts.st_mode & (S_IWGRP | S_IWOTH)) == 0) return;
  load.problems.push_back({file.string(), 0, "data_dir", folder + " can be written to by others than its owner",
                           "chmod go-w " + folder, false});
}

void read_tables(const std::vector<TomlTable>& tables, Settings& settings, Problems& problems) {
  const auto& folder = problems.folder();
  TableReader(top_keys(), problems, folder).read(tables.front(), settings);
  for (std::size_t i = 1; i < tables.size(); ++i) {
    const TomlTable& table = tables[i];
    if (table.name == "listener") {
      settings.listeners.push_back(default_listener());
      settings.listeners.back().line = table.line;
      TableReader(listener_keys(), problems, folder).read(table, settings.listeners.back());
    } else if (table.name == "http_listener") {
      settings.http_listeners.push_back(default_http_listener());
      settings.http_listeners.back().line = table.line;
      TableReader(http_listener_keys(), problems, folder).read(table, settings.http_listeners.back());
    } else if (table.name == "route") {
      settings.routes.push_back(default_route());
      settings.routes.back().line = table.line;
      TableReader(route_keys(), problems, folder).read(table, settings.routes.back());
    } else if (table.name == "egress_source") {
      settings.egress_sources.push_back(default_egress_source());
      settings.egress_sources.back().line = table.line;
      TableReader(egress_source_keys(), problems, folder).read(table, settings.egress_sources.back());
    } else if (table.name == "egress_pool") {
      settings.egress_pools.push_back(default_egress_pool());
      settings.egress_pools.back().line = table.line;
      TableReader(egress_pool_keys(), problems, folder).read(table, settings.egress_pools.back());
    } else {
      problems.add({table.line, "[[" + table.name + "]]"}, "is not a table of Postern",
                   "use [[listener]], [[http_listener]], [[route]], [[egress_source]] or [[egress_pool]]");
    }
  }
}

}  // namespace

bool ConfigLoad::is_usable() const {
  return std::ranges::all_of(problems, &ConfigProblem::is_warning);
}

std::string format_problem(const ConfigProblem& problem) {
  std::string text = problem.file;
  if (problem.line != 0) text += ":" + std::to_string(problem.line);
  text += problem.is_warning ? ": warning: " : ": ";
  if (!problem.key.empty()) text += problem.key + ": ";
  text += problem.what;
  return problem.advice.empty() ? text : text + "; " + problem.advice;
}

ConfigLoad parse_config(std::string_view text, const std::filesystem::path& file, const Variables& variables) {
  ConfigLoad load{default_settings(), {}};
  Problems problems(file);
  auto read = read_toml(text);
  if (const auto* problem = std::get_if<TomlProblem>(&read)) {
    problems.add({problem->line, {}}, problem->what, "this line is not TOML; nothing below it was looked at");
    load.problems = problems.take();
    return load;
  }
  auto& tables = std::get<std::vector<TomlTable>>(read);
  apply_variables(variables, tables, problems);
  read_tables(tables, load.settings, problems);
  if (load.settings.is_development() && load.settings.listeners.empty() && load.settings.http_listeners.empty()) {
    load.settings.http_listeners = development_http_listeners();
  }
  if (load.settings.listeners.empty()) load.settings.listeners = default_listeners(load.settings.is_development());
  for (auto& route : load.settings.routes) {
    if (!route.password.empty() && !route.password_file.empty()) {
      problems.add({route.line, "password"}, "stands beside password_file", "keep one of the two");
    }
    Secret password = read_secret_file(route.password_file, {route.line, "password_file"}, "password", problems);
    if (route.password.empty()) route.password = std::move(password);
  }
  load.settings.http_metrics_token =
      read_secret_file(load.settings.http_metrics_token_file, {0, "http_metrics_token_file"}, "token", problems);
  check_settings(load.settings, problems);
  check_egress(load.settings, problems);
  load.problems = problems.take();
  return load;
}

ConfigLoad load_config(const std::filesystem::path& file) {
  const auto absolute = std::filesystem::absolute(file);
  const auto fail = [&](std::string what) {
    ConfigLoad load{default_settings(), {}};
    load.problems.push_back({file.string(), 0, {}, std::move(what),
                             "name the file with --config or POSTERN_CONFIG; `postern config template` prints one", false});
    return load;
  };
  std::error_code error;
  const auto octets = std::filesystem::file_size(absolute, error);
  if (error) return fail(error.message());
  if (octets > kMaxFileOctets) return fail("is too large for a configuration file");
  std::ifstream stream(absolute, std::ios::binary);
  std::ostringstream text;
  if (!stream || !(text << stream.rdbuf())) {
    if (octets != 0) return fail(std::strerror(errno));
  }
  const Variables variables = process_variables();
  ConfigLoad load = parse_config(text.str(), absolute, variables);
  refuse_open_data_dir(load, absolute);
  struct stat facts {};
  const bool is_world_readable = ::stat(absolute.c_str(), &facts) == 0 && (facts.st_mode & S_IROTH) != 0;
  std::size_t index = 0;
  for (const auto& route : load.settings.routes) {
    const std::string variable = variable_name("route", ++index, "password");
    const bool is_of_variable = std::ranges::find(variables, variable, &Variables::value_type::first) != variables.end();
    if (!is_world_readable || is_of_variable || route.password.empty() || !route.password_file.empty()) continue;
    load.problems.push_back({absolute.string(), route.line, "password", "can be read by every user of this machine",
                             "move it to a password_file, or chmod o-r the configuration", true});
  }
  return load;
}

}  // namespace postern::app
