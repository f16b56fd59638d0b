// shaping.toml, ours and wrong ones.
#include "app/shaping_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ShapingFile, OursIsInOrderAndItsProvidersAreThoseOfMetrics) {
  const ShapingLoad load = load_shaping(std::filesystem::path(POSTERN_SOURCE_DIR) / "conf/shaping.toml");
  for (const ConfigProblem& problem : load.problems) ADD_FAILURE() << format_problem(problem);
  EXPECT_EQ(load.shaping.usual.max_connections, 10U);
  const relay::Shaping shaping(load.shaping);
  const struct {
    const char* host;
    const char* provider;
  } kShapingRows[] = {{"gmail-smtp-in.l.google.com", "google"},
                {"mta5.am0.yahoodns.net", "yahoo"},
                {"hotmail-com.olc.protection.outlook.com", "outlook"},
                {"example-com.mail.protection.outlook.com", "outlook"},
                {"example-com.a-v1.mx.microsoft", "outlook"},
                {"mx01.mail.icloud.com", "icloud"},
                {"mx00.gmx.net", "gmx"},
                {"mx.example.net", "other"}};
  for (const auto& row : kShapingRows) EXPECT_EQ(shaping.name_of(shaping.find_provider(row.host)), row.provider) << row.host;
  const auto said = [&](const char* provider, Status status) {
    return shaping.rules_said(shaping.find_named(provider), status).size();
  };
  EXPECT_EQ(said("google", {421, EnhancedCode{4, 7, 28}, "detected an unusual rate of unsolicited mail"}), 1U);
  EXPECT_EQ(said("yahoo", {421, EnhancedCode{4, 7, 0}, "[TSS04] Messages temporarily deferred due to user complaints"}), 2U);
  EXPECT_EQ(said("outlook", {451, EnhancedCode{4, 7, 650}, "The mail server has been temporarily rate limited"}), 1U);
  EXPECT_EQ(said("comcast", {421, std::nullopt, "Try again later - http://postmaster.comcast.net/#RL000010"}), 2U);
}

TEST(ShapingFile, NamesWhatIsWrongWithItsLine) {
  const struct {
    const char* text;
    const char* problem;
  } kShapingRows[] = {
      {"max_connections = -1", "s.toml:1: max_connections: must be a whole number"},
      {"connections = 1", "s.toml:1: connections: is not a key"},
      {"[[domain]]\nname = \"x\"", "s.toml:1: [[domain]]: is none of"},
      {"[[provider]]\nmx = [\".x.example\"]", "s.toml:1: name: must be there"},
      {"[[provider]]\nname = \"other\"\nmx = [\".x.example\"]", "s.toml:1: name: must be there"},
      {"[[provider]]\nname = \"x\"", "s.toml:1: provider x: no mail host is its"},
      {"[[provider]]\nname = \"x\"\nmx = \".x.example\"", "s.toml:3: mx: must be a list"},
      {"[[rule]]\nprovider = \"gmail\"\nsays = \"x\"\ndo = \"suspend\"\nfor = \"1m\"", "there is no provider gmail"},
      {"[[rule]]\nsays = \"x\"\ndo = \"stop\"\nfor = \"1m\"", "s.toml:1: do: must be"},
      {"[[rule]]\nsays = \"x\"\ndo = \"suspend\"\nfor = \"2 days\"", "s.toml:4: for: must be a time"},
      {"[[rule]\nsays", "nothing below it was looked at"}};
  for (const auto& row : kShapingRows) {
    std::vector<std::string> problems;
    for (const ConfigProblem& problem : parse_shaping(row.text, "s.toml").problems) problems.push_back(format_problem(problem));
    EXPECT_THAT(problems, ElementsAre(HasSubstr(row.problem))) << row.text;
  }
}

TEST(ShapingFile, SaysThatItIsNotThere) {
  EXPECT_EQ(load_shaping("/nowhere/shaping.toml").problems.size(), 1U);
}

}  // namespace
}  // namespace postern::app
