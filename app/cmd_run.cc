// postern run …: what the test lab answers over HTTP, from the store itself.
#include "api/record_json.h"
#include "app/commands.h"
#include "app/message_text.h"
#include "app/json_file.h"
#include "lab/expectation.h"
#include "lab/mail_check.h"
#include "lab/run_export.h"
#include "lab/run_look.h"
#include "lab/script_text.h"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <thread>

namespace postern::app {
namespace {

constexpr std::size_t kMostRuns = 10'000;          // of an account, counted for a list
constexpr std::size_t kReadAtOnceOfRun = 500;
constexpr auto kLookEvery = std::chrono::milliseconds(50);  // another process stores what is waited for

Error no_run(std::string_view run) { return Error(ErrorCode::NotFound, "there is no run " + printable(run)); }

std::string message_words(std::size_t count) { return std::to_string(count) + (count == 1 ? " message" : " messages"); }

Result<bool> has_run(CommandContext& context, const AccountId& account, std::string_view run) {
  const auto newest = context.spool().list_run_before(account, run, std::nullopt, 1);
  if (!newest) return newest.error();
  if (!newest->empty()) return true;
  const auto record = context.spool().find_run(account, run);
  if (!record) return record.error();
  return record->has_value();
}

// Whose run it is.
Result<AccountId> find_owner(CommandContext& context, const RunChoice& which) {
  if (!which.account.empty()) {
    const auto account = context.find_account(which.account);
    if (!account) return account.error();
    return account->id;
  }
  const auto accounts = context.directory().list_accounts();
  if (!accounts) return accounts.error();
  std::optional<AccountId> owner;
  for (const store::AccountRecord& account : *accounts) {
    const auto has = has_run(context, account.id, which.run);
    if (!has) return has.error();
    if (!*has) continue;
    if (owner) return Error(ErrorCode::Conflict, "several accounts have a run " + printable(which.run) + ": say --account");
    owner = account.id;
  }
  if (!owner) return no_run(which.run);
  return *owner;
}

// The same of a run that may have no message yet: with one account there is no choice.
Result<AccountId> find_owner_to_be(CommandContext& context, const RunChoice& which) {
  auto owner = find_owner(context, which);
  if (owner || owner.error().code() != ErrorCode::NotFound) return owner;
  const auto accounts = context.directory().list_accounts();
  if (!accounts) return accounts.error();
  if (accounts->size() == 1) return accounts->front().id;
  return owner;
}

// All of a run's messages, or those older than `before`.
Result<std::vector<MessageId>> list_all(CommandContext& context, const AccountId& account, std::string_view run,
                                        std::optional<MessageId> before) {
  std::vector<MessageId> ids;
  for (bool has_more = true; has_more;) {
    const auto part = context.spool().list_run_before(account, run, before, kReadAtOnceOfRun);
    if (!part) return part.error();
    for (const store::StoredMessage& stored : *part) ids.push_back(stored.message.id);
    has_more = part->size() == kReadAtOnceOfRun;
    if (has_more) before = ids.back();
  }
  return ids;
}

Result<lab::MailPattern> pattern_of(const RunWaitOptions& options) {
  json::object given;
  const auto add = [&given](std::string_view name, const std::string& value) {
    if (!value.empty()) given[name] = value;
  };
  add("to", options.to);
  add("from", options.from);
  add("subject", options.subject);
  add("tag", options.tag);
  add("status", options.status);
  if (options.wants_notices) given["kind"] = "notice";
  std::vector<std::string> problems;
  const json::value value = given;
  lab::CheckedObject object(value, {}, problems);
  lab::MailPattern pattern = lab::read_mail_pattern(object);
  if (!problems.empty()) return Error(ErrorCode::InvalidArgument, lab::joined_problems(problems));
  return pattern;
}

// Looks until `look` (→ Result<bool>: that was it) says so or time is up.
template <class Look>
Result<bool> look_until(std::uint64_t seconds, Look look) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  for (;;) {
    const Result<bool> is_met = look();
    if (!is_met || *is_met || std::chrono::steady_clock::now() >= until) return is_met;
    std::this_thread::sleep_for(kLookEvery);
  }
}

// The newest that fits.
Result<lab::CapturedMail> find_newest(CommandContext& context, const RunWaitOptions& options) {
  const auto pattern = pattern_of(options);
  if (!pattern) return pattern.error();
  const auto owner = find_owner(context, options.which);
  if (!owner) return owner.error();
  auto look = lab::look_at_run(context.spool(), *owner, options.which.run, *pattern);
  if (!look) return look.error();
  if (!look->newest) return Error(ErrorCode::NotFound, lab::describe(*look, *pattern));
  auto mail = lab::load_mail(context.spool(), *look->newest);
  if (!mail) return Error(ErrorCode::NotFound, "the content of this message is not kept any more");
  return mail;
}

}  // namespace

Result<void> list_runs(CommandContext& context, std::size_t limit) {
  const auto accounts = context.directory().list_accounts();
  if (!accounts) return accounts.error();
  json::array values;
  std::vector<std::vector<std::string>> rows;
  for (const store::AccountRecord& account : *accounts) {
    auto runs = context.spool().list_runs(account.id, kMostRuns);
    if (!runs) return runs.error();
    std::ranges::sort(*runs, {}, &store::RunOutline::name);
    for (const store::RunOutline& run : *runs) {
      if (values.size() >= limit) break;
      values.emplace_back(json::object{{"run", run.name}, {"account", account.name}, {"messages", run.messages},
                                      {"first", api::instant_json(run.first)}, {"last", api::instant_json(run.last)}});
      rows.push_back({run.name, account.name, std::to_string(run.messages), format_time(run.first), format_time(run.last)});
    }
  }
  context.print(values, format_table({"RUN", "ACCOUNT", "MESSAGES", "FIRST (UTC)", "LAST (UTC)"}, rows));
  return {};
}

Result<void> show_run(CommandContext& context, const RunShowOptions& options) {
  const auto owner = find_owner(context, options.which);
  if (!owner) return owner.error();
  const auto messages = context.spool().list_run_before(*owner, options.which.run, std::nullopt, options.limit);
  if (!messages) return messages.error();
  json::array values;
  std::vector<std::vector<std::string>> rows;
  for (const store::StoredMessage& stored : *messages) {
    values.emplace_back(message_value(context, stored));
    rows.push_back(message_row(context, stored));
  }
  context.print(values, format_table(message_titles(), rows));
  if (messages->size() < options.limit) return {};
  const auto rest = list_all(context, *owner, options.which.run, messages->back().message.id);
  if (!rest) return rest.error();
  if (!rest->empty()) context.tell_more(rest->size());
  return {};
}

Result<void> remove_run(CommandContext& context, const RunRemoveOptions& options) {
  const std::string& run = options.which.run;
  const auto owner = find_owner(context, options.which);
  if (!owner) return owner.error();
  const auto ids = list_all(context, *owner, run, std::nullopt);
  if (!ids) return ids.error();
  if (!options.is_sure) {
    if (const auto agreed = context.ask(message_words(ids->size()) + " would be removed"); !agreed) return agreed.error();
  }
  const auto removed = context.spool().remove_messages(*ids);
  if (!removed) return removed.error();
  const auto erased = context.spool().remove_run(*owner, run);
  if (!erased && erased.error().code() != ErrorCode::NotFound) return erased.error();
  context.confirm({{"run", run}, {"messages", *removed}, {"done", "removed"}},
                  "run " + printable(run) + ": " + message_words(*removed) + " removed");
  return {};
}

Result<void> wait_for_run(CommandContext& context, const RunWaitOptions& options) {
  const auto pattern = pattern_of(options);
  if (!pattern) return pattern.error();
  const auto owner = find_owner_to_be(context, options.which);
  if (!owner) return owner.error();
  lab::RunWatch watch(*owner, options.which.run, *pattern, std::nullopt);
  lab::RunLook last;
  const auto met = look_until(options.seconds, [&]() -> Result<bool> {
    auto look = watch.look(context.spool());
    if (!look) return look.error();
    last = std::move(*look);
    return last.count >= options.count;
  });
  if (!met) return met.error();
  json::array values;
  std::vector<std::vector<std::string>> rows;
  for (const store::StoredMessage& stored : last.met) {
    values.emplace_back(lab::found_mail_json(context.spool(), stored));
    rows.push_back(message_row(context, stored));
  }
  context.print(values, format_table(message_titles(), rows));
  if (*met) return {};
  return Error(ErrorCode::DeadlinePassed, "waited " + std::to_string(options.seconds) + " s: " + lab::describe(last, *pattern));
}

Result<void> extract_from_run(CommandContext& context, const RunWaitOptions& options) {
  const auto mail = find_newest(context, options);
  if (!mail) return mail.error();
  std::vector<std::vector<std::string>> rows;
  for (const lab::OneTimeCode& code : mail->codes()) rows.push_back({"code", code.code});
  for (const web::MailLink& link : mail->links()) rows.push_back({"link", link.url});
  for (const std::string& address : mail->unsubscribe.addresses) rows.push_back({"unsubscribe", address});
  context.print(lab::extraction_json(*mail), format_table({"WHAT", "VALUE"}, rows));
  return {};
}

Result<void> assert_run(CommandContext& context, const RunAssertOptions& options) {
  const auto body = read_json_file(options.file);
  if (!body) return body.error();
  const auto expectations = lab::read_expectations(*body);
  if (!expectations) return expectations.error();
  const auto owner = find_owner_to_be(context, options.which);
  if (!owner) return owner.error();
  std::vector<lab::Verdict> verdicts;
  const auto met = look_until(options.seconds, [&]() -> Result<bool> {
    auto judged = lab::judge_run(context.spool(), *owner, options.which.run, *expectations);
    if (!judged) return judged.error();
    verdicts = std::move(*judged);
    return lab::have_passed(verdicts);
  });
  if (!met) return met.error();
  context.print(lab::verdicts_json(verdicts), lab::format_tap(verdicts));
  if (*met) return {};
  return Error(ErrorCode::Conflict, "the run is not as expected");
}

Result<void> check_run(CommandContext& context, const RunWaitOptions& options) {
  const auto mail = find_newest(context, options);
  if (!mail) return mail.error();
  const std::vector<lab::MailFinding> findings = lab::check_mail(*mail);
  std::vector<std::vector<std::string>> rows;
  bool has_fault = false;
  for (const lab::MailFinding& finding : findings) {
    rows.push_back({std::string(lab::severity_name(finding.severity)), std::string(finding.check), finding.words});
    has_fault = has_fault || finding.severity == lab::Severity::Fault;
  }
  context.print(lab::findings_json(*mail), format_table({"WHAT", "CHECK", "WHY"}, rows));
  if (has_fault) return Error(ErrorCode::Conflict, "some receivers refuse this mail, or show nothing of it");
  return {};
}

Result<void> export_run(CommandContext& context, const RunChoice& which) {
  const auto owner = find_owner(context, which);
  if (!owner) return owner.error();
  relay::RunBook runs(context.spool(), lab::compile_script);
  const auto exported = lab::export_run(context.spool(), runs, *owner, which.run);
  if (!exported) return exported.error();
  context.out() << json::serialize(*exported) << '\n';
  return {};
}

}  // namespace postern::app
