// What a message that came in says: its texts up to a bound, and what it has attached. For the events of it. Pure.
#pragma once

#include "mime/message_reader.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::events {

// Of each text in an event: it goes to every webhook that wants it, at every attempt. GET /v1/inbound/:id/raw has all of it.
inline constexpr std::size_t kMaxEventTextOctets = 256 * 1024;

// Of each text where somebody asks for one message.
inline constexpr std::size_t kMaxShownReceivedOctets = 4 * 1024 * 1024;
inline constexpr std::size_t kMaxReceivedFields = 200;                   // further header fields are left out
inline constexpr std::size_t kMaxReceivedFieldOctets = 4 * 1024;         // of a value; the rest is cut off
inline constexpr std::size_t kMaxEventAttachmentOctets = 1024 * 1024;    // decoded, of all within an event

struct ReceivedContent {
  std::optional<std::string> text;
  std::optional<std::string> html;
  bool is_truncated = false;
  std::vector<mime::ReadAttachment> attachments;
  std::vector<std::string> octets;  // of the attachments, where they were asked for; those beyond the bound are not there
  std::vector<std::string> to;
  std::vector<std::string> cc;
  std::vector<std::string> reply_to;
  std::vector<std::pair<std::string, std::string>> fields;  // of the header, on one line each, valid UTF-8; not decoded
};

// As mime::read_message(): on a worker.
ReceivedContent read_received(std::string_view raw, std::size_t max_text_octets = kMaxEventTextOctets);
// What is attached as well, from the first on up to kMaxEventAttachmentOctets.
void read_attached(std::string_view raw, ReceivedContent& content);

}  // namespace postern::events
