// Start, stop, wait, cancel, wait. An entry is shared between the group and whatever is posted to the task's executor, so a
// task that has ended is simply no longer there when the post arrives.
#include "net/task_group.h"

#include "core/check.h"
#include "core/log.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <exception>

namespace postern::net {

struct TaskGroup::Entry {
  Executor executor;
  std::unique_ptr<Task> task;  // touched on the executor only
  Entries::iterator position;  // under the group's mutex
};

namespace {

void log_failure(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& exception) {
    log::write(log::Level::Error, "task_failed", {{"error", exception.what()}});
  }
}

}  // namespace

TaskGroup::~TaskGroup() { POSTERN_CHECK(entries_.empty()); }

bool TaskGroup::start(Executor executor, std::unique_ptr<Task> task) {
  auto entry = std::make_shared<Entry>();
  entry->executor = executor;
  {
    const std::lock_guard lock(mutex_);
    if (is_stopping_) return false;
    entry->task = std::move(task);
    entry->position = entries_.insert(entries_.end(), entry);
  }
  asio::co_spawn(executor, run(entry), [this, entry](std::exception_ptr failure) { ended(entry, std::move(failure)); });
  return true;
}

Awaitable<void> TaskGroup::run(std::shared_ptr<Entry> entry) { co_await entry->task->run(); }

void TaskGroup::ended(const std::shared_ptr<Entry>& entry, std::exception_ptr failure) {
  if (failure) log_failure(failure);
  // A daemon that goes on without its queue looks well and delivers nothing.
  if (failure && entry->task->is_essential()) {
    log::tell_standard_error("postern: a part of the server failed: the process ends");
    std::rethrow_exception(failure);
  }
  entry->task.reset();
  const std::lock_guard lock(mutex_);
  entries_.erase(entry->position);
  if (entries_.empty()) is_empty_.notify_all();
}

void TaskGroup::drain(std::chrono::steady_clock::duration grace) {
  stop_all();
  if (wait_for(grace)) return;
  cancel_all();
  wait();
}

void TaskGroup::stop_all() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  tell_all(&Task::stop);
}

void TaskGroup::cancel_all() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  tell_all(&Task::cancel);
}

void TaskGroup::tell_all(void (Task::*what)()) {
  const std::lock_guard lock(mutex_);
  for (const std::shared_ptr<Entry>& entry : entries_) {
    asio::post(entry->executor, [entry, what] {
      if (entry->task) ((*entry->task).*what)();
    });
  }
}

void TaskGroup::wait() {
  std::unique_lock lock(mutex_);
  is_empty_.wait(lock, [this] { return entries_.empty(); });
}

bool TaskGroup::wait_for(std::chrono::steady_clock::duration longest) {
  std::unique_lock lock(mutex_);
  return is_empty_.wait_for(lock, longest, [this] { return entries_.empty(); });
}

std::size_t TaskGroup::count() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace postern::net
