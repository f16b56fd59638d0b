// Accounts, keys and the queue by the command line: what is changed, what is asked before, what is said afterwards.
#include "tests/unit/app/command_line_fixture.h"

namespace postern::app {
namespace {

TEST_F(CommandLine, ChangesOfAPlanWhatIsNamedAndShowsBothStates) {
  must({"account", "create", "demo"});
  const auto first = must({"account", "set-plan", "demo", "--per-day", "1000"});
  EXPECT_THAT(first, HasSubstr("plan was starter (10 a second, unlimited a day, unlimited a month)"));
  EXPECT_THAT(first, HasSubstr("plan is now custom (10 a second, 1000 a day, unlimited a month)"));
  EXPECT_THAT(must({"account", "set-plan", "demo", "--per-second", "20"}),
              HasSubstr("is now custom (20 a second, 1000 a day, unlimited a month)"));
  EXPECT_THAT(must({"account", "set-plan", "demo", "growth"}),
              HasSubstr("is now custom (100 a second, 1000 a day, unlimited a month)"));
  EXPECT_THAT(must({"account", "set-plan", "demo", "--per-day", "unlimited", "--json"}),
              HasSubstr("\"after\":{\"name\":\"custom\",\"per_second\":100,\"per_day\":\"unlimited\""));
}

TEST_F(CommandLine, ChangesWhatAnAccountMaySendFromAndWhetherItSuppresses) {
  must({"account", "create", "demo", "--domain", "example.org"});
  EXPECT_THAT(must({"account", "set-domains", "demo", "example.net", ".Example.COM"}),
              HasSubstr("From domains were example.org, are now example.net, .example.com"));
  EXPECT_EQ(run({"account", "set-domains", "demo"}).status, kExitUsage);
  EXPECT_EQ(run({"account", "set-domains", "demo", "-x-"}).status, kExitUsage);
  EXPECT_THAT(must({"account", "set-domains", "demo", "--any"}), HasSubstr("are now any"));
  constexpr std::pair<const char*, const char*> kChoices[] = {{"off", "\"auto_suppression\":false,\"suppression_days\":null"},
                                                              {"30d", "\"auto_suppression\":true,\"suppression_days\":30"},
                                                              {"on", "\"auto_suppression\":true,\"suppression_days\":null"}};
  for (const auto& [how, shown] : kChoices) {
    must({"account", "set-suppression", "demo", how});
    EXPECT_THAT(must({"account", "show", "demo", "--json"}), HasSubstr(shown));
  }
  for (const char* how : {"perhaps", "0d", "4000d", "d"}) {
    EXPECT_EQ(run({"account", "set-suppression", "demo", how}).status, kExitUsage) << how;
  }
}

TEST_F(CommandLine, RemovesAnAccountWithWhatItHasQueuedButNotWithoutASecondWord) {
  must({"account", "create", "demo"});
  must({"key", "create", "demo", "--live", "--quiet"});
  const auto id = format_message_id(put_message("demo", "app", Environment::Live));
  const Ran asked = run({"account", "remove", "demo"});
  EXPECT_EQ(asked.status, kExitRefused);
  EXPECT_THAT(asked.err, HasSubstr("would be removed with 1 key, 0 users"));
  EXPECT_THAT(asked.err, HasSubstr("1 queued message, which is cancelled without a report: say --yes"));
  EXPECT_THAT(must({"account", "list"}), HasSubstr("demo"));
  must({"account", "remove", "demo", "--yes"});
  EXPECT_THAT(must({"account", "list"}), Not(HasSubstr("demo")));
  EXPECT_THAT(must({"message", "show", id, "--json"}), HasSubstr("\"stage\":\"cancelled\""));
}

TEST_F(CommandLine, CancelsTheMessagesThatAFilterPicks) {
  for (const char* name : {"demo", "other"}) must({"account", "create", name});
  const auto mine = format_message_id(put_message("demo", "app", Environment::Live));
  const auto others = format_message_id(put_message("other", "app", Environment::Live));
  const auto is_queued = [&](const std::string& id) { return must({"queue", "list"}).find(id) != std::string::npos; };
  EXPECT_EQ(run({"queue", "cancel"}).status, kExitUsage);
  EXPECT_EQ(run({"queue", "cancel", mine, "--all"}).status, kExitUsage);
  EXPECT_THAT(run({"queue", "cancel", "--all"}).err, HasSubstr("2 messages would be cancelled: say --yes"));
  EXPECT_THAT(must({"queue", "cancel", "--account", "demo", "--domain", "example.com", "--yes"}), StartsWith("0 messages"));
  EXPECT_THAT(must({"queue", "cancel", "--sender", "you@example.org", "--yes"}), StartsWith("0 messages"));
  EXPECT_THAT(must({"queue", "cancel", "--account", "demo", "--domain", "EXAMPLE.net", "--yes"}), StartsWith("1 message:"));
  EXPECT_FALSE(is_queued(mine));
  EXPECT_TRUE(is_queued(others));
  EXPECT_THAT(must({"queue", "cancel", "--sender", "example.org", "--yes", "--json"}), HasSubstr("\"messages\":1"));
  EXPECT_FALSE(is_queued(others));
}

TEST_F(CommandLine, GivesListsAndEndsOrdersOnWhatWaits) {
  must({"account", "create", "demo"});
  const auto id = format_message_id(put_message("demo", "app", Environment::Live));
  EXPECT_THAT(must({"queue", "suspend", "--domain", "Example.NET", "--for", "2h", "--reason", "moving"}),
              HasSubstr(": domain example.net waits until "));
  EXPECT_THAT(must({"queue", "hold", id}), HasSubstr(": message " + id + " waits until "));
  EXPECT_THAT(must({"queue", "suspend", "--account", "demo", "--tag", "campaign=spring"}), HasSubstr("tag campaign=spring"));
  const std::string orders = must({"queue", "orders"});
  for (const char* said : {"domain example.net", "moving", "message", "account"}) EXPECT_THAT(orders, HasSubstr(said));
  EXPECT_THAT(must({"explain", "delivery", "example.net"}), ContainsRegex("suspended +domain example.net, until "));
  EXPECT_THAT(must({"explain", "delivery", "example.com"}), Not(HasSubstr("domain example.net, until")));
  EXPECT_THAT(must({"audit", "list"}), HasSubstr("order.given"));

  EXPECT_EQ(run({"queue", "suspend"}).status, kExitUsage) << "of nothing";
  EXPECT_EQ(run({"queue", "suspend", "--domain", "a b"}).status, kExitUsage);
  EXPECT_EQ(run({"queue", "suspend", "--domain", "*", "--for", "400d"}).status, kExitUsage);
  EXPECT_EQ(run({"queue", "move", id, "--to", "nowhere"}).status, kExitUsage);
  EXPECT_EQ(run({"queue", "suspend", "--account", "nobody"}).status, kExitRefused);
  const Ran asked = run({"queue", "bounce", "--domain", "*"});
  EXPECT_THAT(asked.err, HasSubstr("domain * would be given up, and its senders told: say --yes"));

  EXPECT_EQ(run({"queue", "resume"}).status, kExitUsage);
  EXPECT_EQ(run({"queue", "resume", "--domain", "example.com"}).status, kExitRefused) << "nobody suspended it";
  EXPECT_THAT(must({"queue", "resume", "--domain", "example.net"}), StartsWith("1 order has ended"));
  EXPECT_THAT(must({"queue", "release", id}), StartsWith("1 order has ended"));
  const std::string left = must({"queue", "orders", "--json"});
  EXPECT_THAT(left, HasSubstr("\"action\":\"hold\""));
  EXPECT_EQ(run({"queue", "resume", "ord_x"}).status, kExitRefused);
  EXPECT_THAT(must({"queue", "resume", "ord_"}), StartsWith("1 order has ended"));
  EXPECT_EQ(must({"queue", "orders", "--json"}), "[]\n");
}

TEST_F(CommandLine, RetriesTheMessagesThatAFilterPicks) {
  for (const char* name : {"demo", "other"}) must({"account", "create", name});
  put_message("demo", "app", Environment::Live);
  put_message("other", "app", Environment::Live);
  EXPECT_THAT(must({"queue", "retry", "--account", "demo"}), StartsWith("1 message is due now"));
  EXPECT_THAT(must({"queue", "retry", "--domain", "example.net"}), StartsWith("2 messages are due now"));
  EXPECT_THAT(must({"queue", "retry", "--sender", "nobody@example.org"}), StartsWith("0 messages"));
}

TEST_F(CommandLine, SaysHowManyMoreThereAre) {
  must({"account", "create", "demo"});
  for (int i = 0; i < 3; ++i) put_message("demo", "ci-1");
  for (const char* noun : {"queue", "message"}) {
    EXPECT_THAT(must({noun, "list", "--limit", "1"}), HasSubstr("2 more: --limit NUMBER or --all")) << noun;
    EXPECT_THAT(must({noun, "list", "--all"}), Not(HasSubstr("more:"))) << noun;
    EXPECT_THAT(must({noun, "list", "--limit", "3"}), Not(HasSubstr("more:"))) << noun;
    EXPECT_EQ(run({noun, "list", "--all", "--limit", "3"}).status, kExitUsage) << noun;
    const Ran listed = run({noun, "list", "--limit", "1", "--json"});
    EXPECT_THAT(listed.err, HasSubstr("2 more")) << noun;
    EXPECT_THAT(listed.out, Not(HasSubstr("more:"))) << "what programs read stays JSON";
  }
  EXPECT_THAT(must({"run", "show", "ci-1", "--limit", "2"}), HasSubstr("1 more"));
}

TEST_F(CommandLine, ChangesWhatAKeyMayDo) {
  must({"account", "create", "demo", "--domain", "example.org", "--domain", "example.net"});
  const auto prefix = must({"key", "create", "demo", "--live", "--quiet"}).substr(0, 16);
  EXPECT_THAT(must({"key", "list"}), HasSubstr("full_access"));
  EXPECT_EQ(run({"key", "set", prefix}).status, kExitUsage);
  const auto changed = must({"key", "set", prefix, "--permission", "sending_access", "--from-domain", "example.net", "--network",
                             "192.0.2.0/24", "--rate", "5"});
  EXPECT_THAT(changed, HasSubstr("was: default, full_access, From domains the account's, networks any, the plan's rate"));
  EXPECT_THAT(changed, HasSubstr("is now: default, sending_access, From domains example.net, networks 192.0.2.0/24, "
                                 "5 messages a second"));
  EXPECT_THAT(must({"key", "set", prefix, "--name", "shop"}), HasSubstr("is now: shop, sending_access, From domains example.net"));
  EXPECT_THAT(must({"key", "set", prefix, "--any-domain", "--any-network", "--rate", "plan"}),
              HasSubstr("From domains the account's, networks any, the plan's rate"));
  EXPECT_THAT(run({"key", "set", prefix, "--from-domain", "example.com"}).err, HasSubstr("not among the account's domains"));
  EXPECT_EQ(run({"key", "set", prefix, "--rate", "fast"}).status, kExitUsage);
}

TEST_F(CommandLine, DemandsANameForAKeyWhereTheSchemeDoes) {
  must({"account", "create", "demo"});
  write_config("key_name_required = true\n");
  EXPECT_THAT(run({"key", "create", "demo", "--live"}).err, HasSubstr("name is missing"));
  must({"key", "create", "demo", "--live", "--name", "shop"});
}

TEST_F(CommandLine, TellsExpiringFromExtending) {
  EXPECT_THAT(run({"key", "expire", "--help"}).out, HasSubstr("Set the date at which it stops working"));
  EXPECT_THAT(run({"key", "extend", "--help"}).out, HasSubstr("Let it work until a later date"));
}

}  // namespace
}  // namespace postern::app
