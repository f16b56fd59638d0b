#include "app/settings_change.h"

#include "app/config.h"

namespace postern::app {
namespace {

constexpr std::string_view kRunning = R"(
environment = "development"
max_connections = 100
max_connections_per_address = 10
hostname = "relay.example"
[[listener]]
address = "127.0.0.1"
port = 2525
[[listener]]
address = "127.0.0.1"
port = 2587
[[route]]
name = "hub"
domains = ["*"]
host = "hub.example"
user_name = "relay"
password = "one"
tls = "required"
)";

Settings settings_of(std::string_view text) {
  const ConfigLoad load = parse_config(text, "/etc/postern/postern.toml");
  EXPECT_TRUE(load.is_usable());
  return load.settings;
}

std::string replaced(std::string_view before, std::string_view after) {
  std::string text(kRunning);
  return text.replace(text.find(before), before.size(), after);
}

TEST(SettingsChange, SaysWhatIsTakenOverAndWhatWaits) {
  struct Row {
    std::string_view before;
    std::string_view after;
    std::string taken_over;
    std::string waiting;
  };
  const Row rows[] = {
      {"max_connections = 100", "max_connections = 200", "max_connections", "-"},
      {"hostname = \"relay.example\"", "hostname = \"other.example\"", "-", "hostname"},
      {"port = 2587", "port = 2587\ntls_certificate_file = \"a\"\ntls_key_file = \"b\"",
       "[[listener]] 127.0.0.1:2587 tls_certificate_file, [[listener]] 127.0.0.1:2587 tls_key_file", "-"},
      {"port = 2587", "port = 2587\ntls = \"implicit\"", "-", "[[listener]] 127.0.0.1:2587 tls"},
      {"port = 2587", "port = 2588", "-", "[[listener]] 127.0.0.1:2587 (removed), [[listener]] 127.0.0.1:2588 (new)"},
      {"password = \"one\"", "password = \"two\"", "[[route]] hub", "-"},
      {"name = \"hub\"", "name = \"hop\"", "[[route]] hop, [[route]] hub (removed), [[route]] order", "-"},
      {"port = 2587", "port = 2587 # a remark", "-", "-"},
  };
  for (const Row& row : rows) {
    const SettingsChange change = compare_settings(settings_of(kRunning), settings_of(replaced(row.before, row.after)));
    EXPECT_EQ(joined(change.taken_over), row.taken_over) << row.after;
    EXPECT_EQ(joined(change.waiting), row.waiting) << row.after;
  }
}

TEST(SettingsChange, WhatWaitsIsSaidAgainAtTheNextReload) {
  Settings running = settings_of(kRunning);
  Settings now = settings_of(replaced("hostname = \"relay.example\"", "hostname = \"other.example\""));
  now.max_connections = 300;
  take_over_settings(running, now);
  EXPECT_EQ(running.max_connections, 300);
  const SettingsChange change = compare_settings(running, now);
  EXPECT_EQ(joined(change.taken_over), "-");
  EXPECT_EQ(joined(change.waiting), "hostname");
}

}  // namespace
}  // namespace postern::app
