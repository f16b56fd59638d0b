// Variables in place of the file: which key they mean, what they make of a value, and how a mistake is told.
#include "app/config_environment.h"

#include "app/config.h"
#include "app/config_keys.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <set>

namespace postern::app {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

ConfigLoad parse(std::string_view text, const Variables& variables) {
  return parse_config("environment = \"development\"\n" + std::string(text), "/etc/postern/postern.toml", variables);
}

std::vector<std::string> problems_of(std::string_view text, const Variables& variables) {
  std::vector<std::string> formatted;
  for (const auto& problem : parse(text, variables).problems) formatted.push_back(format_problem(problem));
  return formatted;
}

TEST(ConfigEnvironment, StandsInPlaceOfWhatTheFileSays) {
  const auto load = parse("hostname = \"file.example.org\"\nmax_recipients = 200\n",
                          {{"POSTERN_HOSTNAME", "variable.example.org"}, {"POSTERN_KEY_NAME_REQUIRED", "true"}});
  EXPECT_THAT(load.problems, IsEmpty());
  EXPECT_EQ(load.settings.hostname, "variable.example.org");
  EXPECT_EQ(load.settings.max_recipients, 200);
  EXPECT_TRUE(load.settings.key_name_required);
}

TEST(ConfigEnvironment, CountsTablesBehindThoseOfTheFile) {
  const std::string_view file =
      "[[listener]]\naddress = \"127.0.0.1\"\nport = 2525\ntls = \"starttls\"\n"
      "[[route]]\nname = \"one\"\ndomains = [\"a.example\"]\nhost = \"127.0.0.1\"\nport = 2526\ntls = \"none\"\n";
  const auto load = parse(file, {{"POSTERN_ROUTE_3_NAME", "three"},
                                 {"POSTERN_ROUTE_3_HOST", "127.0.0.1"},
                                 {"POSTERN_ROUTE_3_TLS", "none"},
                                 {"POSTERN_ROUTE_3_DOMAINS", "c.example, d.example"},
                                 {"POSTERN_ROUTE_2_NAME", "two"},
                                 {"POSTERN_ROUTE_2_HOST", "127.0.0.1"},
                                 {"POSTERN_ROUTE_2_TLS", "none"},
                                 {"POSTERN_ROUTE_2_DOMAINS", "b.example"},
                                 {"POSTERN_ROUTE_1_PORT", "2527"},
                                 {"POSTERN_HTTP_LISTENER_1_ADDRESS", "127.0.0.1"},
                                 {"POSTERN_HTTP_LISTENER_1_PORT", "8080"},
                                 {"POSTERN_HTTP_LISTENER_1_TLS", "none"}});
  for (const auto& problem : load.problems) ADD_FAILURE() << format_problem(problem);
  ASSERT_EQ(load.settings.routes.size(), 3u);
  EXPECT_EQ(load.settings.routes[0].name, "one");
  EXPECT_EQ(load.settings.routes[0].port, 2527);
  EXPECT_EQ(load.settings.routes[1].name, "two");
  EXPECT_EQ(load.settings.routes[2].name, "three");
  EXPECT_THAT(load.settings.routes[2].domains, ElementsAre("c.example", "d.example"));
  ASSERT_EQ(load.settings.http_listeners.size(), 1u);
  EXPECT_EQ(load.settings.http_listeners[0].port, 8080);
}

TEST(ConfigEnvironment, NamesTheVariableThatIsAtFault) {
  EXPECT_THAT(problems_of("", {{"POSTERN_MAX_RECIPIENTS", "many"}}),
              ElementsAre(AllOf(StartsWith("environment: POSTERN_MAX_RECIPIENTS: "), HasSubstr("a whole number"))));
  EXPECT_THAT(problems_of("", {{"POSTERN_MAX_RECIPIENTS", "1"}}),
              ElementsAre(StartsWith("environment: POSTERN_MAX_RECIPIENTS: 1 is too small")));
  EXPECT_THAT(problems_of("", {{"POSTERN_KEY_NAME_REQUIRED", "yes"}}),
              ElementsAre(AllOf(StartsWith("environment: POSTERN_KEY_NAME_REQUIRED: "), HasSubstr("true or false"))));
  EXPECT_THAT(problems_of("", {{"POSTERN_ROUTE_2_HOST", "two.example.org"}}),
              ElementsAre(AllOf(StartsWith("environment: POSTERN_ROUTE_2_HOST: there is no [[route]] table"),
                                HasSubstr("from 1"))));
  // What is missing in a table that a variable made has no line of a file.
  EXPECT_THAT(problems_of("", {{"POSTERN_LISTENER_1_TLS", "starttls"}}),
              ElementsAre(StartsWith("environment: port: is missing")));
}

TEST(ConfigEnvironment, WarnsOfANameThatIsNearlyOneAndLetsOthersAlone) {
  const auto load = parse("", {{"POSTERN_HOSTNAM", "a.example.org"},
                               {"POSTERN_PORT", "tcp://10.0.0.1:587"},
                               {"POSTERN_SERVICE_HOST", "10.0.0.1"},
                               {"POSTERN_ROUTE_0_HOST", "a.example.org"},
                               {"POSTERN_ROUTE_1000_HOST", "a.example.org"}});
  ASSERT_EQ(load.problems.size(), 1u);
  EXPECT_EQ(format_problem(load.problems[0]),
            "environment: warning: POSTERN_HOSTNAM: is not a key of Postern; did you mean POSTERN_HOSTNAME?");
  EXPECT_TRUE(load.is_usable());
}

TEST(ConfigEnvironment, GivesNoTwoKeysTheSameVariable) {
  std::set<std::string> names;
  for (const KeyTable& table : key_tables()) {
    for (const KeyInfo* key : table.keys) EXPECT_TRUE(names.insert(variable_name(table.name, 1, key->name)).second) << key->name;
  }
  EXPECT_TRUE(names.contains("POSTERN_HTTP_LISTENER_1_PORT"));
  EXPECT_FALSE(names.contains("POSTERN_CONFIG"));
}

TEST(ConfigEnvironment, KnowsTheVariablesOfTheShippedComposeFile) {
  std::set<std::string> names;
  for (const KeyTable& table : key_tables()) {
    for (const KeyInfo* key : table.keys) names.insert(variable_name(table.name, 1, key->name));
  }
  std::ifstream file(std::string(POSTERN_SOURCE_DIR) + "/packaging/container/compose.yaml");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::regex form("POSTERN_[A-Z0-9_]+");
  std::size_t count = 0;
  for (auto found = std::sregex_iterator(text.begin(), text.end(), form); found != std::sregex_iterator(); ++found, ++count) {
    EXPECT_TRUE(names.contains(found->str())) << found->str();
  }
  EXPECT_GT(count, 5u);
}

TEST(ConfigEnvironment, ReadsThoseOfItsProcessThatHaveAValue) {
  ASSERT_EQ(::setenv("POSTERN_HOSTNAME", "a.example.org", 1), 0);
  ASSERT_EQ(::setenv("POSTERN_CONFIG", "/p.toml", 1), 0);
  ASSERT_EQ(::setenv("POSTERN_DATA_DIR", "", 1), 0);
  const Variables variables = process_variables();
  for (const char* name : {"POSTERN_HOSTNAME", "POSTERN_CONFIG", "POSTERN_DATA_DIR"}) ::unsetenv(name);
  const auto value_of = [&](std::string_view name) {
    const auto found = std::ranges::find(variables, name, &Variables::value_type::first);
    return found == variables.end() ? std::string("(none)") : found->second;
  };
  EXPECT_EQ(value_of("POSTERN_HOSTNAME"), "a.example.org");
  EXPECT_EQ(value_of("POSTERN_CONFIG"), "(none)");
  EXPECT_EQ(value_of("POSTERN_DATA_DIR"), "(none)");
}

}  // namespace
}  // namespace postern::app
