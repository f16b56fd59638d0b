// The route table in force, while a reload may put another in its place.
#pragma once

#include "relay/route.h"

#include <memory>
#include <mutex>
#include <utility>

namespace postern::app {

// Replaced by a reload, read by every connection.
class RouteHolder {
 public:
  explicit RouteHolder(relay::RouteTable table) : table_(std::make_shared<const relay::RouteTable>(std::move(table))) {}

  std::shared_ptr<const relay::RouteTable> get() const {
    const std::lock_guard lock(mutex_);
    return table_;
  }
  void set(std::shared_ptr<const relay::RouteTable> table) {
    const std::lock_guard lock(mutex_);
    table_ = std::move(table);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const relay::RouteTable> table_;
};

}  // namespace postern::app
