// Who may send, and by what: accounts, users, keys; who changed what.
#include "app/command_groups.h"

#include "app/commands.h"

namespace postern::app {
namespace {

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
  auto [copying, copied, copied_to] = build.command(
      noun, "set-blind-copy", "Send each of its live messages to an address of yours as well", set_account_blind_copy);
  copying.add_option("account", copied)->required();
  copying.add_option("address", copied_to, "the address, or off")->required();
  auto [suppression, suppressed, how] =
      build.command(noun, "set-suppression", "Whether hard bounces and complaints suppress an address", set_account_suppression);
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

}  // namespace

void declare_access(CLI::App& app, Builder& build) {
  declare_account(app, build);
  declare_user(app, build);
  declare_audit(app, build);
  declare_key(app, build);
}

}  // namespace postern::app
