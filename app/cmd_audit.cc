// postern audit …
#include "app/commands.h"

#include "api/record_json.h"

#include <algorithm>

namespace postern::app {
namespace {

constexpr std::size_t kAuditAtOnce = 500;

std::string target_text(const store::AuditRecord& entry) {
  const std::string& name = entry.target_name.empty() ? entry.target_id : entry.target_name;
  return printable(entry.detail.empty() ? name : name + " (" + entry.detail + ')');
}

}  // namespace

Result<void> list_audit(CommandContext& context, const std::string& account, std::size_t limit) {
  std::optional<AccountId> of;
  if (!account.empty()) {
    const auto found = context.find_account(account);
    if (!found) return found.error();
    of = found->id;
  }
  json::array values;
  std::vector<std::vector<std::string>> rows;
  std::string place;
  while (rows.size() < limit) {
    const auto page = context.directory().list_audit(of, place, std::min(kAuditAtOnce, limit - rows.size()));
    if (!page) return page.error();
    for (const auto& [at, entry] : *page) {
      values.emplace_back(api::audit_json(entry));
      rows.push_back({format_time(entry.at), entry.action, entry.actor_name.empty() ? "-" : printable(entry.actor_name),
                      entry.address ? format_ip_address(*entry.address) : "-", context.account_name(entry.account),
                      target_text(entry)});
      place = at;
    }
    if (page->empty()) break;
  }
  context.print(values, format_table({"AT (UTC)", "ACTION", "BY", "FROM", "ACCOUNT", "WHAT"}, rows));
  return {};
}

}  // namespace postern::app
