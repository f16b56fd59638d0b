// A stall: for a while no commit to an environment has ended. The commit queue says so; what waits is refused meanwhile.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

namespace postern {

// How long a commit may wait for another process's before whoever waits for one is told to come again: a command's transaction
// takes milliseconds.
inline constexpr std::chrono::milliseconds kStallAfter{5'000};
// A disk under load may take seconds over a sync: a commit of our own may take so many times that long.
inline constexpr int kDiskPatience = 6;

struct Stall {
  std::chrono::milliseconds lasts{0};
  // The process that holds the write lock (0: one of another PID namespace); nullopt: none, the disk does not answer.
  std::optional<int> holder;
};
// For people. `folder`: the environment's.
std::string format_stall(const Stall& stall, const std::filesystem::path& folder);

}  // namespace postern
