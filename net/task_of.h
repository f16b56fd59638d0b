// The task of an object that does the work itself, and that lives as long as it is needed: a part of the server, such as its queue.
#pragma once

#include "net/task_group.h"

#include <memory>
#include <utility>

namespace postern::net {

template <class Worker>
class TaskOf final : public Task {
 public:
  explicit TaskOf(std::shared_ptr<Worker> worker) : worker_(std::move(worker)) {}
  Awaitable<void> run() override { return worker_->run(); }
  void stop() override { worker_->stop(); }
  void cancel() override { worker_->cancel(); }
  bool is_essential() const override { return true; }

 private:
  std::shared_ptr<Worker> worker_;
};

}  // namespace postern::net
