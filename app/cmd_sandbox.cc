// postern sandbox …
#include "app/commands.h"

#include "api/record_json.h"
#include "auth/account_admin.h"
#include "sandbox/scenario_catalog.h"

namespace postern::app {

Result<void> allow_recipients(CommandContext& context, const std::string& name, const std::vector<std::string>& addresses) {
  const auto account = context.find_account(name);
  if (!account) return account.error();
  auth::AccountAdmin admin(context.directory(), context.clock(), context.random());
  for (const auto& address : addresses) {
    const auto allowed = admin.allow(account->id, address);
    if (!allowed) return allowed.error();
    context.confirm({{"account", account->name}, {"address", *allowed}, {"done", "allowed"}},
                    printable(account->name) + " may now reach " + printable(*allowed) + " in sandbox mode");
  }
  return {};
}

Result<void> disallow_recipients(CommandContext& context, const std::string& name, const std::vector<std::string>& addresses) {
  const auto account = context.find_account(name);
  if (!account) return account.error();
  auth::AccountAdmin admin(context.directory(), context.clock(), context.random());
  for (const auto& address : addresses) {
    if (const auto removed = admin.disallow(account->id, address); !removed) return removed.error();
    context.confirm({{"account", account->name}, {"address", address}, {"done", "removed"}},
                    printable(account->name) + " may no longer reach " + printable(address) + " in sandbox mode");
  }
  return {};
}

Result<void> list_whitelist(CommandContext& context, const std::string& name) {
  const auto account = context.find_account(name);
  if (!account) return account.error();
  const auto entries = context.directory().list_whitelist(account->id);
  if (!entries) return entries.error();
  json::array values;
  std::vector<std::vector<std::string>> rows;
  for (const auto& entry : *entries) {
    values.emplace_back(api::whitelist_json(entry.address, entry.added, true));
    rows.push_back({entry.address, format_time(entry.added)});
  }
  context.print(values, format_table({"ADDRESS", "ADDED (UTC)"}, rows));
  return {};
}

Result<void> list_scenarios(CommandContext& context) {
  const std::string& domain = context.settings().simulator_domain;
  json::array values;
  std::vector<std::vector<std::string>> rows;
  for (const auto& row : sandbox::scenario_catalog()) {
    const std::string address = std::string(row.name) + "@" + domain;
    values.emplace_back(json::object{{"recipient", address}, {"at_rcpt", row.at_rcpt}, {"outcome", row.outcome}});
    rows.push_back({address, std::string(row.at_rcpt), std::string(row.outcome)});
  }
  context.print(values, format_table({"RECIPIENT", "AT RCPT", "OUTCOME"}, rows));
  return {};
}

}  // namespace postern::app
