// What a message that came in says: its texts up to a bound, and what it has attached. For the events of it. Pure.
#pragma once

#include "mime/message_reader.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::events {

// Of each text in an event: it goes to every webhook that wants it, at every attempt. GET /v1/inbound/:id/raw has all of it.
inline constexpr std::size_t kMaxEventTextOctets = 256 * 1024;

struct ReceivedContent {
  std::optional<std::string> text;
  std::optional<std::string> html;
  bool is_truncated = false;
  std::vector<mime::ReadAttachment> attachments;
};

// As mime::read_message(): on a worker.
ReceivedContent read_received(std::string_view raw);

}  // namespace postern::events
