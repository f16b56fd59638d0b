#include "events/received_content.h"

#include "core/bytes.h"
#include "mime/header_scan.h"

#include <utility>

namespace postern::events {
namespace {

// True: something was cut off, where a character ends.
bool shorten(std::optional<std::string>& text, std::size_t most) {
  if (!text || text->size() <= most) return false;
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>((*text)[end]) & 0xC0) == 0x80) --end;
  text->resize(end);
  return true;
}

std::string unfolded(std::string_view value) {
  std::string line(value.substr(0, kMaxReceivedFieldOctets));
  std::erase_if(line, [](char c) { return c == '\r' || c == '\n'; });
  for (char& c : line) c = c == '\t' ? ' ' : c;
  return printable_utf8(trim_ascii_space(line), kMaxReceivedFieldOctets);
}

std::vector<std::pair<std::string, std::string>> fields_of(std::string_view raw) {
  mime::HeaderScan header;
  header.feed(raw);
  header.finish();
  std::vector<std::pair<std::string, std::string>> fields;
  for (const mime::HeaderField& field : header.fields()) {
    if (fields.size() == kMaxReceivedFields) break;
    fields.emplace_back(printable_utf8(field.name, kMaxReceivedFieldOctets), unfolded(field.value));
  }
  return fields;
}

}  // namespace

ReceivedContent read_received(std::string_view raw, std::size_t max_text_octets) {
  mime::ReadMessage read = mime::read_message(raw);
  ReceivedContent content{.text = std::move(read.text),
                          .html = std::move(read.html),
                          .is_truncated = false,
                          .attachments = std::move(read.attachments),
                          .octets = {},
                          .to = std::move(read.to),
                          .cc = std::move(read.cc),
                          .reply_to = std::move(read.reply_to),
                          .fields = fields_of(raw)};
  content.is_truncated = shorten(content.text, max_text_octets);
  content.is_truncated = shorten(content.html, max_text_octets) || content.is_truncated;
  return content;
}

void read_attached(std::string_view raw, ReceivedContent& content) {
  std::size_t octets = 0;
  for (const mime::ReadAttachment& attachment : content.attachments) {
    octets += attachment.octets;
    auto read = octets > kMaxEventAttachmentOctets ? std::nullopt : mime::read_attachment(raw, attachment.id);
    if (!read) return;
    content.octets.push_back(std::move(read->octets));
  }
}

}  // namespace postern::events
