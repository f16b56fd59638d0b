// Runtime: the threads of the server. Each thread runs one io_context of its own, so what lives on an executor needs no lock.
#pragma once

#include "net/awaitable.h"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace postern::net {

class Runtime {
 public:
  // `io_threads` of 0 means one for each core.
  explicit Runtime(std::size_t io_threads);
  // Calls stop().
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // Before start(): one more thread with an io_context of its own, for work that must not share one with connections (the
  // queue, the HTTP server). `name` is at most 15 octets and shows in the system's thread list.
  Executor add_thread(const std::string& name);

  // Starts the threads; they block all signals, which thus reach the caller's thread. Throws std::system_error where one
  // cannot be made; the destructor ends the others.
  void start();
  // Ends the loops where they stand and joins. Drain the task groups first: what still waits is destroyed, not finished.
  void stop();

  // Asks every thread for a sign of life, and names those that gave none since the last call. Between two calls lies longer than
  // any work on these threads takes. One caller; after start().
  std::vector<std::string> find_stalled();

  // The executors of the I/O threads, in order; they live as long as the runtime.
  const std::vector<Executor>& io_executors() const { return io_executors_; }
  Executor executor(std::size_t i) const { return io_executors_[i % io_executors_.size()]; }

 private:
  class Loop;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::vector<Executor> io_executors_;
};

}  // namespace postern::net
