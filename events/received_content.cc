#include "events/received_content.h"

#include <utility>

namespace postern::events {
namespace {

// True: something was cut off, where a character ends.
bool shorten(std::optional<std::string>& text) {
  if (!text || text->size() <= kMaxEventTextOctets) return false;
  std::size_t end = kMaxEventTextOctets;
  while (end > 0 && (static_cast<unsigned char>((*text)[end]) & 0xC0) == 0x80) --end;
  text->resize(end);
  return true;
}

}  // namespace

ReceivedContent read_received(std::string_view raw) {
  mime::ReadMessage read = mime::read_message(raw);
  ReceivedContent content{.text = std::move(read.text),
                          .html = std::move(read.html),
                          .is_truncated = false,
                          .attachments = std::move(read.attachments)};
  content.is_truncated = shorten(content.text);
  content.is_truncated = shorten(content.html) || content.is_truncated;
  return content;
}

}  // namespace postern::events
