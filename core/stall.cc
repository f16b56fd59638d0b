#include "core/stall.h"

namespace postern {

std::string format_stall(const Stall& stall, const std::filesystem::path& folder) {
  const std::string seconds = std::to_string(stall.lasts / std::chrono::seconds(1)) + " s";
  if (!stall.holder) return "no commit to " + folder.string() + " has ended for " + seconds;
  const std::string who = *stall.holder == 0 ? "a process of another PID namespace" : "process " + std::to_string(*stall.holder);
  return who + " has held the write lock of " + folder.string() + " for " + seconds;
}

}  // namespace postern
