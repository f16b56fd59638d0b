// postern backup, postern store compact
#include "app/commands.h"

#include "app/config_values.h"
#include "store/backup.h"

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
