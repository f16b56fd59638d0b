// postern backup, postern store compact
#include "app/commands.h"

#include <filesystem>
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
  if (const auto copied = context.store().back_up(folder); !copied) return copied.error();
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
