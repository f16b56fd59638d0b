// postern suppression …
#include "app/commands.h"

#include "api/record_json.h"
#include "relay/suppression.h"

namespace postern::app {
namespace {

constexpr std::size_t kReadAtOnce = 1'000;

}  // namespace

Result<void> list_suppressions(CommandContext& context, const std::string& name) {
  const auto account = context.find_account(name);
  if (!account) return account.error();
  json::array values;
  std::vector<std::vector<std::string>> rows;
  std::string after;
  for (bool has_more = true; has_more;) {
    const auto records = context.directory().list_suppressions(account->id, after, kReadAtOnce);
    if (!records) return records.error();
    for (const store::SuppressionRecord& record : *records) {
      const std::string entry = store::suppression_entry(record.address, record.stream);
      after = entry;
      if (!relay::is_in_force(record, context.clock().now())) continue;
      const std::string message = record.message ? format_message_id(*record.message) : "";
      const std::string reason(relay::suppression_reason_name(record.reason));
      values.emplace_back(api::suppression_json(record));
      rows.push_back({entry, reason, format_time(record.at),
                      record.until ? format_time(record.until) : "for good", message.empty() ? "-" : message});
    }
    has_more = records->size() == kReadAtOnce;
  }
  context.print(values, format_table({"ADDRESS", "REASON", "SINCE (UTC)", "UNTIL (UTC)", "MESSAGE"}, rows));
  return {};
}

Result<void> add_suppressions(CommandContext& context, const std::string& name, const std::vector<std::string>& addresses) {
  const auto account = context.find_account(name);
  if (!account) return account.error();
  for (const std::string& address : addresses) {
    const auto added = relay::suppress(context.directory(), account->id, address, context.clock().now());
    if (!added) return added.error();
    const std::string entry = store::suppression_entry(added->address, added->stream);
    context.confirm({{"account", account->name}, {"address", entry}, {"done", "suppressed"}},
                    "live mail of " + printable(account->name) + " is not sent to " + printable(entry) + " any more");
  }
  return {};
}

Result<void> remove_suppressions(CommandContext& context, const std::string& name, const std::vector<std::string>& addresses) {
  const auto account = context.find_account(name);
  if (!account) return account.error();
  for (const std::string& address : addresses) {
    const auto lifted = relay::lift_suppression(context.directory(), account->id, address);
    if (!lifted && lifted.error().code() == ErrorCode::NotFound) {
      return Error(ErrorCode::NotFound, printable(address) + " is not on the list");
    }
    if (!lifted) return lifted.error();
    context.confirm({{"account", account->name}, {"address", *lifted}, {"done", "removed"}},
                    printable(account->name) + " may send to " + printable(*lifted) + " again");
  }
  return {};
}

}  // namespace postern::app
