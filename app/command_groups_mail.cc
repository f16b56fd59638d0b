// Domains, whom they reach, and messages: what went out, what came in, what is told of them.
#include "app/command_groups.h"

#include "app/commands.h"

namespace postern::app {
namespace {

void declare_domain(CLI::App& app, Builder& build) {
  CLI::App& noun = build.group(app, "domain", "Sending domains: DNS records, verification, DKIM keys");
  auto [add, account, name] = build.command(noun, "add", "Add a domain and make its DKIM keys", add_domain);
  add.add_option("account", account)->required();
  add.add_option("name", name, "the domain that From fields will have")->required();
  build.list(noun, "List domains", list_domains);
  build.on(noun, "show", "domain", "Show a domain and what the DNS last said of its records", show_domain);
  build.on(noun, "records", "domain", "Print the records to publish as lines of a zone file", print_domain_records);
  build.on(noun, "verify", "domain", "Look its records up now", verify_domain);
  build.on(noun, "rotate-keys", "domain", "Make successors of its DKIM keys; each signs once verify finds its record",
           rotate_domain_keys);
  auto [importing, imported] =
      build.command(noun, "import-key", "Sign with a DKIM key that another system made", import_domain_key);
  importing.add_option("domain", imported.domain)->required();
  importing.add_option("selector", imported.selector, "s2026, as in s2026._domainkey")->required();
  importing.add_option("file", imported.file, "the private key in PEM, without a password; - is standard input")->required();
  auto [dropping, keyed, selector] =
      build.command(noun, "drop-key", "Forget a DKIM key that waits or is retired", drop_domain_key);
  dropping.add_option("domain", keyed)->required();
  dropping.add_option("selector", selector)->required();
  build.on(noun, "remove", "domain", "Remove it with its keys", remove_domain);
  auto [receive, receiving, how] = build.command(noun, "receive", "Whether mail for it is taken in", set_domain_receiving);
  receive.add_option("domain", receiving)->required();
  receive.add_option("how", how, "what to do")->required()->check(CLI::IsMember({"on", "off"}));
  auto [checks, checked, policy] =
      build.command(noun, "checks", "What becomes of mail for it that fails SPF, DKIM and DMARC", set_domain_checks);
  checks.add_option("domain", checked)->required();
  checks.add_option("policy", policy, "note it, mark it too, or refuse what its author's domain wants rejected")
      ->required()
      ->check(CLI::IsMember({"observe", "tag", "reject"}));
}

void declare_route(CLI::App& app, Builder& build) {
  CLI::App& noun = build.group(app, "route", "Which addresses of a domain receive, and what is done with their mail");
  auto [add, route_options] = build.command(noun, "add", "Add a route; every one that matches runs", add_route);
  add.add_option("domain", route_options.domain)->required();
  add.add_option("match", route_options.match, "local part with at most one star: sales, ticket+*, *")->required();
  add.add_option("action", route_options.action, "what is done with it")
      ->required()
      ->check(CLI::IsMember({"store", "webhook", "forward", "drop"}));
  add.add_option("--to", route_options.destination, "of forward: the address that it is sent on to");
  build.on(noun, "list", "domain", "List a domain's routes", list_routes);
  auto [remove, of, route] = build.command(noun, "remove", "Remove a route", remove_route);
  remove.add_option("domain", of)->required();
  remove.add_option("route", route)->required();
  build.on(noun, "test", "address", "Say what would be done with mail to an address", test_route);
}

void declare_sandbox(CLI::App& app, Builder& build) {
  CLI::App& noun = build.group(app, "sandbox", "What an account in sandbox mode may reach; scenarios of test keys");
  build.on_addresses(noun, "add", "Allow recipients", allow_recipients);
  build.on_addresses(noun, "remove", "Disallow recipients", disallow_recipients);
  build.on(noun, "list", "account", "List the allowed recipients", list_whitelist);
  build.command(noun, "scenarios", "List the recipients that simulate an outcome", list_scenarios, Needs::Settings);
}

void declare_suppression(CLI::App& app, Builder& build) {
  CLI::App& noun = build.group(app, "suppression", "Addresses that an account's live mail is not sent to");
  build.on_addresses(noun, "add", "Suppress addresses", add_suppressions);
  build.on_addresses(noun, "remove", "Send to them again", remove_suppressions);
  build.on(noun, "list", "account", "List suppressed addresses and why they are", list_suppressions);
}

void declare_inbound(CLI::App& app, Builder& build) {
  CLI::App& noun = build.group(app, "inbound", "What comes back and what comes in");
  auto [listing, list] = build.command(noun, "list", "List what came in for an account, newest first", list_inbound);
  listing.add_option("account", list.account)->required();
  add_limit(listing, list.limit);
  auto [showing, show] = build.command(noun, "show", "Show one message that came in", show_inbound);
  showing.add_option("message", show.id, "id or its beginning")->required();
  showing.add_flag("--raw", show.shows_content, "print its content and nothing else");
  auto [verb, path] =
      build.command(noun, "read", "Say what a file with a bounce, a complaint or an answer of a machine is taken for",
                    read_returned_file, Needs::Settings);
  verb.add_option("file", path)->required();
  auto [reporting, report] = build.command(noun, "report", "Print a report of DMARC or of TLS: the file, or the mail with it",
                                           read_report_file, Needs::Settings);
  reporting.add_option("file", report)->required();
}

void declare_webhook(CLI::App& app, Builder& build) {
  CLI::App& noun = build.group(app, "webhook", "Endpoints that get an account's events");
  auto [creating, create] = build.command(noun, "create", "Send an account's events to an endpoint; prints its secret, once",
                                          create_webhook);
  creating.add_option("account", create.account)->required();
  creating.add_option("endpoint", create.url, "https://…")->required();
  add_repeated(creating, "--event", create.events, "a type such as email.bounced; none: all");
  creating.add_option("--environment", create.environment, "whose mail's events; default: live")
      ->check(CLI::IsMember({"live", "test", "all"}));
  add_repeated(creating, "--from-domain", create.from_domains, "only of mail from this domain; none: of all");
  creating.add_flag("--quiet,-q", create.is_quiet, "print the secret and nothing else");
  auto [setting, set] = build.command(noun, "set", "Change a webhook: what is named, nothing else", set_webhook);
  setting.add_option("webhook", set.webhook)->required();
  setting.add_option("--endpoint", set.url);
  add_repeated(setting, "--event", set.events, "a type that it gets, in place of those it has");
  setting.add_flag("--all-events", set.is_all_events)->excludes("--event");
  auto [rotating, rotated, is_quiet] =
      build.command(noun, "rotate", "Make a new secret and print it; the old one signs too for a day", rotate_webhook);
  rotating.add_option("webhook", rotated)->required();
  rotating.add_flag("--quiet,-q", is_quiet, "print the secret and nothing else");
  build.list(noun, "List webhooks", list_webhooks);
  build.on(noun, "show", "webhook", "Show a webhook and how far it is", show_webhook);
  build.on(noun, "enable", "webhook", "Send again, also after it was disabled by failures", enable_webhook);
  build.on(noun, "disable", "webhook", "Send nothing; its events wait in the log", disable_webhook);
  build.on(noun, "delete", "webhook", "Remove it with what waits for it", delete_webhook);
  auto [verb, replay] = build.command(noun, "replay", "Send events again", replay_webhook);
  verb.add_option("webhook", replay.webhook)->required();
  auto* event = verb.add_option("--event", replay.event, "this one, such as evt_4711");
  verb.add_option("--since", replay.since, "this one and all after it")->excludes(event);
}

void declare_message_search(CLI::App& noun, Builder& build) {
  auto [verb, search] = build.command(noun, "search", "Find messages, newest first: all that is said has to fit", search_messages);
  verb.add_option("text", search.text, "in an address, the subject or the Message-ID");
  add_limit(verb, search.list.limit);
  verb.add_option("--to", search.to, "a recipient's address");
  verb.add_option("--from", search.from, "the author's address");
  verb.add_option("--subject", search.subject, "what the subject holds");
  verb.add_option("--message-id", search.message_id, "the Message-ID, with angle brackets or without");
  verb.add_option("--key", search.key, "the key that it was sent with");
  verb.add_option("--tag", search.tag, "name, or name:value");
  verb.add_option("--account", search.list.account);
  verb.add_option("--run", search.list.run, "the AUTH user name");
  verb.add_option("--stage", search.list.stage,
                  "of a recipient: pending, delivered, bounced, expired, suppressed, cancelled, complained");
  verb.add_option("--status", search.status, "last event, such as delivered, delivery_delayed, bounced");
  verb.add_option("--environment", search.environment)->check(CLI::IsMember({"live", "test"}));
  verb.add_option("--since", search.since, "2h ago, a date or a time (UTC)");
  verb.add_option("--until", search.until, "the same; before it");
}

void declare_message(CLI::App& app, Builder& build) {
  CLI::App& noun = build.group(app, "message", "Accepted messages: state, events, content");
  auto [listing, list] = build.command(noun, "list", "List messages, newest first", list_messages);
  add_limit(listing, list.limit);
  listing.add_option("--before", list.before, "only older ones than this message");
  listing.add_option("--account", list.account);
  listing.add_option("--run", list.run, "only with this AUTH user name");
  listing.add_option("--stage", list.stage, "pending, delivered, bounced, expired, suppressed, cancelled or complained");
  declare_message_search(noun, build);
  auto [verb, show] = build.command(noun, "show", "Show one message", show_message);
  verb.add_option("message", show.message, "id or its beginning");
  verb.add_flag("--latest", show.is_latest, "the newest one");
  verb.add_flag("--raw", show.shows_content, "print its content and nothing else");
  verb.add_flag("--events", show.shows_events, "with what happened to it");
}

void add_run(CLI::App& verb, RunChoice& which) {
  verb.add_option("run", which.run, "the AUTH user name of its messages")->required();
  verb.add_option("--account", which.account, "whose run it is, where several accounts have one of that name");
}

void add_mail_pattern(CLI::App& verb, RunWaitOptions& wanted) {
  verb.add_option("--to", wanted.to, "a recipient; * stands for any run of characters");
  verb.add_option("--from", wanted.from, "the author or the reverse-path; the same");
  verb.add_option("--subject", wanted.subject, "what the subject holds");
  verb.add_option("--tag", wanted.tag, "name, or name:value");
  verb.add_option("--status", wanted.status, "last event, such as delivered, delivery_delayed, bounced");
  verb.add_flag("--notice", wanted.wants_notices, "what the relay itself sent about the run's mail");
}

void declare_run(CLI::App& app, Builder& build) {
  CLI::App& noun = build.group(app, "run", "Runs: test messages by their AUTH user name");
  auto [list, limit] = build.command(noun, "list", "List runs", list_runs);
  add_limit(list, limit);
  auto [verb, show] = build.command(noun, "show", "List the messages of a run", show_run);
  add_run(verb, show.which);
  add_limit(verb, show.limit);
  auto [waiting, wait] = build.command(noun, "wait", "Wait until a run has such mail", wait_for_run);
  add_run(waiting, wait.which);
  add_mail_pattern(waiting, wait);
  waiting.add_option("--count", wait.count, "so many; default 1")->check(CLI::Range(1, 1'000));
  waiting.add_option("--timeout", wait.seconds, "seconds; default 10")->check(CLI::Range(0, 3'600));
  auto [extracting, extract] = build.command(
      noun, "extract", "Print the links, one-time codes and unsubscribe addresses of a run's newest such mail", extract_from_run);
  add_run(extracting, extract.which);
  add_mail_pattern(extracting, extract);
  auto [asserting, expected] = build.command(noun, "assert", "Compare a run with expectations; prints TAP", assert_run);
  add_run(asserting, expected.which);
  asserting.add_option("file", expected.file, "expectations as JSON (docs/testing.md); - is standard input")->required();
  asserting.add_option("--timeout", expected.seconds, "wait so many seconds until all hold")->check(CLI::Range(0, 3'600));
  auto [checking, check] = build.command(noun, "check", "Print what receivers hold against a run's newest such mail", check_run);
  add_run(checking, check.which);
  add_mail_pattern(checking, check);
  auto [exporting, exported] = build.command(noun, "export", "Print a run with its mail and its journal, as a file for replay",
                                             export_run);
  add_run(exporting, exported);
  auto [replaying, file] = build.command(
      noun, "replay", "Play an exported run again by this program, in a store of its own, and print what differs", replay_run,
      Needs::Settings);
  replaying.add_option("file", file, "what export printed; - is standard input")->required();
  auto [removing, remove] = build.command(noun, "remove", "Remove a run with its messages, queued or captured", remove_run);
  add_run(removing, remove.which);
  removing.add_flag("--yes", remove.is_sure, "without asking");
}

void declare_test(CLI::App& app, Builder& build) {
  auto [verb, test] = build.command(app, "test", "Run a command beside a relay of its own, and compare its mail with expectations",
                                    run_test, Needs::Nothing);
  verb.add_option("script", test.script, "what goes wrong and what is expected, as TOML or JSON (docs/testing.md)")->required();
  verb.add_option("command", test.command, "the command and its arguments, behind --")->required();
  verb.add_option("--junit", test.junit, "write the results there, too, as JUnit does");
}

// For texts about it: its words are read by sendmail_words(), before those of all others.
void declare_sendmail(CLI::App& app, Builder& build) {
  auto [verb, words] = build.command(app, "sendmail", "Send a message from standard input, called as sendmail(8) is",
                                     run_sendmail_words, Needs::Nothing);
  verb.add_option("word", words, "recipients, and sendmail's -t -f -F -i -bs -bp -q; see docs/operations.md");
  verb.allow_extras();
}

}  // namespace

void declare_mail(CLI::App& app, Builder& build) {
  declare_domain(app, build);
  declare_route(app, build);
  declare_sandbox(app, build);
  declare_suppression(app, build);
  declare_inbound(app, build);
  declare_webhook(app, build);
  declare_message(app, build);
  declare_run(app, build);
  declare_sendmail(app, build);
  declare_test(app, build);
}

}  // namespace postern::app
