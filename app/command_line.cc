#include "app/command_line.h"

#include "app/command_builder.h"
#include "app/commands.h"
#include "app/config.h"
#include "app/output.h"
#include "app/version.h"
#include "core/nearest_word.h"

#include <limits>

namespace postern::app {
namespace {

// One value each time it is given: what follows is not its own.
void add_repeated(CLI::App& verb, const std::string& name, std::vector<std::string>& values, const std::string& help) {
  verb.add_option(name, values, help + "; may be repeated")->allow_extra_args(false);
}

void add_limit(CLI::App& verb, std::size_t& limit) {
  auto* most = verb.add_option("--limit", limit = 50, "at most so many; default 50")->check(CLI::Range(1, 1'000'000));
  verb.add_flag_callback("--all", [&limit] { limit = std::numeric_limits<std::size_t>::max(); }, "all of them")->excludes(most);
}

void add_plan_options(CLI::App& verb, PlanOptions& plan) {
  verb.add_option("--per-second", plan.per_second, "messages a second: a number or unlimited");
  verb.add_option("--per-day", plan.per_day, "recipients a day (UTC): a number or unlimited");
  verb.add_option("--per-month", plan.per_month, "recipients a month (UTC): a number or unlimited");
}

void declare_account_settings(CLI::App& noun, Builder& build) {
  auto [domains, account, names, is_any] =
      build.command(noun, "set-domains", "Set the domains that it may send from; names all of them", set_account_domains);
  domains.add_option("account", account)->required();
  domains.add_option("domain", names, "example.org, or .example.org with every name below it");
  domains.add_flag("--any", is_any, "any domain");
  auto [suppression, suppressed, how] = build.command(
      noun, "set-suppression", "Whether hard bounces and complaints suppress an address", set_account_suppression);
  suppression.add_option("account", suppressed)->required();
  suppression.add_option("how", how, "on, off, or for a time such as 30d")->required();
}

void declare_account(CLI::App& app, Builder& build) {
  CLI::App& noun = build.group(app, "account", "Accounts: mode, plan, suspension");
  auto [create, options] = build.command(noun, "create", "Make an account", create_account);
  create.add_option("name", options.name)->required();
  create.add_option("--mode", options.mode, "sandbox (default) or production");
  create.add_option("--plan", options.plan.name, "starter (default), growth or scale");
  add_repeated(create, "--domain", options.domains, "a domain that it may send from, or .example.org and all below; none: any");
  add_plan_options(create, options.plan);
  build.command(noun, "list", "List accounts", list_accounts);
  build.on(noun, "show", "account", "Show an account and its use of quotas", show_account);
  auto [set_mode, moded, mode] = build.command(noun, "set-mode", "Switch between sandbox and production", set_account_mode);
  set_mode.add_option("account", moded)->required();
  set_mode.add_option("mode", mode, "sandbox or production")->required();
  auto [set_plan, planned, plan] =
      build.command(noun, "set-plan", "Change rate and quotas: those that are named, no others", set_account_plan);
  set_plan.add_option("account", planned)->required();
  set_plan.add_option("plan", plan.name, "starter, growth or scale: the rate of that plan");
  add_plan_options(set_plan, plan);
  build.on(noun, "suspend", "account", "Refuse its mail from the next MAIL on", suspend_account);
  build.on(noun, "resume", "account", "End a suspension", resume_account);
  declare_account_settings(noun, build);
  auto [removing, removed] =
      build.command(noun, "remove", "Remove it with all that is its; what it has queued is cancelled", remove_account);
  removing.add_option("account", removed.account)->required();
  removing.add_flag("--yes", removed.is_sure, "without asking");
  build.command(noun, "requests", "List who asks to leave the sandbox", list_production_requests);
  build.on(noun, "approve", "account", "Grant what it asked for: production mode", approve_production);
  build.on(noun, "decline", "account", "Refuse what it asked for", decline_production);
}

void declare_user(CLI::App& app, Builder& build) {
  CLI::App& noun = build.group(app, "user", "People who manage an account over HTTP; a password is read from standard input");
  auto [create, user] = build.command(noun, "create", "Add a user to an account", create_user);
  create.add_option("account", user.account)->required();
  create.add_option("email", user.email)->required();
  create.add_flag("--operator", user.is_operator, "who operates the installation: sees and changes all accounts over HTTP");
  build.list(noun, "List users", list_users);
  build.on(noun, "password", "user", "Set a new password; the user is named by address or id", set_user_password);
  build.on(noun, "delete", "user", "Remove a user; the account and its keys stay", delete_user);
}

void declare_audit(CLI::App& app, Builder& build) {
  CLI::App& noun = build.group(app, "audit", "Who changed what, at the command line and over HTTP");
  auto [verb, account, limit] = build.command(noun, "list", "List changes, the newest first", list_audit);
  verb.add_option("account", account, "default: of all accounts");
  add_limit(verb, limit);
}

void declare_key_create(CLI::App& noun, Builder& build) {
  auto [verb, create] = build.command(noun, "create", "Make an API key and print it, once", create_key);
  verb.add_option("account", create.account)->required();
  auto* test = verb.add_flag("--test", create.is_test, "a key that simulates everything");
  verb.add_flag("--live", create.is_live, "a key that relays")->excludes(test);
  verb.add_option("--name", create.name, "for people");
  verb.add_option("--expires", create.expires, "30d, 12h or a date; default: never");
  verb.add_option("--permission", create.permission,
                  "full_access (default: sends, reads and manages) or sending_access (only sends)");
  add_repeated(verb, "--from-domain", create.from_domains, "a domain, or .example.org and all below; none: the account's");
  add_repeated(verb, "--network", create.networks, "a client network such as 192.0.2.0/24; none: any");
  verb.add_option("--rate", create.per_second, "messages a second, below the plan's");
  verb.add_flag("--quiet,-q", create.is_quiet, "print the key and nothing else");
}

void declare_key_set(CLI::App& noun, Builder& build) {
  auto [verb, set] = build.command(noun, "set", "Change what a key may do: what is named, nothing else", set_key);
  verb.add_option("key", set.key)->required();
  verb.add_option("--name", set.name);
  verb.add_option("--permission", set.permission, "full_access or sending_access");
  add_repeated(verb, "--from-domain", set.from_domains, "a domain that it may send from, in place of those it has");
  verb.add_flag("--any-domain", set.is_any_domain, "all of the account's domains")->excludes("--from-domain");
  add_repeated(verb, "--network", set.networks, "a client network, in place of those it has");
  verb.add_flag("--any-network", set.is_any_network, "from anywhere")->excludes("--network");
  verb.add_option("--rate", set.per_second, "messages a second, or plan: the plan's");
}

void declare_key(CLI::App& app, Builder& build) {
  CLI::App& noun = build.group(app, "key", "API keys: create, rotate, revoke");
  declare_key_create(noun, build);
  declare_key_set(noun, build);
  build.list(noun, "List keys", list_keys);
  build.on(noun, "show", "key", "Show a key's policy and last use; by id, prefix or the beginning of either", show_key);
  auto [revoke, revoked, is_here] =
      build.command(noun, "revoke", "Refuse it at once and for good, in open sessions too", revoke_key);
  revoke.add_option("key", revoked)->required();
  revoke.add_flag("--here", is_here, "on this node of a cluster only, until its database answers");
  for (const auto& [name, help] : {std::pair("expire", "Set the date at which it stops working, such as 30d from now"),
                                   std::pair("extend", "Let it work until a later date, also one that has expired")}) {
    auto [verb, key, when] = build.command(noun, name, help, set_key_expiry);
    verb.add_option("key", key)->required();
    verb.add_option("when", when, "30d from now, a date, or never")->required();
  }
  auto [verb, rotate] = build.command(noun, "rotate", "Make a successor with the same policy", rotate_key);
  verb.add_option("key", rotate.key)->required();
  verb.add_option("--overlap", rotate.overlap, "how long the old key still works: 24h, 30m; default 0");
  verb.add_flag("--quiet,-q", rotate.is_quiet, "print the new key and nothing else");
  build.on(noun, "delete", "key", "Remove it without a trace", delete_key);
}

void declare_cluster(CLI::App& app, Builder& build) {
  CLI::App& noun = build.group(app, "cluster", "Several machines with one directory, through PostgreSQL");
  build.command(noun, "init", "Make a cluster of this machine, with all that it has", init_cluster);
  build.command(noun, "join", "Make this machine, which has no accounts yet, a node of the cluster", join_cluster);
  build.command(noun, "leave", "Give this machine's store back to itself, with all that it has", leave_cluster);
  build.command(noun, "check", "Look whether the database is set up for what is asked of it", check_cluster);
  build.command(noun, "status", "Show the nodes and how far each of them is", show_cluster);
  CLI::App& node = build.group(app, "node", "The machines of the cluster");
  build.command(node, "list", "Show the nodes and how far each of them is", show_cluster);
  build.on(node, "remove", "node", "Forget a machine that will not come back", remove_node);
}

void declare_domain(CLI::App& app, Builder& build) {
  CLI::App& noun = build.group(app, "domain", "Sending domains: DNS records, verification, DKIM keys");
  auto [add, account, name] = build.command(noun, "add", "Add a domain and make its DKIM keys", add_domain);
  add.add_option("account", account)->required();
  add.add_option("name", name, "the domain that From fields will have")->required();
  build.list(noun, "List domains", list_domains);
  build.on(noun, "show", "domain", "Show a domain and what the DNS last said of its records", show_domain);
  build.on(noun, "records", "domain", "Print the records to publish as lines of a zone file", print_domain_records);
  build.on(noun, "verify", "domain", "Look its records up now", verify_domain);
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

void declare_message(CLI::App& app, Builder& build) {
  CLI::App& noun = build.group(app, "message", "Accepted messages: state, events, content");
  auto [listing, list] = build.command(noun, "list", "List messages, newest first", list_messages);
  add_limit(listing, list.limit);
  listing.add_option("--before", list.before, "only older ones than this message");
  listing.add_option("--account", list.account);
  listing.add_option("--run", list.run, "only with this AUTH user name");
  listing.add_option("--stage", list.stage, "pending, delivered, bounced, expired, suppressed, cancelled or complained");
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
  auto [extracting, extract] =
      build.command(noun, "extract", "Print the links, one-time codes and unsubscribe addresses of a run's newest such mail",
                    extract_from_run);
  add_run(extracting, extract.which);
  add_mail_pattern(extracting, extract);
  auto [asserting, expected] = build.command(noun, "assert", "Compare a run with expectations; prints TAP", assert_run);
  add_run(asserting, expected.which);
  asserting.add_option("file", expected.file, "expectations as JSON (docs/testing.md); - is standard input")->required();
  asserting.add_option("--timeout", expected.seconds, "wait so many seconds until all hold")->check(CLI::Range(0, 3'600));
  auto [removing, remove] = build.command(noun, "remove", "Remove a run with its messages, queued or captured", remove_run);
  add_run(removing, remove.which);
  removing.add_flag("--yes", remove.is_sure, "without asking");
}

void add_scope(CLI::App& verb, ScopeOptions& scope) {
  verb.add_option("--domain", scope.domain, "recipients of this domain; .example.org with all below it, * all");
  verb.add_option("--route", scope.route, "what this route leads to");
  verb.add_option("--account", scope.account, "this account's");
  verb.add_option("--key", scope.key, "what came by this key");
  verb.add_option("--tag", scope.tag, "what has this tag: a name, or name=value");
}

void add_order(CLI::App& verb, OrderOptions& order) {
  verb.add_option("--for", order.duration, "how long: 30m, 2h, 3d");
  verb.add_option("--reason", order.reason, "why, for colleagues");
}

void declare_orders(CLI::App& noun, Builder& build) {
  auto [suspending, suspend] = build.command(noun, "suspend", "Let mail wait, also what comes; for a day", suspend_mail);
  add_scope(suspending, suspend.scope);
  add_order(suspending, suspend);
  auto [holding, hold] = build.command(noun, "hold", "Let one message wait; for a day", suspend_mail);
  holding.add_option("message", hold.scope.message)->required();
  add_order(holding, hold);
  auto [resuming, resume] = build.command(noun, "resume", "End an order, or the suspension of what is named", resume_mail);
  resuming.add_option("order", resume.order);
  add_scope(resuming, resume.scope);
  resuming.add_flag("--all", resume.is_all, "every order");
  auto [releasing, release] = build.command(noun, "release", "Let a message go that is held", resume_mail);
  releasing.add_option("message", release.scope.message)->required();
  auto [bouncing, bounce] = build.command(
      noun, "bounce", "Give up mail that waits, and tell its senders; what comes within five minutes too", bounce_mail);
  bouncing.add_option("message", bounce.scope.message);
  add_scope(bouncing, bounce.scope);
  add_order(bouncing, bounce);
  bouncing.add_flag("--yes", bounce.is_sure, "without asking");
  auto [moving, move] = build.command(noun, "move", "Send what waits by another route; what comes in five minutes too", move_mail);
  moving.add_option("message", move.scope.message);
  add_scope(moving, move.scope);
  moving.add_option("--to", move.to_route, "the route, or @POOL: the same route from that egress pool")->required();
  add_order(moving, move);
  build.command(noun, "orders", "List the orders that are in force", list_orders);
}

void declare_test(CLI::App& app, Builder& build) {
  auto [verb, test] = build.command(
      app, "test", "Run a command beside a relay of its own, and compare its mail with expectations", run_test, Needs::Nothing);
  verb.add_option("script", test.script, "what goes wrong and what is expected, as TOML or JSON (docs/testing.md)")->required();
  verb.add_option("command", test.command, "the command and its arguments, behind --")->required();
  verb.add_option("--junit", test.junit, "write the results there, too, as JUnit does");
}

void declare_queue(CLI::App& app, Builder& build) {
  CLI::App& noun = build.group(app, "queue", "What still has to be delivered");
  auto [list, limit] = build.command(noun, "list", "List queued messages by their next attempt", list_queue);
  add_limit(list, limit);
  build.command(noun, "show", "Count queued recipients by domain", show_queue);
  auto [verb, retry] = build.command(noun, "retry", "Attempt delivery now", retry_queue);
  verb.add_option("message", retry.message);
  verb.add_option("--account", retry.account, "all of this account's");
  verb.add_option("--domain", retry.domain, "all with a pending recipient of this domain");
  verb.add_option("--sender", retry.sender, "all with this reverse-path: an address, a domain, or <>");
  verb.add_option("--route", retry.route, "all that waits for this route");
  verb.add_option("--key", retry.key, "all that came by this key: its id, or its name");
  verb.add_option("--tag", retry.tag, "all with this tag: a name, or name=value");
  verb.add_flag("--all", retry.is_all, "every queued message");
  auto [cancelling, cancel] = build.command(noun, "cancel", "Give up what is pending of a message, or of many", cancel_messages);
  cancelling.add_option("message", cancel.message);
  cancelling.add_option("--account", cancel.account, "all of this account's");
  cancelling.add_option("--domain", cancel.domain, "all with a pending recipient of this domain");
  cancelling.add_option("--sender", cancel.sender, "all with this reverse-path: an address, a domain, or <>");
  cancelling.add_flag("--all", cancel.is_all, "every queued message");
  cancelling.add_flag("--yes", cancel.is_sure, "without asking");
  declare_orders(noun, build);
}

void declare_explain(CLI::App& app, Builder& build) {
  CLI::App& noun = build.group(app, "explain", "Why mail goes the way it goes");
  auto [verb, options] = build.command(
      noun, "delivery", "Say where mail to an address goes, how protected, and why; connects to no mail host", explain_delivery);
  verb.add_option("address", options.address)->required();
  verb.add_option("--pool", options.pool, "as mail that leaves from this egress pool, by its tag, key or account");
  build.on(noun, "tls", "domain", "Say how TLS went with a domain's mail hosts, day by day, and who asks for reports", explain_tls);
}

void declare_verify(CLI::App& app, Builder& build) {
  auto [verb, options] = build.command(app, "verify", "Say whom a message in a file is from: SPF, DKIM, DMARC, ARC, and why",
                                       verify_message, Needs::Settings);
  verb.add_option("file", options.file, "the message; - for standard input")->required();
  verb.add_option("--ip", options.client, "the address that it came from; without it SPF is not asked");
  verb.add_option("--helo", options.helo, "the name in that client's EHLO");
  verb.add_option("--from", options.sender, "the reverse-path; default: null");
}

void declare_trace(CLI::App& app, Builder& build) {
  auto [verb, trace] = build.command(
      app, "trace", "Speak with a domain's mail host as the queue would, as far as RCPT, and print it; no mail is sent", trace_mail,
      Needs::Settings);
  verb.add_option("address", trace.address, "an address, or a domain: its postmaster")->required();
  verb.add_option("--from", trace.sender, "the reverse-path; default: the null one");
  verb.add_option("--timeout", trace.seconds, "seconds for all of it")->check(CLI::Range(1, 600));
}

Result<void> print_version(CommandContext& context) {
  context.print(json::object{{"version", kVersion}}, "postern " + std::string(kVersion) + "\n");
  return {};
}

void declare_others(CLI::App& app, Builder& build) {
  build.command(app, "serve", "Run the relay", run_relay, Needs::Nothing);
  auto [doctor, examined] =
      build.command(app, "doctor", "Examine the installation; say what to do", examine_installation, Needs::Nothing);
  doctor.add_option("--route", examined.route, "examine only this route: connect and log in as the queue would");
  doctor.add_option("--timeout", examined.seconds, "seconds for each route")->check(CLI::Range(1, 600));
  auto [health, patience] =
      build.command(app, "health", "Ask the relay whether it answers; for supervisors", examine_health, Needs::Settings);
  health.add_option("--timeout", patience = 5, "seconds; default: 5")->check(CLI::Range(1, 600));
  build.on(app, "backup", "folder", "Copy the store, consistent, also while the relay runs; the folder is made", back_up_store);
  CLI::App& store = build.group(app, "store", "The store's files");
  build.command(store, "compact", "Give back to the disk what they no longer need; stop the relay first", compact_store,
                Needs::Nothing);
  build.command(app, "version", "Print the version", print_version, Needs::Nothing);
  CLI::App& config = build.group(app, "config", "The configuration");
  auto [check, is_quiet] =
      build.command(config, "check", "Tell everything that is wrong with it", check_configuration, Needs::Nothing);
  check.add_flag("--quiet,-q", is_quiet, "print nothing where all is well");
  build.command(config, "show", "Print the values in force", show_configuration, Needs::Nothing);
  build.command(config, "template", "Print a file with every key", print_template, Needs::Nothing);
  CLI::App& import = build.group(app, "import", "Configurations of others");
  auto [postfix, main_cf] = build.command(import, "postfix", "Print a configuration made from Postfix's main.cf",
                                          import_from_postfix, Needs::Nothing);
  postfix.add_option("file", main_cf = "/etc/postfix/main.cf", "default: /etc/postfix/main.cf");
  auto [help, word] = build.command(app, "help", "Say what a key, token, metric, fact of the log or class of failure means",
                                    explain_word, Needs::Nothing);
  help.add_option("word", word, "such as max_recipients, rate_limited or recipient_deferred")->required();
  auto [docs, page] =
      build.command(app, "docs", "Print a page that is made from the program's tables", print_document, Needs::Nothing);
  docs.add_option("page", page, "which one")
      ->required()
      ->check(CLI::IsMember(
          {"replies", "configuration", "sandbox", "http-api", "man", "man-configuration", "bash", "zsh", "fish"}));
}

std::string usage_hint(const std::string& command) { return "what it takes: " + command + " --help\n"; }

struct Spoken {
  std::string words;  // as far as they were understood: "postern key create"
  const CLI::App* last;
};

Spoken spoken_command(const CLI::App& app) {
  Spoken spoken{app.get_name(), &app};
  while (!spoken.last->get_subcommands().empty()) {
    spoken.last = spoken.last->get_subcommands().front();
    spoken.words += " " + spoken.last->get_name();
  }
  return spoken;
}

// Where a sub-command is missing or unknown the parser says no more than that.
std::string subcommand_problem(const CLI::App& app, const Spoken& spoken) {
  std::vector<std::string> names;
  for (const CLI::App* command : spoken.last->get_subcommands({})) names.push_back(command->get_name());
  for (const std::string& word : app.remaining(true)) {
    if (word.starts_with('-')) continue;
    const std::vector<std::string_view> known(names.begin(), names.end());
    const std::string_view nearest = nearest_word(word, known);
    return "there is no command " + spoken.words + " " + printable(word) +
           (nearest.empty() ? "" : "; did you mean " + std::string(nearest) + "?");
  }
  std::string text = "say which:";
  for (const std::string& name : names) text += " " + name;
  return text;
}

std::string failure_text(const CLI::App& app, const CLI::Error& error) {
  const Spoken spoken = spoken_command(app);
  const bool lacks_subcommand = error.get_name() == "RequiredError" && spoken.last->get_require_subcommand_min() > 0;
  return "postern: " + (lacks_subcommand ? subcommand_problem(app, spoken) : printable(error.what())) + "\n" +
         usage_hint(spoken.words);
}

// All commands, and what they fill when one is parsed.
struct Commands {
  Commands() {
    app.fallthrough();
    app.require_subcommand(1);
    app.add_option("--config", config_file, "configuration file; default: " + config_file)->envname("POSTERN_CONFIG");
    app.set_version_flag("--version", "postern " + std::string(kVersion), "print the version");
    app.add_flag("--json", invocation.options.as_json, "print JSON for programs");
    app.failure_message([](const CLI::App* root, const CLI::Error& error) { return failure_text(*root, error); });
    declare_others(app, build);
    declare_account(app, build);
    declare_user(app, build);
    declare_audit(app, build);
    declare_key(app, build);
    declare_cluster(app, build);
  declare_domain(app, build);
    declare_route(app, build);
    declare_sandbox(app, build);
    declare_suppression(app, build);
    declare_inbound(app, build);
    declare_webhook(app, build);
    declare_message(app, build);
    declare_run(app, build);
    declare_test(app, build);
    declare_queue(app, build);
    declare_explain(app, build);
    declare_verify(app, build);
    declare_trace(app, build);
  }

  Invocation invocation;
  std::string config_file{kDefaultConfigFile};
  CLI::App app{"Postern: an SMTP submission relay whose credentials are API keys.", "postern"};
  Builder build{invocation};
};

// CLI11 tells a closed set of values in the type's name only: "TEXT:{a,b}".
std::vector<std::string> choices_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t begin = type.find('{');
  const std::size_t end = type.find('}');
  std::vector<std::string> choices;
  if (begin == std::string::npos || end == std::string::npos) return choices;
  for (std::size_t at = begin + 1; at < end;) {
    const std::size_t comma = std::min(type.find(',', at), end);
    choices.push_back(type.substr(at, comma - at));
    at = comma + 1;
  }
  return choices;
}

CommandOption describe_option(const CLI::Option& option) {
  CommandOption described;
  described.is_positional = option.get_positional();
  for (const std::string& name : option.get_lnames()) described.names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) described.names.push_back("-" + name);
  if (described.is_positional) described.names = {option.get_name(true)};
  described.help = option.get_description();
  described.choices = choices_of(option);
  described.is_flag = option.get_expected_max() == 0;
  described.is_required = option.get_required();
  described.is_repeated = option.get_items_expected_max() > 1;
  return described;
}

CommandNode describe(const CLI::App& app) {
  CommandNode node{app.get_name(), app.get_description(), {}, {}};
  for (const CLI::Option* option : app.get_options()) {
    if (!option->check_lname("help")) node.options.push_back(describe_option(*option));
  }
  for (const CLI::App* command : app.get_subcommands({})) node.commands.push_back(describe(*command));
  return node;
}

}  // namespace

CommandNode describe_commands() { return describe(Commands().app); }

std::variant<Invocation, int> parse_command_line(int argc, const char* const* argv, std::ostream& out, std::ostream& err) {
  Commands commands;
  CLI::App& app = commands.app;
  Invocation& invocation = commands.invocation;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, out, err) == 0 ? 0 : kExitUsage;
  }
  invocation.options.config_file = commands.config_file;
  invocation.command = spoken_command(app).words;
  return std::move(invocation);
}

int report_failure(const Invocation& invocation, const Error& error, std::ostream& err) {
  err << "postern: " << printable(error.context().empty() ? error.message() : error.context()) << "\n";
  if (error.code() != ErrorCode::InvalidArgument) return kExitRefused;
  err << usage_hint(invocation.command);
  return kExitUsage;
}

}  // namespace postern::app
