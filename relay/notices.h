// Owed notices → delivery status notifications in the spool, in the same commit as the change they tell of; or an event that
// says why there is none.
#pragma once

#include "core/clock.h"
#include "core/random.h"
#include "relay/event_publisher.h"
#include "store/store.h"

#include <optional>
#include <string>
#include <string_view>

namespace postern::relay {

struct NoticeSettings {
  std::string hostname;  // Reporting-MTA, and the domain of the report's From
  Duration capture_retention = std::chrono::days(3);  // for the notices of test messages
};

class NoticeWriter {
 public:
  // All outlive this. One thread.
  NoticeWriter(store::Store& store, Random& random, NoticeSettings settings);

  // Adds to the publication's settlement one notification for each kind of notice that is owed. Reads the directory and at most
  // kMaxReturnedOctets of the message's content. `is_sender_routed`: a route leads to the reverse-path's domain.
  void add_owed(Publication& publication, const store::StoredMessage& stored, bool is_sender_routed, Instant now);

 private:
  // Why no notice may go to the reverse-path; nullopt: it may.
  std::optional<std::string_view> withheld_because(const store::MessageRecord& message, bool is_sender_routed) const;
  void add(Publication& publication, const store::StoredMessage& stored, DsnAction action, Instant now);
  std::string returned_content(const store::MessageRecord& message, bool is_whole) const;

  store::Store& store_;
  Random& random_;
  NoticeSettings settings_;
};

}  // namespace postern::relay
