// WriterGate: one writer of an environment at a time, across processes, taken around each write transaction. LMDB's own lock does
// the same, but a thread that waits for it cannot be called off, and nobody can say who has it. This one is a record lock on
// LMDB's lock file, behind all that LMDB locks there: the kernel knows its holder and drops it with the process.
#pragma once

#include "core/descriptor.h"
#include "core/result.h"

#include <sys/types.h>

#include <filesystem>
#include <optional>

namespace postern::lmdb {

// A process as this one sees it; 0: one of another PID namespace.
using ProcessId = pid_t;

class WriterGate {
 public:
  // `lock_file`: LMDB's, which is there.
  Result<void> open(const std::filesystem::path& lock_file);

  // Never waits. False: another process is inside. Where the file system has no record locks everybody is let in: LMDB's lock
  // remains.
  bool try_enter();
  void leave();
  // nullopt: no other process is inside.
  std::optional<ProcessId> holder() const;
  // True: `process` is one that this process sees under that number and that has the environment open, though not this one.
  bool is_user(ProcessId process) const;

 private:
  Descriptor file_;  // closing it drops every record lock of this process on it, LMDB's too: after the environment
};

}  // namespace postern::lmdb
