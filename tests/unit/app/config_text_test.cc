// What is made from the table of keys, and the files in the source tree that must equal it.
#include "app/config.h"
#include "app/config_keys.h"
#include "app/config_text.h"

#include <fstream>
#include <set>
#include <sstream>

namespace postern::app {
namespace {

using ::testing::HasSubstr;

std::string read_source(const std::string& path) {
  std::ifstream file(std::string(POSTERN_SOURCE_DIR) + "/" + path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The template with its keys (not its prose) no longer commented out.
std::string with_keys_set(const std::string& text) {
  std::istringstream lines(text);
  std::string result;
  for (std::string line; std::getline(lines, line);) {
    result += (line.starts_with("#") && !line.starts_with("# ") ? line.substr(1) : line) + "\n";
  }
  return result;
}

template <class T>
void expect_each_default_listed(const std::string& text, std::span<const ConfigKey<T>> keys, const T& defaults) {
  for (const auto& key : keys) {
    EXPECT_THAT(text, HasSubstr("\n#" + std::string(key.info.name) + " = " + format_toml_value(key, defaults) + "\n"));
  }
}

TEST(ConfigText, ShippedFileIsTheTemplate) { EXPECT_EQ(read_source("conf/postern.toml"), make_config_template()); }
TEST(ConfigText, ShippedReferenceIsMadeFromTheTable) {
  EXPECT_EQ(read_source("docs/configuration.md"), make_config_reference());
}

TEST(ConfigText, TemplateListsEveryKeyWithItsDefault) {
  const auto text = make_config_template();
  expect_each_default_listed(text, top_keys(), default_settings());
  expect_each_default_listed(text, listener_keys(), default_listener());
  expect_each_default_listed(text, http_listener_keys(), default_http_listener());
  expect_each_default_listed(text, route_keys(), default_route());
  expect_each_default_listed(text, egress_source_keys(), default_egress_source());
  expect_each_default_listed(text, egress_pool_keys(), default_egress_pool());
}

TEST(ConfigText, TemplateGivesTheDefaultsWhenItsKeysAreSet) {
  const auto load = parse_config(with_keys_set(make_config_template()), "/var/lib/p.toml");
  for (const auto& key : top_keys()) {
    SCOPED_TRACE(key.info.name);
    EXPECT_EQ(format_toml_value(key, load.settings), format_toml_value(key, default_settings()));
  }
  for (const auto& problem : load.problems) {
    EXPECT_THAT(format_problem(problem), testing::Not(HasSubstr("is not a key"))) << "the template has an unknown key";
  }
}

TEST(ConfigText, CommentedTemplateLacksOnlyACertificateAndARoute) {
  const auto load = parse_config(make_config_template(), "/p.toml");
  for (const auto& problem : load.problems) {
    EXPECT_TRUE(problem.is_warning || problem.key == "tls_certificate_file") << format_problem(problem);
  }
}

TEST(ConfigText, ListingCanBeReadBackAndHidesPasswords) {
  const auto load = parse_config(
      "environment = \"development\"\nhostname = \"a.example.org\"\n[[route]]\nname = \"a\"\nhost = \"h.example.org\"\n"
      "domains = [\"x.org\", \".y.org\"]\ntls = \"required\"\nuser_name = \"u\\\"v\"\npassword = \"not a real one\"\n", "/p.toml");
  const auto listing = make_config_listing(load.settings);
  EXPECT_THAT(listing, testing::Not(HasSubstr("not a real one")));
  const auto again = parse_config(listing, "/p.toml");
  EXPECT_EQ(again.settings.hostname, "a.example.org");
  EXPECT_EQ(again.settings.routes.at(0).domains, load.settings.routes[0].domains);
  EXPECT_EQ(again.settings.routes[0].user_name, "u\"v");
  EXPECT_EQ(again.settings.listeners.size(), load.settings.listeners.size());
}

template <class T>
void expect_sound_rows(std::span<const ConfigKey<T>> keys) {
  std::set<std::string_view> names;
  for (const auto& key : keys) {
    SCOPED_TRACE(key.info.name);
    EXPECT_TRUE(names.insert(key.info.name).second) << "listed twice";
    EXPECT_FALSE(key.info.help.empty());
    if (key.info.type != KeyType::Integer || key.info.is_required) continue;
    const auto value = std::stoll(std::string(key.info.default_value));
    EXPECT_GE(value, key.info.minimum);
    EXPECT_LE(value, key.info.maximum);
  }
}

TEST(ConfigKeys, HaveHelpAndADefaultWithinTheirRange) {
  expect_sound_rows(top_keys());
  expect_sound_rows(listener_keys());
  expect_sound_rows(http_listener_keys());
  expect_sound_rows(route_keys());
  expect_sound_rows(egress_source_keys());
  expect_sound_rows(egress_pool_keys());
}

TEST(ConfigText, ShippedConfigurationsHaveNoProblem) {
  for (const char* name : {"conf/development.toml", "conf/sandbox.toml", "packaging/container/postern.toml"}) {
    const auto load = load_config(std::string(POSTERN_SOURCE_DIR) + "/" + name);
    for (const auto& problem : load.problems) ADD_FAILURE() << format_problem(problem);
    EXPECT_TRUE(load.settings.is_development());
  }
}

TEST(QuoteToml, EscapesWhatWouldEndOrBreakTheText) {
  EXPECT_EQ(quote_toml("a\"b\\c\n"), "\"a\\\"b\\\\c\\u000a\"");
  EXPECT_EQ(quote_toml(""), "\"\"");
}

}  // namespace
}  // namespace postern::app
