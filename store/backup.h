// A copy of the store as a folder that is there whole or not at all, and what a store that is such a copy needs at its first
// start. While it is made it stands beside its place as FOLDER.incomplete, with a file that keeps every start from using it.
#pragma once

#include "core/result.h"
#include "store/directory.h"
#include "store/spool.h"
#include "store/store.h"

#include <filesystem>
#include <optional>

namespace postern::store {

// See Store::back_up(). `by_way_of`: the copy is made in this folder and carried over once the store has been read.
Result<void> make_backup(const Spool& spool, const Directory& directory, const std::filesystem::path& folder,
                         const std::optional<std::filesystem::path>& by_way_of);
// What was left in a store's folder by a copy by way of it that was killed.
void remove_abandoned_stage(const std::filesystem::path& folder);

// Store::back_up() in a process of its own, which a server may end for the sake of mail that it has to refuse meanwhile. Cancelled:
// it was (SIGTERM).
Result<void> back_up_in_child(const StoreOptions& options, const std::filesystem::path& folder, Store::BackupWay way);

// Conflict: `copy` is no whole copy as back_up() leaves it: half of one, an interrupted one, a store that was started.
Result<void> require_copy(const std::filesystem::path& copy);
// The store of a whole copy becomes that of `folder`, which may have other files but no store: whole or not at all, whatever ends
// it, and the folder owner's. `copy` stays as it is. AlreadyExists, Conflict (as above; a server is there), StorageFull, IoError.
Result<void> restore_backup(const std::filesystem::path& copy, const std::filesystem::path& folder);

// Conflict: `folder` is what an interrupted backup left.
Result<void> refuse_incomplete(const std::filesystem::path& folder);

// Before the server gives the first event a number: above every number that the directory's webhooks have seen, which may be ahead
// of the spool's where the two were copied one after the other. In a copy far above them, so that no number of what the copied
// store did after the copy comes again: receivers drop what they have had.
Result<void> number_after_restore(const std::filesystem::path& folder, Spool& spool, const Directory& directory);

}  // namespace postern::store
