// Every sub-command as a function with its options; app/command_line fills these in. An error is printed as one line and ends
// the program with status 1, or 2 if it is InvalidArgument: what the person wrote cannot be meant.
#pragma once

#include "app/command_context.h"

#include <optional>
#include <string>
#include <vector>

namespace postern::app {

// --- explain (cmd_explain.cc) ---
struct ExplainOptions {
  std::string address;  // or a domain
  std::string pool;
};
Result<void> explain_delivery(CommandContext& context, const ExplainOptions& options);
Result<void> explain_tls(CommandContext& context, const std::string& address);  // cmd_report.cc

// --- inbound (cmd_inbound.cc) ---
struct InboundListOptions {
  std::string account;
  std::size_t limit = 0;
};
struct InboundShowOptions {
  std::string id;
  bool shows_content = false;
};
Result<void> list_inbound(CommandContext& context, const InboundListOptions& options);
Result<void> show_inbound(CommandContext& context, const InboundShowOptions& options);
Result<void> read_returned_file(CommandContext& context, const std::string& path);  // opens no store
// cmd_report.cc: a report of DMARC or of TLS, or the mail that brought it.
Result<void> read_report_file(CommandContext& context, const std::string& path);

// --- verify (cmd_verify.cc) ---
struct VerifyOptions {
  std::string file;    // "-": standard input
  std::string client;  // an address; empty: SPF is not asked
  std::string helo;
  std::string sender;  // the reverse-path; empty, or "<>": null
};
Result<void> verify_message(CommandContext& context, const VerifyOptions& options);

// --- trace (cmd_trace.cc) ---
struct TraceOptions {
  std::string address;  // or a domain: its postmaster
  std::string sender;   // empty: the null reverse-path
  std::int64_t seconds = 60;
};
Result<void> trace_mail(CommandContext& context, const TraceOptions& options);  // Conflict: it is not taken

// --- account (cmd_account.cc) ---
struct PlanOptions {
  std::string name;        // starter, growth, scale; empty: custom
  std::string per_second;  // a number or "unlimited"; empty: as the plan says
  std::string per_day;
  std::string per_month;
};
struct AccountCreateOptions {
  std::string name;
  std::string mode = "sandbox";
  PlanOptions plan;
  std::vector<std::string> domains;
};
Result<void> create_account(CommandContext& context, const AccountCreateOptions& options);
Result<void> list_accounts(CommandContext& context);
Result<void> show_account(CommandContext& context, const std::string& account);
Result<void> set_account_mode(CommandContext& context, const std::string& account, const std::string& mode);
Result<void> set_account_plan(CommandContext& context, const std::string& account, const PlanOptions& plan);
Result<void> suspend_account(CommandContext& context, const std::string& account);
Result<void> resume_account(CommandContext& context, const std::string& account);
struct AccountRemoveOptions {
  std::string account;
  bool is_sure = false;  // else a person is asked, and a program refused
};
// What of it is queued is cancelled.
Result<void> remove_account(CommandContext& context, const AccountRemoveOptions& options);
Result<void> set_account_domains(CommandContext& context, const std::string& account, const std::vector<std::string>& domains,
                                 bool is_any);
Result<void> set_account_blind_copy(CommandContext& context, const std::string& account, const std::string& address);  // "off"
Result<void> set_account_suppression(CommandContext& context, const std::string& account, const std::string& how);
// Who asks to leave the sandbox, and the operator's decision.
Result<void> list_production_requests(CommandContext& context);
Result<void> approve_production(CommandContext& context, const std::string& account);
Result<void> decline_production(CommandContext& context, const std::string& account);

// --- backup, store (cmd_backup.cc) ---
Result<void> back_up_store(CommandContext& context, const std::string& folder);
struct RestoreOptions {
  std::string folder;  // a copy that back_up_store() made
  bool only_checks = false;
};
// Examines every record of the copy first. Opens no store: data_dir has none.
Result<void> restore_store(CommandContext& context, const RestoreOptions& options);
// What this program would bring over in a store or a copy; `folder` empty: in data_dir. Opens no store. SchemaMismatch: it would
// refuse it.
Result<void> check_upgrade(CommandContext& context, const std::string& folder);
Result<void> compact_store(CommandContext& context);  // opens no store: nobody may have it open

// --- audit (cmd_audit.cc): who changed what ---
Result<void> list_audit(CommandContext& context, const std::string& account, std::size_t limit);  // empty: of all accounts

// --- cluster, node (cmd_cluster.cc): several machines with one directory ---
Result<void> init_cluster(CommandContext& context);
Result<void> join_cluster(CommandContext& context);
Result<void> leave_cluster(CommandContext& context);
Result<void> check_cluster(CommandContext& context);
Result<void> upgrade_cluster(CommandContext& context);
Result<void> show_cluster(CommandContext& context);
Result<void> remove_node(CommandContext& context, const std::string& name);
// context.confirm(); in a cluster behind a wait of two seconds at most, and with the nodes on which the last change is in force.
Result<void> confirm_in_force(CommandContext& context, json::object value, const std::string& sentence);

// --- user (cmd_user.cc): people who manage an account over HTTP; passwords come from standard input ---
struct NewUserOptions {
  std::string account;
  std::string email;
  bool is_operator = false;
};
Result<void> create_user(CommandContext& context, const NewUserOptions& options);
Result<void> list_users(CommandContext& context, const std::string& account);  // empty: of all accounts
Result<void> set_user_password(CommandContext& context, const std::string& user);
Result<void> delete_user(CommandContext& context, const std::string& user);

// --- key (cmd_key.cc) ---
struct KeyCreateOptions {
  std::string account;
  std::string name;
  bool is_test = false;
  bool is_live = false;
  std::string permission = "full_access";
  std::vector<std::string> from_domains;
  std::vector<std::string> networks;
  std::string expires;  // "30d" or a date; empty: never
  std::optional<std::uint32_t> per_second;
  bool is_quiet = false;
};
struct KeyRotateOptions {
  std::string key;
  std::string overlap = "0s";
  bool is_quiet = false;
};
// Empty: as it is.
struct KeySetOptions {
  std::string key;
  std::string name;
  std::string permission;
  std::vector<std::string> from_domains;
  bool is_any_domain = false;
  std::vector<std::string> networks;
  bool is_any_network = false;
  std::string per_second;  // a number, or "plan"
};
Result<void> create_key(CommandContext& context, const KeyCreateOptions& options);
Result<void> set_key(CommandContext& context, const KeySetOptions& options);
Result<void> list_keys(CommandContext& context, const std::string& account);  // empty: of all accounts
Result<void> show_key(CommandContext& context, const std::string& key);
// `is_here`: on this node of a cluster at once, whether its database answers or not; the others hear of it when it does.
Result<void> revoke_key(CommandContext& context, const std::string& key, bool is_here);
Result<void> set_key_expiry(CommandContext& context, const std::string& key, const std::string& when);
Result<void> rotate_key(CommandContext& context, const KeyRotateOptions& options);
Result<void> delete_key(CommandContext& context, const std::string& key);

// --- domain (cmd_domain.cc); `domain` is a name, an id or the beginning of one ---
Result<void> add_domain(CommandContext& context, const std::string& account, const std::string& name);
Result<void> list_domains(CommandContext& context, const std::string& account);  // empty: of all accounts
Result<void> show_domain(CommandContext& context, const std::string& domain);
Result<void> print_domain_records(CommandContext& context, const std::string& domain);  // as a zone file's lines
Result<void> verify_domain(CommandContext& context,
                           const std::string& domain);  // Conflict: not verified; it is printed all the same
Result<void> remove_domain(CommandContext& context, const std::string& domain);
// Keys of a domain. Successors, and one that another system made, sign once `verify` finds their records.
Result<void> rotate_domain_keys(CommandContext& context, const std::string& domain);
struct DomainKeyOptions {
  std::string domain;
  std::string selector;
  std::string file;  // PEM; "-": standard input
};
Result<void> import_domain_key(CommandContext& context, const DomainKeyOptions& options);
Result<void> drop_domain_key(CommandContext& context, const std::string& domain, const std::string& selector);
Result<void> set_domain_receiving(CommandContext& context, const std::string& domain, const std::string& how);  // "on", "off"

// `policy`: "observe", "tag", "reject".
Result<void> set_domain_checks(CommandContext& context, const std::string& domain, const std::string& policy);

// --- route (cmd_route.cc): whom a domain's mail that comes in is for ---
struct RouteOptions {
  std::string domain;
  std::string match;
  std::string action;
  std::string destination;  // of "forward"
};
Result<void> add_route(CommandContext& context, const RouteOptions& options);
Result<void> list_routes(CommandContext& context, const std::string& domain);
Result<void> remove_route(CommandContext& context, const std::string& domain, const std::string& route);
Result<void> test_route(CommandContext& context, const std::string& address);
// By name, id or unique beginning of the id.
Result<store::DomainRecord> find_domain(CommandContext& context, const std::string& text);

// --- sandbox (cmd_sandbox.cc) ---
Result<void> allow_recipients(CommandContext& context, const std::string& account, const std::vector<std::string>& addresses);
Result<void> disallow_recipients(CommandContext& context, const std::string& account, const std::vector<std::string>& addresses);
Result<void> list_whitelist(CommandContext& context, const std::string& account);
Result<void> list_scenarios(CommandContext& context);

// --- message (cmd_message.cc) ---
struct MessageListOptions {
  std::size_t limit = 50;
  std::string before;   // a message
  std::string account;
  std::string run;
  std::string stage;
};
// Empty: any. What is named has to fit altogether.
struct MessageSearchOptions {
  MessageListOptions list;  // without `before`
  std::string text;         // in an address, the subject or the Message-ID
  std::string to;
  std::string from;
  std::string subject;
  std::string message_id;
  std::string key;
  std::string tag;  // a name, or name:value
  std::string status;       // its last event
  std::string environment;
  std::string since;  // "2h" ago, a date or a time
  std::string until;
};
struct MessageShowOptions {
  std::string message;
  bool is_latest = false;
  bool shows_content = false;
  bool shows_events = false;
};
Result<void> list_messages(CommandContext& context, const MessageListOptions& options);
Result<void> search_messages(CommandContext& context, const MessageSearchOptions& options);
Result<void> show_message(CommandContext& context, const MessageShowOptions& options);

// --- run (cmd_run.cc) ---
// Which run: of this account, or of the one account that has a run of the name.
struct RunChoice {
  std::string run;
  std::string account;
};
struct RunShowOptions {
  RunChoice which;
  std::size_t limit = 50;
};
struct RunRemoveOptions {
  RunChoice which;
  bool is_sure = false;
};
struct RunWaitOptions {
  RunChoice which;
  std::string to;
  std::string from;
  std::string subject;
  std::string tag;
  std::string status;
  bool wants_notices = false;
  std::uint64_t count = 1;
  std::uint64_t seconds = 10;  // how long to wait
};
struct RunAssertOptions {
  RunChoice which;
  std::string file;            // "-": standard input
  std::uint64_t seconds = 0;
};
Result<void> list_runs(CommandContext& context, std::size_t limit);
Result<void> show_run(CommandContext& context, const RunShowOptions& options);
Result<void> remove_run(CommandContext& context, const RunRemoveOptions& options);
// Ends as soon as the run has such mail. DeadlinePassed, with what came near.
Result<void> wait_for_run(CommandContext& context, const RunWaitOptions& options);
Result<void> extract_from_run(CommandContext& context, const RunWaitOptions& options);
// Prints TAP. Conflict: an expectation does not hold.
Result<void> assert_run(CommandContext& context, const RunAssertOptions& options);
// What receivers hold against its newest such mail. Conflict: there is a fault.
Result<void> check_run(CommandContext& context, const RunWaitOptions& options);
// Prints the run as a file that replay_run() reads.
Result<void> export_run(CommandContext& context, const RunChoice& which);

// --- run replay (cmd_replay.cc) ---
// Plays an exported run in a store of its own, and prints what differs. Conflict: something does.
Result<void> replay_run(CommandContext& context, const std::string& file);

// --- test (cmd_test.cc) ---
struct TestOptions {
  std::string script;                // a file
  std::string junit;                 // where to write the report; empty: nowhere
  std::vector<std::string> command;
};
// Runs the command beside a relay of its own, and prints TAP. Conflict: the command failed, or an expectation does not hold.
Result<void> run_test(CommandContext& context, const TestOptions& options);

// --- sendmail (cmd_sendmail.cc) ---
Result<void> run_sendmail_words(CommandContext& context, const std::vector<std::string>& words);  // only behind options of ours

// --- queue (cmd_queue.cc) ---
struct QueueRetryOptions {
  std::string message;
  std::string account;  // as in QueueCancelOptions
  std::string domain;
  std::string sender;
  std::string route;
  std::string key;
  std::string tag;  // a name, or name=value
  bool is_all = false;
};
Result<void> list_queue(CommandContext& context, std::size_t limit);
Result<void> show_queue(CommandContext& context);
Result<void> summarise_queue(CommandContext& context, std::size_t limit);  // so many destinations
Result<void> retry_queue(CommandContext& context, const QueueRetryOptions& options);
struct QueueCancelOptions {
  std::string message;
  std::string account;
  std::string domain;  // of a recipient that is pending
  std::string sender;  // the reverse-path: an address, or a domain
  bool is_all = false;
  bool is_sure = false;  // else what would be cancelled is counted
};
Result<void> cancel_messages(CommandContext& context, const QueueCancelOptions& options);

// --- queue (cmd_orders.cc): what is done with what waits ---
struct ScopeOptions {
  std::string message;
  std::string domain;  // of recipients; ".example.org" with all below it, "*" all
  std::string route;
  std::string account;
  std::string key;
  std::string tag;  // a name, or name=value
};
struct OrderOptions {
  ScopeOptions scope;
  std::string duration;  // "2h"; empty: a day, or five minutes for what is done with what waits now
  std::string reason;
  std::string to_route;
  bool is_sure = false;  // else it is asked before anything is bounced
};
Result<void> suspend_mail(CommandContext& context, const OrderOptions& options);
Result<void> bounce_mail(CommandContext& context, const OrderOptions& options);
Result<void> move_mail(CommandContext& context, const OrderOptions& options);
struct ResumeOptions {
  std::string order;  // its id or the beginning of it; or the holds with just this scope
  ScopeOptions scope;
  bool is_all = false;
};
Result<void> resume_mail(CommandContext& context, const ResumeOptions& options);
Result<void> list_orders(CommandContext& context);

// --- usage, report (cmd_usage.cc): what was sent, and what became of it ---
struct UsageOptions {
  std::string account;  // empty: all, one line each
  std::string from;     // days; empty: 30 days to today
  std::string to;
};
Result<void> show_usage(CommandContext& context, const UsageOptions& options);
struct DailyReportOptions {
  std::string day;   // empty: yesterday
  std::string mail;  // an address that it is mailed to; empty: it is printed
};
Result<void> report_day(CommandContext& context, const DailyReportOptions& options);

// --- webhook (cmd_webhook.cc); `webhook` is an id or the beginning of one ---
Result<void> list_webhooks(CommandContext& context, const std::string& account);  // empty: of all accounts
Result<void> show_webhook(CommandContext& context, const std::string& webhook);
Result<void> enable_webhook(CommandContext& context, const std::string& webhook);
Result<void> disable_webhook(CommandContext& context, const std::string& webhook);
Result<void> delete_webhook(CommandContext& context, const std::string& webhook);
struct WebhookCreateOptions {
  std::string account;
  std::string url;
  std::vector<std::string> events;  // none: all
  std::string environment = "live";
  std::vector<std::string> from_domains;
  bool is_quiet = false;
};
// Its secret is printed, once.
Result<void> create_webhook(CommandContext& context, const WebhookCreateOptions& options);
// The old secret signs for a day beside the new one, which is printed.
Result<void> rotate_webhook(CommandContext& context, const std::string& webhook, bool is_quiet);
struct WebhookSetOptions {
  std::string webhook;
  std::string url;  // empty: as it is
  std::vector<std::string> events;
  bool is_all_events = false;
};
Result<void> set_webhook(CommandContext& context, const WebhookSetOptions& options);
struct WebhookReplayOptions {
  std::string webhook;
  std::string event;  // one of the two
  std::string since;
};
Result<void> replay_webhook(CommandContext& context, const WebhookReplayOptions& options);

// --- suppression (cmd_suppression.cc) ---
Result<void> list_suppressions(CommandContext& context, const std::string& account);
Result<void> add_suppressions(CommandContext& context, const std::string& account, const std::vector<std::string>& addresses);
Result<void> remove_suppressions(CommandContext& context, const std::string& account, const std::vector<std::string>& addresses);

// --- config, docs (cmd_config.cc) ---
Result<void> check_configuration(CommandContext& context, bool is_quiet);
Result<void> show_configuration(CommandContext& context);
Result<void> print_template(CommandContext& context);
Result<void> print_document(CommandContext& context, const std::string& name);  // replies, configuration, sandbox, http-api

// --- serve (cmd_config.cc): tells the configuration's warnings, then app/server ---
Result<void> run_relay(CommandContext& context);

// --- doctor (cmd_doctor.cc) ---
struct DoctorOptions {
  std::string route;         // examine nothing but this one; empty: everything
  std::int64_t seconds = 10;  // for each route
};
Result<void> examine_installation(CommandContext& context, const DoctorOptions& options);
// Whether the relay answers, for whoever supervises it. Opens no store. ConnectFailed: it does not.
Result<void> examine_health(CommandContext& context, int seconds);

// --- import (cmd_config.cc): a configuration to standard output, and a word on it to standard error ---
Result<void> import_from_postfix(CommandContext& context, const std::string& main_cf);

// --- help (cmd_config.cc) ---
Result<void> explain_word(CommandContext& context, const std::string& word);  // NotFound: no table has it

}  // namespace postern::app
