// MessageLookup: the messages of a row of events. One message's events stand together, and a message of a thousand recipients has
// thousands of them: the last one found is kept. One thread.
#pragma once

#include "store/spool.h"

#include <optional>

namespace postern::api {

class MessageLookup {
 public:
  explicit MessageLookup(const store::Spool& spool) : spool_(spool) {}

  // Null: its record is gone, or cannot be read. Until the next call.
  const store::StoredMessage* find(const MessageId& id) {
    if (!id_ || *id_ != id) {
      auto found = spool_.find(id);
      stored_ = found ? std::move(*found) : std::nullopt;
      id_ = id;
    }
    return stored_ ? &*stored_ : nullptr;
  }

 private:
  const store::Spool& spool_;
  std::optional<MessageId> id_;
  std::optional<store::StoredMessage> stored_;
};

}  // namespace postern::api
