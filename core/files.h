// Folders and files that last: made so that they survive a power failure, and so that they belong to the
// user whose folder it is, whoever runs the command that makes them.
#pragma once

#include "core/result.h"

#include <sys/types.h>

#include <filesystem>
#include <string_view>

namespace postern {

// What errno's `code` means to a caller: StorageFull or IoError. `attempt` says what was tried.
Error file_error(int code, std::string_view attempt);
// True for codes that say "no room".
bool is_no_room(int code);

// What was made in it survives a power failure only then.
Result<void> sync_folder(const std::filesystem::path& folder);

// With the folders above it, those with mode 0777; each synced. One that is there stays as it is.
Result<void> make_folder(const std::filesystem::path& folder, mode_t mode);

// Absolute, without a slash at its end.
std::filesystem::path whole_path(const std::filesystem::path& path);

// True if there is such a file and it is not empty: LMDB takes an empty file for none.
bool has_content(const std::filesystem::path& file);

// Run by root beside a service with a user of its own: gives `path` to the owner of the folder it stands in, where root made it.
// Absent: nothing to do.
Result<void> give_to_folder_owner(const std::filesystem::path& path);

// `code` of opening something below `folder`: where this user may not open one of the files of `names` in it, an error that names
// that file, its owner and what to do; else as file_error().
Error open_error(int code, std::string_view attempt, const std::filesystem::path& folder,
                 std::initializer_list<std::string_view> names);

}  // namespace postern
