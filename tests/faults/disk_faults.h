// Faults of the disk: this executable's own fdatasync, fsync, pwrite and writev stand in front of the C library's, so that LMDB's
// calls can be watched, held and made to fail. Linking disk_faults.cc into a test is all it takes.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace postern::test::disk {

// Forgets the trace and every fault.
void reset();

// What happened since reset(), one letter a call: w a write, m a write that is synced by itself (O_DSYNC: LMDB's meta page),
// s a sync, and what the test noted.
std::string trace();
void note(char letter);

// The files and folders that were synced since reset().
std::vector<std::filesystem::path> synced_paths();

enum class Call { Write, MetaWrite, Sync };  // Write: of either kind
// The `nth` call from now on (1: the next) fails with `error`; every later one too if `lasts`.
void fail(Call call, std::size_t nth, int error, bool lasts);
// The `nth` call from now on and those behind it, `count` in all.
void fail_some(Call call, std::size_t nth, std::size_t count, int error);
// The next write of an odd page fills the disk: it writes a part of it and says so, as a full disk does.
void cut_short(std::size_t nth);
// True if the fault was met.
bool was_met();
// The file system below is read-only: it says so, and writes fail with EROFS. Until reset() as well.
void set_read_only(bool is_read_only);

// What reached the kernel, in order; power_loss.h makes of it what a disk may hold.
struct Operation {
  enum class Kind { Write, MetaWrite, Sync, Rename, Note };  // MetaWrite: synced by itself
  Kind kind = Kind::Write;
  std::filesystem::path file;  // below the recorded folder
  off_t offset = 0;
  std::string octets;          // of a write; of a note, what it says; of a renaming, the new path below the folder
};
// Records what is done to the data files below `folder`, and what the test notes, until stop_recording().
void start_recording(const std::filesystem::path& folder);
std::vector<Operation> stop_recording();
void record_note(std::string note);

// From now on a sync says that all is well and does nothing: for opening images whose loss nobody minds.
void skip_syncs(bool skips);

// Holds every sync until release_syncs().
void hold_syncs();
void wait_until_held();
void release_syncs();

}  // namespace postern::test::disk
