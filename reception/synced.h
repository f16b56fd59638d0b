// For threads of reception/ that may block: waits until the store has synced what it was given.
#pragma once

#include "core/result.h"
#include "store/store.h"

#include <future>
#include <memory>
#include <utility>

namespace postern::reception {

// `start` gets the completion; returns what that got. Never on an I/O thread.
template <class Start>
Result<void> wait_for_sync(Start start) {
  const auto synced = std::make_shared<std::promise<Result<void>>>();  // shared: a completion may be copied
  auto outcome = synced->get_future();
  start(Completion([synced](Result<void> result) { synced->set_value(std::move(result)); }));
  return outcome.get();
}

}  // namespace postern::reception
