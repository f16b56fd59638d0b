// Parsing: kinds, ranges, unknown keys, lines; and that all problems are told at once.
#include "app/config.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace postern::app {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ConfigLoad parse(std::string_view text) { return parse_config(text, "/etc/postern/postern.toml"); }

// Development needs neither certificate nor route, so that a case shows only its own problem.
std::vector<std::string> problems_of(const std::string& text) {
  std::vector<std::string> formatted;
  for (const auto& problem : parse("environment = \"development\"\n" + text).problems) {
    formatted.push_back(format_problem(problem));
  }
  return formatted;
}

class TempFile {
 public:
  TempFile(std::string_view content, std::filesystem::perms permissions)
      : path_(std::filesystem::temp_directory_path() / ("postern-config-" + std::to_string(::getpid()))) {
    std::ofstream(path_) << content;
    std::filesystem::permissions(path_, permissions);
  }
  ~TempFile() { std::filesystem::remove(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

TEST(Config, SaysWhereATableHasNoName) {
  for (const char* header : {"[\n", "[[%%", "[:]\n"}) {
    const auto problems = problems_of(header);
    EXPECT_THAT(problems, ElementsAre(AllOf(HasSubstr("/etc/postern/postern.toml:2: "), HasSubstr("not TOML")))) << header;
  }
}

TEST(Config, GivesEveryKeyItsDefaultInAnEmptyDevelopmentFile) {
  const auto load = parse("environment = \"development\"\n");
  EXPECT_THAT(load.problems, IsEmpty());
  EXPECT_EQ(load.settings.max_message_octets, 52'428'800);
  EXPECT_EQ(load.settings.key_brand, "pk");
  EXPECT_TRUE(load.settings.key_has_environment);
  EXPECT_EQ(load.settings.data_dir, "/var/lib/postern");
}

TEST(Config, ListensOnLoopbackOnlyInDevelopment) {
  const auto load = parse("environment = \"development\"\n");
  ASSERT_EQ(load.settings.listeners.size(), 6u);
  for (const auto& listener : load.settings.listeners) {
    EXPECT_TRUE(listener.address == "127.0.0.1" || listener.address == "::1");
    EXPECT_EQ(listener.allow_auth_without_tls, listener.port == 2525);
    // Six of nine stacks upgrade by themselves where STARTTLS is offered, and refuse a self-signed certificate.
    EXPECT_EQ(listener.tls == "none", listener.port == 2525);
  }
}

TEST(Config, HasAnHttpServiceByDefaultOnLoopbackInDevelopmentOnly) {
  const auto development = parse("environment = \"development\"").settings;
  ASSERT_EQ(development.http_listeners.size(), 4U);
  for (const auto& listener : development.http_listeners) EXPECT_THAT(listener.address, ::testing::AnyOf("127.0.0.1", "::1"));
  EXPECT_THAT(parse("").settings.http_listeners, IsEmpty());
  EXPECT_THAT(parse("environment = \"development\"\n[[listener]]\nport = 2525").settings.http_listeners, IsEmpty());
}

TEST(Config, ReadsHowPeopleSignUpAndHowLongTheyStay) {
  const auto defaults = parse("").settings;
  EXPECT_EQ(defaults.signup, "closed");
  EXPECT_EQ(defaults.session_token_lifetime_minutes, 60);
  EXPECT_EQ(defaults.session_key_lifetime_hours, 720);
  const auto load = parse("signup = \"open\"\nsession_token_lifetime_minutes = 5\nsession_key_lifetime_hours = 24\n");
  EXPECT_EQ(load.settings.signup, "open");
  EXPECT_EQ(load.settings.session_token_lifetime_minutes, 5);
  EXPECT_EQ(load.settings.session_key_lifetime_hours, 24);
  for (const char* wrong : {"signup = \"maybe\"", "signup = true", "session_token_lifetime_minutes = 0",
                            "session_token_lifetime_minutes = 1441", "session_key_lifetime_hours = 23"}) {
    EXPECT_FALSE(parse("environment = \"development\"\n" + std::string(wrong)).is_usable()) << wrong;
  }
}

TEST(Config, ListensOnTheSubmissionPortsInProduction) {
  const auto load = parse("tls_certificate_file = \"/c\"\ntls_key_file = \"/k\"\n");
  EXPECT_TRUE(load.is_usable());
  ASSERT_EQ(load.settings.listeners.size(), 2u);
  EXPECT_EQ(load.settings.listeners[0].port, 587);
  EXPECT_EQ(load.settings.listeners[0].tls, "starttls");
  EXPECT_EQ(load.settings.listeners[1].port, 465);
  EXPECT_EQ(load.settings.listeners[1].tls, "implicit");
}

TEST(Config, TellsAllProblemsAtOnceInTheOrderOfTheirLines) {
  EXPECT_THAT(problems_of("max_recipients = 5\n"
                          "max_conections = 7\n"
                          "io_threads = \"four\"\n"
                          "log_level = \"loud\"\n"),
              ElementsAre("/etc/postern/postern.toml:2: max_recipients: 5 is too small; write recipients, 100 to 50000",
                          "/etc/postern/postern.toml:3: max_conections: is not a key of Postern; did you mean max_connections?",
                          "/etc/postern/postern.toml:4: io_threads: has a value of the wrong kind; write a whole number (threads)",
                          "/etc/postern/postern.toml:5: log_level: \"loud\" is not a value of it; write one of debug, info, "
                          "warning, error"));
}

struct WrongKind {
  const char* name;
  const char* text;
  const char* message;
};

TEST(Config, RefusesValuesOfTheWrongKind) {
  static constexpr WrongKind kCases[] = {
      {"a float for an integer", "max_message_octets = 1.5", "write a whole number (octets)"},
      {"a unit in a size", "max_message_octets = \"50MiB\"", "write a whole number (octets)"},
      {"a text for a boolean", "key_has_environment = \"yes\"", "write true or false, without quotes"},
      {"a number for a text", "hostname = 5", "write a text in double quotes"},
      {"a date", "hostname = 2026-11-21", "write a text in double quotes"},
      {"a table for a text", "[hostname]\na = 1", "write a text in double quotes"},
      {"a table for listeners", "[listener]\nport = 1", "is not a key of Postern"},
      {"another array of tables", "[[lissener]]\nport = 1", "is not a table of Postern"},
      {"a text for a list", "[[route]]\nname = \"a\"\nhost = \"b\"\ndomains = \"c.org\"", "write a list of texts"},
      {"a list of numbers", "[[route]]\nname = \"a\"\nhost = \"b\"\ndomains = [1]", "write a list of texts"},
      {"a line break in a text", "hostname = \"a\\nb\"", "write it on one line"},
  };
  for (const auto& test : kCases) {
    SCOPED_TRACE(test.name);
    EXPECT_THAT(problems_of(test.text), testing::Contains(HasSubstr(test.message)));
  }
}

TEST(Config, TakesTheBoundsOfARangeAndNothingBeyond) {
  EXPECT_THAT(problems_of("max_recipients = 100"), IsEmpty());
  EXPECT_THAT(problems_of("max_recipients = 50000"), IsEmpty());
  EXPECT_THAT(problems_of("max_recipients = 99"), ElementsAre(HasSubstr("is too small")));
  EXPECT_THAT(problems_of("max_recipients = 50001"), ElementsAre(HasSubstr("is too large")));
  EXPECT_THAT(problems_of("io_threads = -1"), ElementsAre(HasSubstr("is too small")));
}

TEST(Config, NamesTheLineOfASyntaxError) {
  const auto problems = problems_of("hostname = \"a.example.org\"\nio_threads = = 3\n");
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_THAT(problems[0], HasSubstr("postern.toml:3: "));
}

TEST(Config, RefusesAKeyThatIsGivenTwice) {
  EXPECT_THAT(problems_of("io_threads = 1\nio_threads = 2\n"), ElementsAre(HasSubstr(":3: ")));
}

TEST(Config, NamesTheTableThatLacksARequiredKey) {
  EXPECT_THAT(problems_of("\n[[route]]\nname = \"a\"\n"),
              testing::AllOf(testing::Contains(HasSubstr(":3: host: is missing")),
                             testing::Contains(HasSubstr(":3: domains: is missing"))));
}

TEST(Config, TakesRelativePathsFromTheFolderOfTheFile) {
  const auto load = parse("data_dir = \"../var\"\nlog_file = \"/var/log/postern\"\n");
  EXPECT_EQ(load.settings.data_dir, "/etc/var");
  EXPECT_EQ(load.settings.log_file, "/var/log/postern");
}

TEST(Config, SaysWhatToDoWhereTheFileIsMissing) {
  const auto load = load_config("/nonexistent/postern.toml");
  EXPECT_FALSE(load.is_usable());
  ASSERT_EQ(load.problems.size(), 1u);
  EXPECT_THAT(format_problem(load.problems[0]), HasSubstr("/nonexistent/postern.toml: No such file or directory; name the file"));
}

TEST(Config, WarnsOfAPasswordThatEveryUserCanRead) {
  const std::string text =
      "environment = \"development\"\n[[route]]\nname = \"a\"\ndomains = [\"*\"]\nhost = \"mx.example.org\"\n"
      "tls = \"required\"\nuser_name = \"u\"\npassword = \"not a real one\"\n";
  using std::filesystem::perms;
  {
    const TempFile file(text, perms::owner_read | perms::others_read);
    const auto load = load_config(file.path());
    EXPECT_TRUE(load.is_usable());
    ASSERT_EQ(load.problems.size(), 1u);
    EXPECT_THAT(format_problem(load.problems[0]), HasSubstr("warning: password: can be read by every user"));
  }
  const TempFile file(text, perms::owner_read);
  EXPECT_THAT(load_config(file.path()).problems, IsEmpty());
}

TEST(Config, ReadsAPasswordFromTheFirstLineOfItsFile) {
  const TempFile file("not a real one\nsecond line\n", std::filesystem::perms::owner_read);
  const auto load = parse("environment = \"development\"\n[[route]]\nname = \"a\"\ndomains = [\"*\"]\nhost = \"mx.example.org\"\n"
                          "tls = \"required\"\nuser_name = \"u\"\npassword_file = \"" + file.path().string() + "\"\n");
  EXPECT_THAT(load.problems, IsEmpty());
  EXPECT_EQ(load.settings.routes.at(0).password.reveal(), "not a real one");
}

TEST(Config, NeverShowsAPasswordInAProblem) {
  for (const auto& problem : problems_of("[[route]]\nname = \"a\"\npassword = \"not a real one\"\npasword = 3\nhost = \"h\"\n")) {
    EXPECT_THAT(problem, testing::Not(HasSubstr("not a real one")));
  }
}

TEST(Config, RefusesADataFolderThatOthersMayWriteTo) {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("postern-data-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const TempFile file("environment = \"development\"\ndata_dir = \"" + folder.string() + "\"\n", std::filesystem::perms::owner_all);
  using std::filesystem::perms;
  for (const perms mode : {perms::all, perms::owner_all | perms::group_write, perms::owner_all | perms::others_write}) {
    std::filesystem::permissions(folder, mode);
    const ConfigLoad load = load_config(file.path());
    EXPECT_FALSE(load.is_usable());
    ASSERT_EQ(load.problems.size(), 1u);
    EXPECT_THAT(format_problem(load.problems.front()), HasSubstr("data_dir: " + folder.string() + " can be written to by others"));
  }
  std::filesystem::permissions(folder, perms::owner_all | perms::group_read | perms::group_exec);
  EXPECT_TRUE(load_config(file.path()).is_usable());
  std::filesystem::remove(folder);
  EXPECT_TRUE(load_config(file.path()).is_usable()) << "it is made at the start";
}

TEST(Config, ReadsTheTokenOfTheMetrics) {
  const TempFile token("a-token-of-ours\r\n", std::filesystem::perms::owner_all);
  const auto load = parse("environment = \"development\"\nhttp_metrics_token_file = \"" + token.path().string() + "\"\n");
  EXPECT_THAT(load.problems, IsEmpty());
  EXPECT_EQ(load.settings.http_metrics_token.reveal(), "a-token-of-ours");
  EXPECT_THAT(problems_of("http_metrics_token_file = \"/nonexistent/token\""), ElementsAre(HasSubstr("cannot read")));
}

TEST(Config, RefusesHttpProxiesThatAreEverybody) {
  EXPECT_THAT(problems_of("http_trusted_proxies = [\"0.0.0.0/0\"]"), ElementsAre(HasSubstr("name its own address")));
  EXPECT_THAT(problems_of("http_trusted_proxies = [\"proxy.example\"]"), ElementsAre(HasSubstr("is not a network")));
}

}  // namespace
}  // namespace postern::app
