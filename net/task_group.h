// TaskGroup: everything that runs until shutdown. A task is one coroutine with an owner; the group knows all of them, asks
// them to stop, waits, cancels what is left and waits again. Nothing is detached from shutdown.
#pragma once

#include "net/awaitable.h"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <list>
#include <memory>
#include <mutex>

namespace postern::net {

// All functions are called on the executor that the task was started on, and never after run() has ended.
class Task {
 public:
  virtual ~Task() = default;
  virtual Awaitable<void> run() = 0;
  // Finish what is under way, begin nothing new.
  virtual void stop() = 0;
  // End now: every wait of the task ends at once.
  virtual void cancel() = 0;
  // The process is of no use without it.
  virtual bool is_essential() const { return false; }
};

// Any thread may start tasks and count them. The waiting functions block: never call them on a thread that runs the tasks.
class TaskGroup {
 public:
  TaskGroup() = default;
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  // Requires: no task is left.
  ~TaskGroup();

  // Runs `task` on `executor` and destroys it there. False, and the task destroyed, once stop_all() was called. A task that
  // throws is logged and ends alone; an essential one ends the process, which whoever watches over it starts again.
  bool start(Executor executor, std::unique_ptr<Task> task);

  // Shutdown in one call: stop_all(), wait up to `grace`, cancel_all(), wait for the end of all.
  void drain(std::chrono::steady_clock::duration grace);

  void stop_all();
  void cancel_all();
  void wait();
  // True if no task was left in time.
  bool wait_for(std::chrono::steady_clock::duration longest);

  std::size_t count() const;

 private:
  struct Entry;
  using Entries = std::list<std::shared_ptr<Entry>>;

  static Awaitable<void> run(std::shared_ptr<Entry> entry);
  void tell_all(void (Task::*what)());
  void ended(const std::shared_ptr<Entry>& entry, std::exception_ptr failure);

  mutable std::mutex mutex_;
  std::condition_variable is_empty_;
  Entries entries_;
  bool is_stopping_ = false;
};

}  // namespace postern::net
