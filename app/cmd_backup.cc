// postern backup, postern restore, postern upgrade-check, postern store compact
#include "app/commands.h"

#include "app/config_values.h"
#include "domains/key_seal.h"
#include "store/backup.h"
#include "store/checkup.h"
#include "store/upgrade.h"

#include <chrono>
#include <filesystem>
#include <ostream>
#include <system_error>

namespace postern::app {
namespace {

std::uint64_t octets_below(const std::filesystem::path& folder) {
  std::uint64_t octets = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, ignored)) {
    if (entry.is_regular_file(ignored)) octets += entry.file_size(ignored);
  }
  return octets;
}

// Of the copy, where it lies: what it holds, or an error with every finding.
Result<store::SpoolUsage> examine_copy(CommandContext& context, const std::string& folder) {
  if (const auto whole = store::require_copy(folder); !whole) return whole.error();
  store::StoreOptions options = make_store_options(context.settings(), false);
  options.folder = folder;
  const store::Checkup checkup = store::check_store(options);
  if (checkup.not_opened) return *checkup.not_opened;
  for (const std::string& finding : checkup.findings) context.err() << printable(finding) << "\n";
  if (checkup.findings.empty()) return checkup.usage;
  return Error(ErrorCode::CorruptRecord, printable(folder) + " is damaged: take an older copy");
}

json::object usage_value(const std::string& folder, const store::SpoolUsage& usage) {
  return {{"folder", folder}, {"messages", usage.messages}, {"queued", usage.queued}, {"events", usage.events}};
}

std::string usage_words(const store::SpoolUsage& usage) {
  return std::to_string(usage.messages) + " messages, " + std::to_string(usage.queued) + " of them queued";
}

}  // namespace

Result<void> back_up_store(CommandContext& context, const std::string& folder) {
  if (folder.empty()) return Error(ErrorCode::InvalidArgument, "name a folder that is not there yet");
  const store::StoreOptions options = make_store_options(context.settings(), false);
  auto copied = store::back_up_in_child(options, folder, store::Store::BackupWay::Direct);
  if (!copied && copied.error().code() == ErrorCode::Cancelled) {
    // The server had to refuse mail for the sake of what was read for so long: what is slow comes after the reading now.
    context.err() << "the copy was told to end, for mail was refused for its sake; once more, by way of "
                  << printable(context.settings().data_dir) << std::endl;
    copied = store::back_up_in_child(options, folder, store::Store::BackupWay::ByStore);
  }
  if (!copied) return copied.error();
  const std::uint64_t octets = octets_below(folder);
  context.confirm({{"folder", folder}, {"octets", octets}, {"done", "copied"}},
                  "the store is copied to " + printable(folder) + " (" + std::to_string(octets) + " octets)");
  return {};
}

Result<void> restore_store(CommandContext& context, const RestoreOptions& options) {
  const auto usage = examine_copy(context, options.folder);
  if (!usage) return usage.error();
  json::object value = usage_value(options.folder, *usage);
  if (options.only_checks) {
    value["done"] = "checked";
    context.confirm(value, printable(options.folder) + " is whole, and every record of it is sound: " + usage_words(*usage));
    return {};
  }
  const std::filesystem::path data_dir = context.settings().data_dir;
  if (const auto restored = store::restore_backup(options.folder, data_dir); !restored) return restored.error();
  value["done"] = "restored";
  context.confirm(value, printable(data_dir.string()) + " has the store of " + printable(options.folder) + ": " +
                             usage_words(*usage));
  std::error_code ignored;
  if (!std::filesystem::exists(data_dir / domains::kSealFileName, ignored)) {
    context.err() << "put " << domains::kSealFileName << " back, too: without it no DKIM key of the copy can be used\n";
  }
  if (usage->queued > 0) {
    context.err() << "what has left since the copy was made is queued in it still; to look before it goes again, say before the "
                     "start:\n  postern queue suspend --domain '*' --reason restored\n";
  }
  return {};
}

Result<void> check_upgrade(CommandContext& context, const std::string& folder) {
  const std::string of = folder.empty() ? context.settings().data_dir : folder;
  const auto upgrade = store::foresee_upgrade(of);
  if (!upgrade) return upgrade.error();
  if (!upgrade->is_readable) {
    return Error(ErrorCode::SchemaMismatch, printable(of) + " has schema version " + std::to_string(upgrade->from) +
                                                ", this program knows none above " + std::to_string(upgrade->to) +
                                                ": it would refuse the store");
  }
  json::array steps;
  std::vector<std::vector<std::string>> rows;
  for (const store::UpgradeStep& step : upgrade->steps) {
    steps.push_back(json::object{{"what", step.what}, {"rows", step.rows}});
    rows.push_back({step.what, std::to_string(step.rows)});
  }
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(upgrade->about).count();
  const json::object value{{"folder", of},
                           {"from_version", upgrade->from},
                           {"to_version", upgrade->to},
                           {"octets", upgrade->octets},
                           {"due", upgrade->is_due()},
                           {"one_way", upgrade->is_one_way()},
                           {"about_seconds", seconds},
                           {"steps", std::move(steps)}};
  if (!upgrade->is_due()) {
    context.print(value, printable(of) + " is as this version has it: nothing is to be brought over\n");
    return {};
  }
  std::string text = printable(of) + ": schema version " + std::to_string(upgrade->from) + ", this program's " +
                     std::to_string(upgrade->to) + "\n" + format_table({"WHAT IS BROUGHT OVER", "ROWS"}, rows) +
                     "about " + std::to_string(seconds) + " s, at the first start, before it listens\n";
  if (upgrade->is_one_way()) text += "an earlier program refuses the store afterwards: copy it first (postern backup)\n";
  context.print(value, text);
  return {};
}

Result<void> compact_store(CommandContext& context) {
  if (const auto loaded = context.load_settings(); !loaded) return loaded.error();
  const auto done = store::Store::compact(context.settings().data_dir);
  if (!done) return done.error();
  context.confirm({{"octets_before", done->octets_before}, {"octets_after", done->octets_after}, {"done", "compacted"}},
                  "the store's files take " + std::to_string(done->octets_after) + " octets; before, " +
                      std::to_string(done->octets_before));
  return {};
}

}  // namespace postern::app
