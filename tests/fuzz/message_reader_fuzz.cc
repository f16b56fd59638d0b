// Any content as a message that is shown: every text is valid UTF-8 and bounded, and each attachment that is listed can be had, as
// long as it says.
#include "core/bytes.h"
#include "mime/message_reader.h"
#include "tests/fuzz/fuzz.h"

namespace postern::fuzz {
namespace {

void check_text(std::string_view text) {
  POSTERN_CHECK(is_valid_utf8(text) && text.size() <= mime::kMaxShownTextOctets);
}

}  // namespace

POSTERN_FUZZ(message_reader) {
  const mime::ReadMessage message = mime::read_message(input);
  for (const std::string& text : {message.header_message_id, message.from, message.subject}) check_text(text);
  for (const auto* list : {&message.to, &message.cc, &message.reply_to}) {
    POSTERN_CHECK(list->size() <= mime::kMaxShownAddresses);
    for (const std::string& address : *list) check_text(address);
  }
  if (message.text) check_text(*message.text);
  if (message.html) check_text(*message.html);
  POSTERN_CHECK(message.attachments.size() <= mime::kMaxMimeParts);
  for (const mime::ReadAttachment& attachment : message.attachments) {
    for (const std::string& text : {attachment.id, attachment.filename, attachment.content_type, attachment.content_id}) {
      check_text(text);
    }
  }
  if (message.attachments.empty()) return;
  const mime::ReadAttachment& last = message.attachments.back();
  const auto content = mime::read_attachment(input, last.id);
  POSTERN_CHECK(content && content->octets.size() == last.octets);
}

}  // namespace postern::fuzz
