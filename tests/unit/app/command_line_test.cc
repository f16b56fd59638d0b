// The whole of the command line over a store in a folder of its own: what is printed, what is refused, with which status.
#include "tests/unit/app/command_line_fixture.h"

namespace postern::app {
namespace {

// What a person types at standard input: twice, as a terminal would ask for it.
class TypedInput {
 public:
  explicit TypedInput(const std::string& line) : text_(line + "\n" + line + "\n"), before_(std::cin.rdbuf(text_.rdbuf())) {}
  ~TypedInput() {
    std::cin.rdbuf(before_);
    std::cin.clear();
  }
  TypedInput(const TypedInput&) = delete;
  TypedInput& operator=(const TypedInput&) = delete;

 private:
  std::istringstream text_;
  std::streambuf* before_;
};

TEST_F(CommandLine, EndsWithTwoOnWrongUsage) {
  EXPECT_EQ(run({}).status, kExitUsage);
  EXPECT_EQ(run({"frobnicate"}).status, kExitUsage);
  EXPECT_EQ(run({"key"}).status, kExitUsage);
  EXPECT_EQ(run({"account", "create"}).status, kExitUsage);
  EXPECT_EQ(run({"key", "create", "demo", "--test", "--live"}).status, kExitUsage);
  EXPECT_EQ(run({"message", "list", "--limit", "many"}).status, kExitUsage);
  EXPECT_EQ(run({"--help"}).status, 0);
}

TEST_F(CommandLine, BacksTheStoreUp) {
  must({"account", "create", "demo"});
  const std::string copy = (folder_ / "copy").string();
  EXPECT_THAT(must({"backup", copy}), StartsWith("the store is copied to " + copy));
  const Ran again = run({"backup", copy});
  EXPECT_EQ(again.status, kExitRefused);
  EXPECT_THAT(again.err, HasSubstr("is there already"));
  std::filesystem::remove_all(folder_ / "data");
  std::filesystem::rename(copy, folder_ / "data");
  EXPECT_THAT(must({"account", "show", "demo"}), HasSubstr("demo"));
}

TEST_F(CommandLine, NamesACommandThatIsNotThere) {
  EXPECT_THAT(run({"acount"}).err, HasSubstr("there is no command postern acount; did you mean account?"));
  EXPECT_THAT(run({"key", "creat", "demo"}).err, HasSubstr("there is no command postern key creat; did you mean create?"));
  EXPECT_THAT(run({"frobnicate"}).err, HasSubstr("there is no command postern frobnicate\n"));
  EXPECT_THAT(run({"config"}).err, HasSubstr("say which: check show template\n"));
}

struct BadWordCase {
  const char* name;
  std::vector<std::string> words;
  const char* explanation;
};

TEST_F(CommandLine, EndsWithTwoWhereAWordIsNoneOfItsChoices) {
  must({"account", "create", "demo"});
  const auto key = must({"key", "create", "demo", "--live", "--quiet"}).substr(0, 16);
  const BadWordCase cases[] = {
      {"mode", {"account", "create", "other", "--mode", "chaos"}, "not a mode"},
      {"mode later", {"account", "set-mode", "demo", "chaos"}, "not a mode"},
      {"plan", {"account", "create", "other", "--plan", "chaos"}, "there is no plan chaos"},
      {"no plan", {"account", "set-plan", "demo"}, "name a plan"},
      {"limit", {"account", "set-plan", "demo", "--per-day", "-1"}, "not a limit"},
      {"account's domain", {"account", "create", "other", "--domain", "no domain"}, "not a domain"},
      {"account's name", {"account", "create", ""}, "a name has 1 to 64"},
      {"neither test nor live", {"key", "create", "demo"}, "say --test"},
      {"permission", {"key", "create", "demo", "--live", "--permission", "chaos"}, "not a permission"},
      {"expiry", {"key", "create", "demo", "--live", "--expires", "soon"}, "not an expiry"},
      {"network", {"key", "create", "demo", "--live", "--network", "chaos"}, "not a network"},
      {"overlap", {"key", "rotate", key, "--overlap", "long"}, "not an overlap"},
      {"overlap too long", {"key", "rotate", key, "--overlap", "91d"}, "0 to 90 days"},
      {"stage", {"message", "list", "--stage", "chaos"}, "not a stage"},
      {"whitelisted address", {"sandbox", "add", "demo", "no address"}, "not a mailbox"},
      {"no longer whitelisted address", {"sandbox", "remove", "demo", "no address"}, "not a mailbox"},
      {"no message", {"message", "show"}, "say --latest"},
      {"nothing to retry", {"queue", "retry"}, "or --all"},
  };
  for (const BadWordCase& c : cases) {
    SCOPED_TRACE(c.name);
    const Ran ran = run(c.words);
    EXPECT_EQ(ran.status, kExitUsage);
    EXPECT_THAT(ran.err, HasSubstr(c.explanation));
    EXPECT_THAT(ran.err, HasSubstr("what it takes: postern " + c.words[0] + " " + c.words[1] + " --help"));
    EXPECT_EQ(ran.out, "");
  }
}

TEST_F(CommandLine, SaysWhereTheChoicesOfWhatWasUnderstoodStand) {
  EXPECT_THAT(run({"frobnicate"}).err, HasSubstr("what it takes: postern --help"));
  EXPECT_THAT(run({"key"}).err, HasSubstr("what it takes: postern key --help"));
  EXPECT_THAT(run({"key", "create"}).err, HasSubstr("what it takes: postern key create --help"));
  EXPECT_THAT(run({"account", "show", "nobody"}).err, Not(HasSubstr("--help")));
}

TEST_F(CommandLine, EndsWithOneWhereTheWordsAreRightAndTheThingIsNot) {
  must({"account", "create", "demo", "--domain", "example.org"});
  EXPECT_EQ(run({"key", "create", "demo", "--live", "--from-domain", "example.com"}).status, kExitRefused);
  EXPECT_EQ(run({"account", "show", "nobody"}).status, kExitRefused);
  EXPECT_EQ(run({"message", "show", "--latest"}).status, kExitRefused);
  write_config("key_has_environment = false\n");
  EXPECT_EQ(run({"key", "create", "demo", "--test"}).status, kExitRefused);
  write_config("max_recipients = \"many\"\n");
  EXPECT_EQ(run({"account", "list"}).status, kExitRefused);
}

TEST_F(CommandLine, SaysWhatAReturnedMailIsTakenFor) {
  const std::string bounces = std::string(POSTERN_SOURCE_DIR) + "/tests/corpora/bounces/";
  const Ran people = run({"inbound", "read", bounces + "lhost-sendmail-17.eml"});
  EXPECT_EQ(people.status, 0);
  EXPECT_THAT(people.out, HasSubstr("kind: report"));
  EXPECT_THAT(people.out, HasSubstr("recipient_moved  hard"));
  const Ran programs = run({"--json", "inbound", "read", bounces + "arf-15.eml"});
  EXPECT_THAT(programs.out, HasSubstr("\"kind\":\"complaint\""));
  EXPECT_THAT(programs.out, HasSubstr("\"feedback_type\":\"abuse\""));
  EXPECT_EQ(run({"inbound", "read", bounces + "none.eml"}).status, kExitRefused);
}

TEST_F(CommandLine, MakesAnAccountOnce) {
  EXPECT_THAT(must({"account", "create", "demo"}), StartsWith("account demo created (acc_"));
  const Ran again = run({"account", "create", "demo"});
  EXPECT_EQ(again.status, kExitRefused);
  EXPECT_THAT(again.err, HasSubstr("an account of that name exists"));
  EXPECT_THAT(must({"account", "list", "--json"}), HasSubstr("\"name\":\"demo\",\"mode\":\"sandbox\",\"state\":\"active\""));
}

TEST_F(CommandLine, ChangesModePlanAndState) {
  must({"account", "create", "demo"});
  must({"account", "set-mode", "demo", "production"});
  must({"account", "set-plan", "demo", "growth", "--per-day", "0", "--per-month", "unlimited"});
  must({"account", "suspend", "demo"});
  const auto shown = must({"account", "show", "demo", "--json"});
  EXPECT_THAT(shown,
              HasSubstr("\"mode\":\"production\",\"state\":\"suspended\",\"plan\":{\"name\":\"custom\",\"per_second\":100,"
                        "\"per_day\":0,\"per_month\":\"unlimited\""));
  must({"account", "resume", "demo"});
  EXPECT_THAT(must({"account", "show", "demo"}), HasSubstr("active"));
}

TEST_F(CommandLine, PrintsAKeyOnceAndNowhereElse) {
  must({"account", "create", "demo"});
  std::string key = must({"key", "create", "demo", "--test", "--quiet"});
  ASSERT_TRUE(key.ends_with('\n'));
  key.pop_back();
  EXPECT_EQ(auth::check_api_key({}, key), Environment::Test);
  for (const auto& output :
       {must({"key", "list"}), must({"key", "list", "demo", "--json"}), must({"key", "show", key.substr(0, 16)})}) {
    EXPECT_THAT(output, HasSubstr(key.substr(0, 16)));
    EXPECT_THAT(output, Not(HasSubstr(key.substr(0, 20))));
  }
}

TEST_F(CommandLine, DemandsAnEnvironmentForAKeyWhereKeysHaveOne) {
  must({"account", "create", "demo"});
  EXPECT_THAT(run({"key", "create", "demo"}).err, HasSubstr("say --test"));
  write_config("key_has_environment = false\n");
  EXPECT_EQ(run({"key", "create", "demo"}).status, 0);
}

TEST_F(CommandLine, ExtendsRotatesRevokesAndDeletesAKey) {
  must({"account", "create", "demo"});
  const auto prefix = must({"key", "create", "demo", "--live", "--quiet", "--expires", "2020-01-01"}).substr(0, 16);
  EXPECT_THAT(must({"key", "show", prefix, "--json"}), HasSubstr("\"state\":\"expired\""));
  must({"key", "extend", prefix, "30d"});
  EXPECT_THAT(must({"key", "show", prefix, "--json"}), HasSubstr("\"state\":\"active\""));
  const auto successor = must({"key", "rotate", prefix, "--overlap", "1h", "--quiet"}).substr(0, 16);
  EXPECT_THAT(must({"key", "show", prefix, "--json"}), HasSubstr("\"state\":\"retiring\""));
  must({"key", "revoke", prefix});
  EXPECT_THAT(must({"key", "show", prefix, "--json"}), HasSubstr("\"state\":\"revoked\""));
  EXPECT_EQ(run({"key", "extend", prefix, "never"}).status, kExitRefused);
  must({"key", "delete", prefix});
  EXPECT_THAT(run({"key", "show", prefix}).err, HasSubstr("there is no key " + prefix));
  EXPECT_THAT(must({"key", "show", successor, "--json"}), HasSubstr("\"state\":\"active\""));
}

TEST_F(CommandLine, TellsAnAmbiguousKeyFromAnUnknownOne) {
  must({"account", "create", "demo"});
  must({"key", "create", "demo", "--test", "--quiet"});
  must({"key", "create", "demo", "--test", "--quiet"});
  EXPECT_THAT(run({"key", "revoke", "pk_test_"}).err, HasSubstr("several keys begin with pk_test_"));
  EXPECT_THAT(run({"key", "revoke", "key_nothing"}).err, HasSubstr("there is no key key_nothing"));
}

TEST_F(CommandLine, AddsUsersWhosePasswordsComeFromStandardInput) {
  must({"account", "create", "demo"});
  const TypedInput password("correct horse");
  EXPECT_THAT(must({"user", "create", "demo", "Ada@Example.org"}), StartsWith("user Ada@example.org created (usr_"));
  EXPECT_EQ(run({"user", "create", "demo", "correct horse", "ada@example.org"}).status, kExitUsage) << "a password as a word";
  const auto listed = must({"user", "list", "--json"});
  EXPECT_THAT(listed, AllOf(HasSubstr("\"email\":\"Ada@example.org\""), HasSubstr("\"account\":\"demo\"")));
  EXPECT_THAT(listed, Not(HasSubstr("argon2")));
  EXPECT_THAT(must({"user", "list", "demo"}), HasSubstr("Ada@example.org"));
  const TypedInput again("correct horse");
  EXPECT_THAT(run({"user", "create", "demo", "ada@EXAMPLE.org"}).err, Not(HasSubstr("horse")));
}

TEST_F(CommandLine, ChangesAPasswordAndDeletesAUser) {
  must({"account", "create", "demo"});
  const TypedInput first("correct horse");
  must({"user", "create", "demo", "ada@example.org"});
  const std::string before = password_hash("ada@example.org");
  const TypedInput second("battery staple");
  EXPECT_THAT(must({"user", "password", "ada@example.org"}), HasSubstr("password changed"));
  EXPECT_NE(password_hash("ada@example.org"), before);
  const TypedInput too_short("short");
  EXPECT_EQ(run({"user", "password", "ada@example.org"}).status, kExitUsage);
  EXPECT_EQ(run({"user", "password", "bob@example.org"}).status, kExitRefused);
  must({"user", "delete", "ada@example.org"});
  EXPECT_EQ(run({"user", "delete", "ada@example.org"}).status, kExitRefused);
}

TEST_F(CommandLine, DecidesWhoLeavesTheSandbox) {
  must({"account", "create", "one"});
  must({"account", "create", "two"});
  EXPECT_EQ(run({"account", "approve", "one"}).status, kExitRefused) << "it did not ask";
  ask_for_production("one", "receipts\x1b[2J");
  ask_for_production("two", "reminders");
  const auto listed = must({"account", "requests"});
  EXPECT_THAT(listed, HasSubstr("receipts\\x1b[2J"));
  EXPECT_THAT(listed, HasSubstr("verified_domain, delivered_in_sandbox"));
  EXPECT_THAT(must({"account", "requests", "--json"}),
              AllOf(HasSubstr("\"use_case\":\"reminders\""), HasSubstr("\"verified_domain\":false")));
  must({"account", "approve", "one"});
  must({"account", "decline", "two"});
  EXPECT_THAT(must({"account", "show", "one", "--json"}), HasSubstr("\"mode\":\"production\""));
  EXPECT_THAT(must({"account", "show", "two", "--json"}), HasSubstr("\"mode\":\"sandbox\""));
  EXPECT_THAT(must({"account", "requests", "--json"}), HasSubstr("[]"));
}

TEST_F(CommandLine, KeepsTheWhitelist) {
  must({"account", "create", "demo"});
  EXPECT_THAT(must({"sandbox", "add", "demo", "Friend@EXAMPLE.net", "b@example.net"}), HasSubstr("Friend@example.net"));
  must({"sandbox", "remove", "demo", "b@example.net"});
  const auto listed = must({"sandbox", "list", "demo"});
  EXPECT_THAT(listed, HasSubstr("Friend@example.net"));
  EXPECT_THAT(listed, Not(HasSubstr("b@example.net")));
  EXPECT_EQ(run({"sandbox", "add", "demo", "no address"}).status, kExitUsage);
  EXPECT_EQ(run({"sandbox", "remove", "demo", "b@example.net"}).status, kExitRefused);
  EXPECT_THAT(must({"sandbox", "scenarios"}), HasSubstr("bounced@simulator.postern.test"));
}

TEST_F(CommandLine, ShowsAMessageByAnyUniqueBeginning) {
  must({"account", "create", "demo"});
  const auto id = format_message_id(put_message("demo", "ci-1"));
  EXPECT_EQ(must({"message", "show", "--latest", "--raw"}), "Subject: test\r\n\r\nbody\r\n");
  EXPECT_THAT(must({"message", "show", id, "--json"}), StartsWith("{\"id\":\"" + id + "\""));
  EXPECT_THAT(must({"message", "show", id.substr(0, 20), "--events"}), HasSubstr("you@example.net"));
  const auto second = format_message_id(put_message("demo", "ci-2"));
  EXPECT_THAT(run({"message", "show", id.substr(0, 4)}).err, HasSubstr("several messages begin with"));
  EXPECT_THAT(run({"message", "show", "zzzz"}).err, HasSubstr("there is no message zzzz"));
  EXPECT_THAT(must({"message", "list"}), HasSubstr(second));
  EXPECT_THAT(must({"message", "list", "--limit", "1"}), Not(HasSubstr(id)));
  EXPECT_THAT(must({"message", "list", "--before", second}), AllOf(HasSubstr(id), Not(HasSubstr(second))));
  EXPECT_THAT(must({"message", "list", "--run", "ci-1"}), AllOf(HasSubstr(id), Not(HasSubstr(second))));
  EXPECT_THAT(must({"run", "show", "ci-2"}), AllOf(HasSubstr(second), Not(HasSubstr(id))));
  EXPECT_THAT(must({"run", "list", "--json"}), HasSubstr("{\"run\":\"ci-1\",\"account\":\"demo\",\"messages\":1"));
}

TEST_F(CommandLine, RemovesARun) {
  must({"account", "create", "demo"});
  put_message("demo", "ci-1");
  const auto other = format_message_id(put_message("demo", "ci-2"));
  const auto live = format_message_id(put_message("demo", "ci-1", Environment::Live));
  EXPECT_EQ(must({"run", "remove", "ci-1", "--account", "demo", "--yes"}), "run ci-1: 1 message removed\n");
  EXPECT_EQ(run({"run", "remove", "ci-1", "--yes"}).status, kExitRefused);
  EXPECT_THAT(must({"message", "list"}), AllOf(HasSubstr(other), HasSubstr(live)));
}

TEST_F(CommandLine, ShowsNoRunOfLiveMessages) {
  must({"account", "create", "demo"});
  put_message("demo", "app", Environment::Live);
  EXPECT_EQ(must({"run", "list", "--json"}), "[]\n");
  const Ran shown = run({"run", "show", "app"});
  EXPECT_EQ(shown.status, kExitRefused);
  EXPECT_EQ(shown.err, "postern: there is no run app\n");
}

TEST_F(CommandLine, RefusesWhatIsNotThereAlike) {
  must({"account", "create", "demo"});
  const std::vector<std::vector<std::string>> commands = {
      {"account", "show", "acc_none"},     {"account", "suspend", "nobody"},  {"account", "remove", "nobody"},
      {"account", "approve", "nobody"},    {"key", "list", "nobody"},         {"key", "show", "key_none"},
      {"key", "revoke", "key_none"},       {"key", "rotate", "key_none"},     {"key", "delete", "key_none"},
      {"user", "list", "nobody"},          {"user", "password", "a@b.test"},  {"user", "delete", "usr_none"},
      {"domain", "list", "nobody"},        {"domain", "show", "none.test"},   {"domain", "records", "none.test"},
      {"domain", "verify", "none.test"},   {"domain", "remove", "none.test"}, {"sandbox", "list", "nobody"},
      {"sandbox", "add", "nobody", "a@b.test"},
      {"sandbox", "remove", "demo", "a@b.test"},
      {"suppression", "list", "nobody"},
      {"suppression", "remove", "demo", "a@b.test"},
      {"webhook", "list", "nobody"},       {"webhook", "show", "wh_none"},    {"webhook", "enable", "wh_none"},
      {"webhook", "delete", "wh_none"},    {"webhook", "replay", "wh_none", "--event", "evt_1"},
      {"message", "show", "0123456789"},   {"message", "show", "--latest"},   {"message", "list", "--before", "0123456789"},
      {"run", "remove", "ci-none"},
      {"run", "show", "ci-none"},          {"queue", "retry", "0123456789"},  {"queue", "cancel", "0123456789"}};
  for (auto command : commands) {
    command.emplace_back("--json");
    const Ran refused = run(command);
    EXPECT_EQ(refused.status, kExitRefused) << testing::PrintToString(command);
    EXPECT_EQ(refused.out, "") << testing::PrintToString(command);
    EXPECT_THAT(refused.err, testing::ContainsRegex("^postern: .*(there is no|is not on the list|is not on the whitelist)"))
        << testing::PrintToString(command);
  }
}

TEST_F(CommandLine, ListsNothingAsAnEmptyList) {
  for (const char* noun : {"account", "user", "key", "domain", "webhook", "message", "run", "queue"}) {
    EXPECT_EQ(must({noun, "list", "--json"}), "[]\n") << noun;
  }
  EXPECT_EQ(must({"queue", "show", "--json"}), "[]\n");
  EXPECT_EQ(must({"account", "requests", "--json"}), "[]\n");
  must({"account", "create", "demo"});
  EXPECT_EQ(must({"sandbox", "list", "demo", "--json"}), "[]\n");
  EXPECT_EQ(must({"suppression", "list", "demo", "--json"}), "[]\n");
}

TEST_F(CommandLine, TakesNoLimitThatShowsNothing) {
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"message", "list"}, {"run", "list"}, {"run", "show", "ci-1"}, {"queue", "list"}}) {
    auto limited = command;
    limited.insert(limited.end(), {"--limit", "0"});
    EXPECT_EQ(run(limited).status, kExitUsage) << testing::PrintToString(command);
  }
}

TEST_F(CommandLine, ListsTheMessagesOfOneAccount) {
  must({"account", "create", "one"});
  must({"account", "create", "other"});
  const auto first = format_message_id(put_message("one", "ci-1"));
  const auto foreign = format_message_id(put_message("other", "ci-1"));
  const auto second = format_message_id(put_message("one", "ci-2"));
  EXPECT_THAT(must({"message", "list", "--account", "one"}), AllOf(HasSubstr(first), HasSubstr(second), Not(HasSubstr(foreign))));
  EXPECT_THAT(must({"message", "list", "--account", "one", "--before", foreign}),
              AllOf(HasSubstr(first), Not(HasSubstr(second)), Not(HasSubstr(foreign))));
  EXPECT_THAT(must({"message", "list", "--account", "other", "--run", "ci-1"}), AllOf(HasSubstr(foreign), Not(HasSubstr(first))));
  EXPECT_EQ(run({"message", "list", "--account", "nobody"}).status, kExitRefused);
}

TEST_F(CommandLine, ListsRetriesAndCancelsWhatIsQueued) {
  must({"account", "create", "demo"});
  const auto id = format_message_id(put_message("demo", "ci-1"));
  EXPECT_THAT(must({"queue", "list"}), HasSubstr(id));
  EXPECT_THAT(must({"queue", "show", "--json"}), HasSubstr("\"domain\":\"example.net\",\"recipients\":1,\"deferred\":0"));
  EXPECT_THAT(must({"queue", "retry", "--all"}), StartsWith("1 message is due now"));
  must({"queue", "cancel", id});
  EXPECT_THAT(must({"queue", "list"}), Not(HasSubstr(id)));
  EXPECT_THAT(must({"message", "show", id, "--json"}), HasSubstr("\"stage\":\"cancelled\""));
  EXPECT_THAT(must({"message", "list", "--stage", "cancelled"}), HasSubstr(id));
}

TEST_F(CommandLine, AddsShowsAndRemovesADomain) {
  write_config("hostname = \"relay.example.net\"\n");
  must({"account", "create", "demo"});
  const auto added = must({"domain", "add", "demo", "Example.ORG"});
  EXPECT_THAT(added, StartsWith("domain example.org (dom_"));
  EXPECT_THAT(added, HasSubstr("_postern.example.org. 3600 IN TXT \"postern-verification="));
  EXPECT_THAT(must({"domain", "list", "demo"}), HasSubstr("example.org"));
  EXPECT_THAT(must({"domain", "show", "example.org"}), HasSubstr("not_started"));
  const auto shown = must({"domain", "show", "example.org", "--json"});
  EXPECT_THAT(shown, Not(HasSubstr("PRIVATE KEY")));
  EXPECT_THAT(added, HasSubstr(must({"domain", "records", "example.org"})));
  EXPECT_EQ(run({"domain", "add", "demo", "not a domain"}).status, kExitUsage);
  EXPECT_EQ(run({"domain", "show", "other.example"}).status, kExitRefused);
  EXPECT_THAT(must({"domain", "remove", "example.org"}), HasSubstr("removed"));
  EXPECT_EQ(run({"domain", "show", "example.org"}).status, kExitRefused);
}

TEST_F(CommandLine, TellsThatADomainCannotBeLookedUpWithoutADns) {
  // Port 9 of loopback: nobody answers there.
  write_config("resolver_addresses = [\"127.0.0.1@9\"]\nresolver_timeout_seconds = 1\n");
  must({"account", "create", "demo"});
  must({"domain", "add", "demo", "example.org"});
  const Ran verified = run({"domain", "verify", "example.org"});
  EXPECT_EQ(verified.status, kExitRefused);
  EXPECT_THAT(verified.err, HasSubstr("example.org is not verified"));
  EXPECT_THAT(verified.out, HasSubstr("no answer: "));
}

TEST_F(CommandLine, KeepsTheSuppressionList) {
  must({"account", "create", "team"});
  must({"suppression", "add", "team", "gone@EXAMPLE.net", "other@example.net"});
  const std::string listed = must({"suppression", "list", "team"});
  EXPECT_THAT(listed, HasSubstr("gone@example.net"));
  EXPECT_THAT(listed, HasSubstr("manual"));
  must({"suppression", "remove", "team", "gone@Example.NET"});
  EXPECT_THAT(must({"suppression", "list", "team"}), Not(HasSubstr("gone@")));
  EXPECT_THAT(run({"suppression", "remove", "team", "gone@example.net"}).err, HasSubstr("not on the list"));
  EXPECT_EQ(run({"suppression", "add", "team", "nonsense"}).status, kExitUsage);
}

TEST_F(CommandLine, ChangesTheKeysOfADomain) {
  must({"account", "create", "demo"});
  must({"domain", "add", "demo", "example.org"});
  const std::string before = must({"domain", "records", "example.org"});
  EXPECT_THAT(must({"domain", "rotate-keys", "example.org"}), HasSubstr("postern domain verify example.org"));
  const std::string after = must({"domain", "records", "example.org"});
  EXPECT_NE(before, after) << "nobody has seen the first ones";
  EXPECT_THAT(run({"domain", "import-key", "example.org", "s1", (folder_ / "none.pem").string()}).err, HasSubstr("cannot read"));
  std::ofstream(folder_ / "bad.pem") << "no key";
  EXPECT_EQ(run({"domain", "import-key", "example.org", "s1", (folder_ / "bad.pem").string()}).status, kExitUsage);
  EXPECT_EQ(run({"domain", "drop-key", "example.org", "s1"}).status, kExitRefused);
}

TEST_F(CommandLine, SendsBlindCopiesWhereAnOperatorWantsThem) {
  must({"account", "create", "demo"});
  EXPECT_THAT(must({"account", "set-blind-copy", "demo", "archive@example.org"}), HasSubstr("archive@example.org as well"));
  EXPECT_THAT(must({"account", "show", "demo"}), ContainsRegex("blind copy to +archive@example.org"));
  EXPECT_EQ(run({"account", "set-blind-copy", "demo", "archive"}).status, kExitUsage);
  must({"account", "set-blind-copy", "demo", "off"});
  EXPECT_THAT(must({"account", "show", "demo"}), ContainsRegex("blind copy to +-\n"));
}

TEST_F(CommandLine, ShowsAndChangesWebhooks) {
  must({"account", "create", "team"});
  const std::string made = must({"webhook", "create", "team", "https://hooks.example.org/in"});
  EXPECT_THAT(made, ContainsRegex("events +all\nsecret +whsec_[A-Za-z0-9+/=]+\n"));
  const std::string id = made.substr(made.find("whk_"), made.find('\n') - made.find("whk_"));
  EXPECT_THAT(must({"webhook", "list"}), HasSubstr("https://hooks.example.org/in"));
  EXPECT_THAT(must({"webhook", "list", "team", "--json"}), Not(HasSubstr("whsec_")));
  must({"webhook", "disable", id.substr(0, 12)});
  EXPECT_THAT(must({"webhook", "show", id}), HasSubstr("disabled"));
  must({"webhook", "enable", id});
  EXPECT_THAT(must({"webhook", "show", id}), HasSubstr("enabled"));
  must({"webhook", "replay", id, "--since", "evt_1"});
  EXPECT_THAT(run({"webhook", "replay", id, "--event", "evt_1"}).err, HasSubstr("no such event"));
  EXPECT_EQ(run({"webhook", "replay", id}).status, kExitUsage);
  must({"webhook", "delete", id});
  EXPECT_THAT(run({"webhook", "show", id}).err, HasSubstr("no webhook"));
}

TEST_F(CommandLine, MakesChangesAndRenewsWebhooks) {
  must({"account", "create", "team"});
  EXPECT_THAT(must({"webhook", "create", "team", "https://a.example/", "--event", "email.bounced", "--environment", "test", "-q"}),
              MatchesRegex("whsec_[A-Za-z0-9+/=]+\n"));
  const std::string listed = must({"webhook", "list", "team", "--json"});
  EXPECT_THAT(listed, AllOf(HasSubstr("\"environment\":\"test\""), HasSubstr("\"events\":[\"email.bounced\"]")));
  const std::string id = listed.substr(listed.find("whk_"), 12);
  EXPECT_THAT(must({"webhook", "rotate", id, "--quiet"}), MatchesRegex("whsec_[A-Za-z0-9+/=]+\n"));
  EXPECT_THAT(must({"webhook", "set", id, "--all-events", "--endpoint", "https://b.example/in"}),
              HasSubstr("sends all to https://b.example/in"));
  EXPECT_EQ(run({"webhook", "set", id}).status, kExitUsage);
  EXPECT_EQ(run({"webhook", "create", "team", "ftp://a.example/"}).status, kExitUsage);
  EXPECT_EQ(run({"webhook", "create", "team", "https://a.example/", "--event", "email.eaten"}).status, kExitUsage);
  EXPECT_EQ(run({"webhook", "create", "nobody", "https://a.example/"}).status, kExitRefused);
}

TEST_F(CommandLine, ChecksTheConfiguration) {
  EXPECT_THAT(must({"config", "check"}), HasSubstr("postern.toml: usable"));
  EXPECT_EQ(must({"config", "check", "--quiet"}), "");
  write_config("max_recipient = 5\n");
  const Ran bad = run({"config", "check", "--json"});
  EXPECT_EQ(bad.status, kExitRefused);
  EXPECT_THAT(bad.out, HasSubstr("\"usable\":false"));
  EXPECT_THAT(bad.out, HasSubstr("did you mean max_recipients?"));
  EXPECT_THAT(run({"account", "list"}).err, HasSubstr("did you mean max_recipients?"));
}

TEST_F(CommandLine, SaysWhoseTheStoreIs) {
  must({"account", "create", "demo"});
  std::filesystem::permissions(folder_, std::filesystem::perms(0755));
  std::filesystem::permissions(folder_ / "data", std::filesystem::perms::none);
  const bool is_root = ::geteuid() == 0;
  ASSERT_TRUE(!is_root || ::seteuid(65'534) == 0);
  const Ran refused = run({"account", "list"});
  ASSERT_TRUE(!is_root || ::seteuid(0) == 0);
  std::filesystem::permissions(folder_ / "data", std::filesystem::perms::owner_all);
  EXPECT_EQ(refused.status, kExitRefused);
  EXPECT_THAT(refused.err, HasSubstr("Permission denied; run this as the user that owns " + (folder_ / "data").string()));
}

TEST_F(CommandLine, TakesAnOptionOfManyValuesBeforeTheNames) {
  must({"account", "create", "--domain", "one.example", "--domain", "two.example", "demo"});
  EXPECT_THAT(must({"account", "show", "demo", "--json"}), HasSubstr("\"from_domains\":[\"one.example\",\"two.example\"]"));
}

TEST_F(CommandLine, SaysItsVersion) {
  EXPECT_THAT(must({"--version"}), MatchesRegex("postern [0-9.]+\n"));
  EXPECT_EQ(must({"--version"}), must({"version"}));
}

TEST_F(CommandLine, ExaminesTheInstallation) {
  must({"account", "create", "demo"});
  const auto findings = run({"doctor", "--json"}).out;
  for (const char* check : {"configuration", "hostname", "limits", "clock", "disk", "store", "certificate", "listener",
                            "http listener", "route"}) {
    EXPECT_THAT(findings, HasSubstr("\"check\":\"" + std::string(check) + "\""));
  }
  write_config("tls_certificate_file = \"none.crt\"\ntls_key_file = \"none.key\"\n");
  const Ran ran = run({"doctor"});
  EXPECT_EQ(ran.status, kExitRefused);
  EXPECT_THAT(ran.out, HasSubstr("fail  certificate"));
}

}  // namespace
}  // namespace postern::app
