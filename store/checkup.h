// Examining a store that may be damaged to any degree. LMDB trusts its file, so a damaged page can end the process that reads it:
// the reading is done in child processes, one after the other until each step was tried.
#pragma once

#include "store/spool.h"
#include "store/store.h"

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::store {

// What a child said, line by line, and how it ended.
struct ChildReport {
  std::vector<std::string> lines;
  std::string failure;  // empty: it ended in order; else "it was ended by SIGBUS"
};
// Runs `work` in a child process, which ends when it returns. Call it before this process makes threads that hold locks. A child
// that says nothing for two minutes is ended.
ChildReport run_in_child(const std::function<void(const std::function<void(std::string_view)>& say)>& work);

// True if a server holds the store in `folder`; also where this user may not ask.
bool is_served(const std::filesystem::path& folder);
// That server's process. nullopt: there is none, or it is of another PID namespace.
std::optional<pid_t> serving_process(const std::filesystem::path& folder);

struct Checkup {
  std::vector<std::string> findings;  // one sentence each, at most kMaxFindings of each part; empty: sound
  std::optional<Error> not_opened;    // why it could not even be opened
  SpoolUsage usage;                   // zeroes where it could not be read
};
// Of the store in `options.folder`, while a server runs or not; changes nothing in the records.
Checkup check_store(const StoreOptions& options);

}  // namespace postern::store
