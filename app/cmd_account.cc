// postern account …
#include "app/commands.h"

#include "api/record_json.h"
#include "app/queued_messages.h"
#include "auth/account_admin.h"
#include "auth/production_access.h"
#include "core/bytes.h"

#include <limits>

namespace postern::app {
namespace {

std::string_view state_name(store::AccountState state) {
  return state == store::AccountState::Active ? "active" : "suspended";
}

template <class T>
std::string limit_text(const std::optional<T>& limit) {
  return limit ? std::to_string(*limit) : "unlimited";
}

std::string joined(const std::vector<std::string>& texts, std::string_view none) {
  std::string text;
  for (const auto& item : texts) text += (text.empty() ? "" : ", ") + item;
  return text.empty() ? std::string(none) : text;
}

// Empty text leaves `limit` as it is.
template <class T>
Result<void> apply_limit(std::string_view text, std::optional<T>& limit) {
  if (text.empty()) return {};
  if (text == "unlimited") {
    limit.reset();
    return {};
  }
  const auto number = parse_unsigned(text);
  if (!number || *number > std::numeric_limits<T>::max()) {
    return Error(ErrorCode::InvalidArgument, "not a limit: " + printable(text) + "; write a number or unlimited");
  }
  limit = static_cast<T>(*number);
  return {};
}

// A plan's name says its rate; a limit says itself; what is not named stays as it is in `plan`.
Result<void> apply_plan(const PlanOptions& options, store::Plan& plan) {
  const bool has_limits = !options.per_second.empty() || !options.per_day.empty() || !options.per_month.empty();
  if (options.name.empty() && !has_limits) {
    return Error(ErrorCode::InvalidArgument, "name a plan (starter, growth, scale) or give limits");
  }
  if (!options.name.empty()) {
    const auto named = auth::plan_named(options.name);
    if (!named) {
      return Error(ErrorCode::InvalidArgument, "there is no plan " + printable(options.name) + ": starter, growth or scale");
    }
    plan.name = named->name;
    plan.per_second = named->per_second;
  }
  if (const auto applied = apply_limit(options.per_second, plan.per_second); !applied) return applied.error();
  if (const auto applied = apply_limit(options.per_day, plan.per_day); !applied) return applied.error();
  if (const auto applied = apply_limit(options.per_month, plan.per_month); !applied) return applied.error();
  if (auth::plan_named(plan.name) != plan) plan.name = "custom";
  return {};
}

std::string plan_text(const store::Plan& plan) {
  return plan.name + " (" + limit_text(plan.per_second) + " a second, " + limit_text(plan.per_day) + " a day, " +
         limit_text(plan.per_month) + " a month)";
}

std::string suppression_text(const store::AccountRecord& account) {
  if (account.auto_suppression == store::AutoSuppression::Off) return "off";
  return account.suppression_days == 0 ? "on" : std::to_string(account.suppression_days) + "d";
}

std::optional<AccountMode> parse_mode(std::string_view text) {
  if (text == "sandbox") return AccountMode::Sandbox;
  if (text == "production") return AccountMode::Production;
  return std::nullopt;
}

Error bad_mode(std::string_view text) {
  return Error(ErrorCode::InvalidArgument, "not a mode: " + printable(text) + "; write sandbox or production");
}

json::object account_value(const store::AccountRecord& account) {
  json::object value = api::account_json(account);
  value["self_made"] = account.is_self_made;
  value["blind_copy_to"] = account.blind_copy_to;
  return value;
}

Result<void> confirm_change(CommandContext& context, const store::AccountRecord& account, std::string_view done) {
  context.confirm({{"id", format_id(account.id)}, {"name", account.name}, {"done", done}},
                  "account " + printable(account.name) + ": " + std::string(done));
  return {};
}

Result<void> change_account(CommandContext& context, const std::string& name, std::string_view done,
                            const std::function<Result<void>(auth::AccountAdmin&, const AccountId&)>& change) {
  const auto account = context.find_account(name);
  if (!account) return account.error();
  auth::AccountAdmin admin(context.directory(), context.clock(), context.random());
  if (const auto changed = change(admin, account->id); !changed) return changed.error();
  return confirm_change(context, *account, done);
}

struct Holdings {
  std::string text;  // for people: what goes with the account
  std::vector<MessageId> queued;
};

Result<Holdings> list_holdings(CommandContext& context, const store::AccountRecord& account) {
  Holdings holdings;
  const store::Directory& directory = context.directory();
  const auto keys = directory.list_keys(account.id);
  if (!keys) return keys.error();
  const auto users = directory.list_users(account.id);
  if (!users) return users.error();
  const auto domains = directory.list_domains(account.id);
  if (!domains) return domains.error();
  const auto webhooks = directory.list_webhooks(account.id);
  if (!webhooks) return webhooks.error();
  const auto whitelist = directory.list_whitelist(account.id);
  if (!whitelist) return whitelist.error();
  const auto is_its = [&](const store::StoredMessage& stored) { return stored.message.account == account.id; };
  const auto queued = queued_messages(context, is_its);
  if (!queued) return queued.error();
  holdings.queued = *queued;
  const auto count = [&](std::size_t number, std::string_view one, std::string_view many) {
    holdings.text += (holdings.text.empty() ? "" : ", ") + std::to_string(number) + " " + std::string(number == 1 ? one : many);
  };
  count(keys->size(), "key", "keys");
  count(users->size(), "user", "users");
  count(domains->size(), "domain", "domains");
  count(webhooks->size(), "webhook", "webhooks");
  count(whitelist->size(), "whitelist entry", "whitelist entries");
  holdings.text += ", its suppressions, and ";
  holdings.text += std::to_string(queued->size());
  holdings.text += queued->size() == 1 ? " queued message, which is" : " queued messages, which are";
  holdings.text += " cancelled without a report";
  return holdings;
}

}  // namespace

Result<void> create_account(CommandContext& context, const AccountCreateOptions& options) {
  const auto mode = parse_mode(options.mode);
  if (!mode) return bad_mode(options.mode);
  auto plan_options = options.plan;
  if (plan_options.name.empty()) plan_options.name = "starter";
  store::Plan plan;
  if (const auto applied = apply_plan(plan_options, plan); !applied) return applied.error();
  auth::AccountAdmin admin(context.directory(), context.clock(), context.random());
  const auto account = admin.create({options.name, *mode, plan, options.domains});
  if (!account) return account.error();
  context.print(account_value(*account), "account " + printable(account->name) + " created (" + format_id(account->id) + ", " +
                                             std::string(account_mode_name(account->mode)) + ", plan " + account->plan.name +
                                             ")\n");
  return {};
}

Result<void> list_accounts(CommandContext& context) {
  const auto accounts = context.directory().list_accounts();
  if (!accounts) return accounts.error();
  json::array values;
  std::vector<std::vector<std::string>> rows;
  for (const auto& account : *accounts) {
    values.emplace_back(account_value(account));
    rows.push_back({account.name, std::string(account_mode_name(account.mode)), std::string(state_name(account.state)),
                    account.plan.name, format_time(account.created), format_id(account.id)});
  }
  context.print(values, format_table({"NAME", "MODE", "STATE", "PLAN", "CREATED (UTC)", "ID"}, rows));
  return {};
}

Result<void> show_account(CommandContext& context, const std::string& name) {
  const auto account = context.find_account(name);
  if (!account) return account.error();
  const Instant now = context.clock().now();
  const auto day = context.directory().counter(account->id, store::CounterPeriod::Day, now);
  if (!day) return day.error();
  const auto month = context.directory().counter(account->id, store::CounterPeriod::Month, now);
  if (!month) return month.error();
  json::object value = account_value(*account);
  value["recipients_today"] = *day;
  value["recipients_this_month"] = *month;
  context.print(value, format_facts({{"name", account->name},
                                     {"id", format_id(account->id)},
                                     {"mode", std::string(account_mode_name(account->mode))},
                                     {"state", std::string(state_name(account->state))},
                                     {"plan", account->plan.name},
                                     {"messages a second", limit_text(account->plan.per_second)},
                                     {"recipients a day", std::to_string(*day) + " of " + limit_text(account->plan.per_day)},
                                     {"recipients a month", std::to_string(*month) + " of " + limit_text(account->plan.per_month)},
                                     {"From domains", joined(account->from_domains, "any")},
                                     {"automatic suppression", suppression_text(*account)},
                                     {"blind copy to", account->blind_copy_to.empty() ? "-" : account->blind_copy_to},
                                     {"self-made", account->is_self_made ? "yes" : "no"},
                                     {"created", format_time(account->created)}}));
  return {};
}

Result<void> set_account_mode(CommandContext& context, const std::string& account, const std::string& text) {
  const auto mode = parse_mode(text);
  if (!mode) return bad_mode(text);
  return change_account(context, account, "mode is now " + text,
                        [&](auth::AccountAdmin& admin, const AccountId& id) { return admin.set_mode(id, *mode); });
}

Result<void> set_account_plan(CommandContext& context, const std::string& name, const PlanOptions& options) {
  const auto account = context.find_account(name);
  if (!account) return account.error();
  store::Plan plan = account->plan;
  if (const auto applied = apply_plan(options, plan); !applied) return applied.error();
  auth::AccountAdmin admin(context.directory(), context.clock(), context.random());
  if (const auto changed = admin.set_plan(account->id, plan); !changed) return changed.error();
  context.print(json::object{{"id", format_id(account->id)},
                            {"name", account->name},
                            {"before", api::plan_json(account->plan)},
                            {"after", api::plan_json(plan)},
                            {"done", "plan is now " + plan.name}},
                "account " + printable(account->name) + ": plan was " + plan_text(account->plan) + "\n" +
                    "account " + printable(account->name) + ": plan is now " + plan_text(plan) + "\n");
  return {};
}

Result<void> set_account_domains(CommandContext& context, const std::string& name, const std::vector<std::string>& domains,
                                 bool is_any) {
  if (domains.empty() != is_any) {
    return Error(ErrorCode::InvalidArgument, "name all the domains that it may send from, or say --any");
  }
  const auto before = context.find_account(name);
  if (!before) return before.error();
  auth::AccountAdmin admin(context.directory(), context.clock(), context.random());
  if (const auto changed = admin.set_from_domains(before->id, domains); !changed) return changed.error();
  const auto after = context.directory().find_account(before->id);
  if (!after) return after.error();
  const std::string now = *after ? joined((*after)->from_domains, "any") : "any";
  return confirm_change(context, *before, "From domains were " + joined(before->from_domains, "any") + ", are now " + now);
}

Result<void> set_account_blind_copy(CommandContext& context, const std::string& name, const std::string& address) {
  const std::string to = address == "off" ? "" : address;
  const std::string said = to.empty() ? "no copies are sent" : "each live message goes to " + printable(to) + " as well";
  return change_account(context, name, said,
                        [&](auth::AccountAdmin& admin, const AccountId& id) { return admin.set_blind_copy(id, to); });
}

Result<void> set_account_suppression(CommandContext& context, const std::string& name, const std::string& how) {
  auto suppression = store::AutoSuppression::On;
  std::uint64_t days = 0;
  if (how == "off") {
    suppression = store::AutoSuppression::Off;
  } else if (how != "on") {
    const bool is_days = how.ends_with('d');
    const auto number = is_days ? parse_unsigned(std::string_view(how).substr(0, how.size() - 1)) : std::nullopt;
    if (!number || *number == 0 || *number > std::numeric_limits<std::uint32_t>::max()) {
      return Error(ErrorCode::InvalidArgument, "not a choice: " + printable(how) + "; on, off, or for a time such as 30d");
    }
    days = *number;
  }
  return change_account(context, name, "automatic suppression is now " + how, [&](auth::AccountAdmin& admin, const AccountId& id) {
    return admin.set_auto_suppression(id, suppression, static_cast<std::uint32_t>(days));
  });
}

Result<void> suspend_account(CommandContext& context, const std::string& account) {
  return change_account(context, account, "suspended", [](auth::AccountAdmin& admin, const AccountId& id) {
    return admin.set_state(id, store::AccountState::Suspended);
  });
}

Result<void> resume_account(CommandContext& context, const std::string& account) {
  return change_account(context, account, "active again", [](auth::AccountAdmin& admin, const AccountId& id) {
    return admin.set_state(id, store::AccountState::Active);
  });
}

Result<void> remove_account(CommandContext& context, const AccountRemoveOptions& options) {
  const auto account = context.find_account(options.account);
  if (!account) return account.error();
  const auto holdings = list_holdings(context, *account);
  if (!holdings) return holdings.error();
  if (!options.is_sure) {
    const std::string question = "account " + printable(account->name) + " would be removed with " + holdings->text;
    if (const auto agreed = context.ask(question); !agreed) return agreed.error();
  }
  auth::AccountAdmin admin(context.directory(), context.clock(), context.random());
  if (const auto removed = admin.remove(account->id); !removed) return removed.error();
  std::uint64_t cancelled = 0;
  for (const MessageId& id : holdings->queued) {
    // Delivered or removed meanwhile: nothing is left to cancel.
    if (context.spool().cancel(id, context.clock().now())) ++cancelled;
  }
  context.confirm({{"id", format_id(account->id)}, {"name", account->name}, {"done", "removed"}, {"cancelled_messages", cancelled}},
                  "account " + printable(account->name) + ": removed with " + holdings->text);
  return {};
}

Result<void> list_production_requests(CommandContext& context) {
  const auto requests = context.directory().list_production_requests();
  if (!requests) return requests.error();
  const auth::ProductionAccess access(context.store(), context.clock());
  json::array values;
  std::vector<std::vector<std::string>> rows;
  for (const auto& request : *requests) {
    const auto conditions = access.conditions(request.account);
    if (!conditions) return conditions.error();
    json::object value = api::production_request_json(request);
    value["account"] = context.account_name(request.account);
    value["account_id"] = format_id(request.account);
    std::vector<std::string> unmet;
    for (const auto& condition : *conditions) {
      value[condition.name] = condition.is_met;
      if (!condition.is_met) unmet.emplace_back(condition.name);
    }
    values.emplace_back(std::move(value));
    rows.push_back({context.account_name(request.account), format_time(request.at), joined(unmet, "-"), request.use_case});
  }
  context.print(values, format_table({"ACCOUNT", "ASKED (UTC)", "UNMET", "USE CASE"}, rows));
  return {};
}

Result<void> approve_production(CommandContext& context, const std::string& name) {
  const auto account = context.find_account(name);
  if (!account) return account.error();
  if (const auto approved = auth::ProductionAccess(context.store(), context.clock()).approve(account->id); !approved) {
    return approved.error();
  }
  return confirm_change(context, *account, "approved: mode is now production");
}

Result<void> decline_production(CommandContext& context, const std::string& name) {
  const auto account = context.find_account(name);
  if (!account) return account.error();
  if (const auto declined = auth::ProductionAccess(context.store(), context.clock()).decline(account->id); !declined) {
    return declined.error();
  }
  return confirm_change(context, *account, "declined: the request is gone, the mode stays");
}

}  // namespace postern::app
