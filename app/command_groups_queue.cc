// What waits, and where mail goes.
#include "app/command_groups.h"

#include "app/commands.h"

namespace postern::app {
namespace {

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

void declare_queue(CLI::App& app, Builder& build) {
  CLI::App& noun = build.group(app, "queue", "What still has to be delivered");
  auto [list, limit] = build.command(noun, "list", "List queued messages by their next attempt", list_queue);
  add_limit(list, limit);
  build.command(noun, "show", "Count queued recipients by domain", show_queue);
  auto [summing, most] = build.command(noun, "summary", "Count live messages by destination and age", summarise_queue);
  add_limit(summing, most);
  auto [verb, retry] = build.command(noun, "retry", "Attempt delivery now", retry_queue);
  verb.add_option("message", retry.message);
  verb.add_option("--account", retry.account, "all of this account's");
  verb.add_option("--domain", retry.domain, "all with a pending recipient of this domain");
  verb.add_option("--sender", retry.sender, "all with this reverse-path: an address, a domain, or <>");
  verb.add_option("--route", retry.route, "all that waits for this route");
  verb.add_option("--key", retry.key, "all that came by this key: its id, or its name");
  verb.add_option("--tag", retry.tag, "all with this tag: a name, or name=value");
  verb.add_flag("--all", retry.is_all, "every queued message");
  auto [cancelling, cancel] =
      build.command(noun, "cancel", "Give up what is still pending of a message, or of many", cancel_messages);
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

void declare_reports(CLI::App& app, Builder& build) {
  auto [using_, usage] = build.command(app, "usage", "What accounts sent, and how much of their quotas is used", show_usage);
  using_.add_option("account", usage.account, "this one, by day and key; default: all, a line each");
  using_.add_option("--from", usage.from, "the first day (UTC); default: 30 days");
  using_.add_option("--to", usage.to, "the last day; default: today");
  CLI::App& noun = build.group(app, "report", "What became of the mail");
  auto [verb, report] = build.command(noun, "daily", "Sum up a day, and what waits and needs a look now", report_day);
  verb.add_option("--day", report.day, "the day (UTC); default: yesterday");
  verb.add_option("--mail", report.mail, "send it to this address; default: print it");
}

}  // namespace

void declare_queues(CLI::App& app, Builder& build) {
  declare_reports(app, build);
  declare_queue(app, build);
  declare_explain(app, build);
  declare_verify(app, build);
  declare_trace(app, build);
}

}  // namespace postern::app
