// The schema version of an environment: written when it is made, checked whenever it is opened. A
// store of an earlier version is brought over by the first program that opens it alone; one of a
// later version is refused.
#pragma once

#include "store/tables.h"

#include <cstdint>
#include <optional>

namespace postern::store {

// The version that stands in the environment; nullopt: there is none yet (a new one). Fails:
// SchemaMismatch, with what to do, if it is none of kOldestSchemaVersion to kSchemaVersion;
// CorruptRecord.
Result<std::optional<std::uint32_t>> schema_version(Transaction& transaction);
// The same for LmdbEnvironment; false: there is none yet.
Result<bool> check_schema(Transaction& transaction);
Result<void> write_schema(WriteTransaction& transaction);

// True: an earlier version wrote it, or bringing it over was interrupted.
Result<bool> needs_migration(const LmdbEnvironment& directory, const LmdbEnvironment& spool);
// Writes the versions first, so that no earlier program takes a store that is half brought over for
// a whole one; then moves the due index into lanes, some thousands of entries a commit. What a
// crash leaves is gone on with at the next opening. Requires: the store's lock is held.
Result<void> migrate(LmdbEnvironment& directory, LmdbEnvironment& spool);

}  // namespace postern::store
