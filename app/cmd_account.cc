// postern account …
#include "app/commands.h"

#include "auth/account_admin.h"
#include "auth/production_access.h"
#include "core/bytes.h"

namespace postern::app {
namespace {

std::string_view state_name(store::AccountState state) {
  return state == store::AccountState::Active ? "active" : "suspended";
}

template <class T>
std::string limit_text(const std::optional<T>& limit) {
  return limit ? std::to_string(*limit) : "unlimited";
}

template <class T>
Value limit_value(const std::optional<T>& limit) {
  return limit ? Value(std::uint64_t{*limit}) : Value("unlimited");
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

Result<store::Plan> make_plan(const PlanOptions& options) {
  const bool is_custom = !options.per_second.empty() || !options.per_day.empty() || !options.per_month.empty();
  if (options.name.empty() && !is_custom) {
    return Error(ErrorCode::InvalidArgument, "name a plan (starter, growth, scale) or give limits");
  }
  auto plan = options.name.empty() ? store::Plan{} : auth::plan_named(options.name);
  if (!plan) return Error(ErrorCode::InvalidArgument, "there is no plan " + printable(options.name) + ": starter, growth or scale");
  if (is_custom) plan->name = "custom";
  if (const auto applied = apply_limit(options.per_second, plan->per_second); !applied) return applied.error();
  if (const auto applied = apply_limit(options.per_day, plan->per_day); !applied) return applied.error();
  if (const auto applied = apply_limit(options.per_month, plan->per_month); !applied) return applied.error();
  return *plan;
}

std::optional<AccountMode> parse_mode(std::string_view text) {
  if (text == "sandbox") return AccountMode::Sandbox;
  if (text == "production") return AccountMode::Production;
  return std::nullopt;
}

Error bad_mode(std::string_view text) {
  return Error(ErrorCode::InvalidArgument, "not a mode: " + printable(text) + "; write sandbox or production");
}

ValueObject account_value(const store::AccountRecord& account) {
  ValueList domains(account.from_domains.begin(), account.from_domains.end());
  return {{"id", format_id(account.id)},
          {"name", account.name},
          {"mode", account_mode_name(account.mode)},
          {"state", state_name(account.state)},
          {"plan", account.plan.name},
          {"per_second", limit_value(account.plan.per_second)},
          {"per_day", limit_value(account.plan.per_day)},
          {"per_month", limit_value(account.plan.per_month)},
          {"from_domains", std::move(domains)},
          {"created", instant_value(account.created)}};
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

}  // namespace

Result<void> create_account(CommandContext& context, const AccountCreateOptions& options) {
  const auto mode = parse_mode(options.mode);
  if (!mode) return bad_mode(options.mode);
  auto plan_options = options.plan;
  if (plan_options.name.empty()) plan_options.name = "starter";
  const auto plan = make_plan(plan_options);
  if (!plan) return plan.error();
  auth::AccountAdmin admin(context.directory(), context.clock(), context.random());
  const auto account = admin.create({options.name, *mode, *plan, options.domains});
  if (!account) return account.error();
  context.print(account_value(*account), "account " + printable(account->name) + " created (" + format_id(account->id) + ", " +
                                             std::string(account_mode_name(account->mode)) + ", plan " + account->plan.name +
                                             ")\n");
  return {};
}

Result<void> list_accounts(CommandContext& context) {
  const auto accounts = context.directory().list_accounts();
  if (!accounts) return accounts.error();
  ValueList values;
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
  ValueObject value = account_value(*account);
  value.emplace_back("recipients_today", *day);
  value.emplace_back("recipients_this_month", *month);
  context.print(value, format_facts({{"name", account->name},
                                     {"id", format_id(account->id)},
                                     {"mode", std::string(account_mode_name(account->mode))},
                                     {"state", std::string(state_name(account->state))},
                                     {"plan", account->plan.name},
                                     {"messages a second", limit_text(account->plan.per_second)},
                                     {"recipients a day", std::to_string(*day) + " of " + limit_text(account->plan.per_day)},
                                     {"recipients a month", std::to_string(*month) + " of " + limit_text(account->plan.per_month)},
                                     {"From domains", joined(account->from_domains, "any")},
                                     {"created", format_time(account->created)}}));
  return {};
}

Result<void> set_account_mode(CommandContext& context, const std::string& account, const std::string& text) {
  const auto mode = parse_mode(text);
  if (!mode) return bad_mode(text);
  return change_account(context, account, "mode is now " + text,
                        [&](auth::AccountAdmin& admin, const AccountId& id) { return admin.set_mode(id, *mode); });
}

Result<void> set_account_plan(CommandContext& context, const std::string& account, const PlanOptions& options) {
  const auto plan = make_plan(options);
  if (!plan) return plan.error();
  return change_account(context, account, "plan is now " + plan->name,
                        [&](auth::AccountAdmin& admin, const AccountId& id) { return admin.set_plan(id, *plan); });
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

Result<void> remove_account(CommandContext& context, const std::string& account) {
  return change_account(context, account, "removed with its keys and whitelist",
                        [](auth::AccountAdmin& admin, const AccountId& id) { return admin.remove(id); });
}

Result<void> list_production_requests(CommandContext& context) {
  const auto requests = context.directory().list_production_requests();
  if (!requests) return requests.error();
  const auth::ProductionAccess access(context.store(), context.clock());
  ValueList values;
  std::vector<std::vector<std::string>> rows;
  for (const auto& request : *requests) {
    const auto conditions = access.conditions(request.account);
    if (!conditions) return conditions.error();
    ValueObject value = {{"account", context.account_name(request.account)},
                         {"id", format_id(request.account)},
                         {"requested_at", instant_value(request.at)},
                         {"use_case", request.use_case}};
    std::vector<std::string> unmet;
    for (const auto& condition : *conditions) {
      value.emplace_back(std::string(condition.name), condition.is_met);
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
