#include "http/message_reader.h"

#include "core/bytes.h"
#include "http/gmime_ptr.h"

#include <algorithm>
#include <array>
#include <functional>

namespace postern::http {
namespace {

using PartVisitor = std::function<void(GMimeObject*)>;

// Leaves in the order they stand; a message within the message is a leaf too.
class PartWalk {
 public:
  explicit PartWalk(const PartVisitor& visitor) : visitor_(visitor) {}

  void walk(GMimeObject* object, int depth) {
    if (!object || depth > kMaxMimeDepth || parts_ >= kMaxMimeParts) return;
    ++parts_;
    if (!GMIME_IS_MULTIPART(object)) return visitor_(object);
    GMimeMultipart* multipart = GMIME_MULTIPART(object);
    const int count = g_mime_multipart_get_count(multipart);
    for (int i = 0; i < count; ++i) walk(g_mime_multipart_get_part(multipart, i), depth + 1);
  }

 private:
  const PartVisitor& visitor_;
  std::size_t parts_ = 0;
};

bool is_address_field(std::string_view lower_line) {
  constexpr std::array<std::string_view, 6> kNames = {"from", "sender", "reply-to", "to", "cc", "bcc"};
  std::string_view name = trim_ascii_space(lower_line.substr(0, lower_line.find(':')));
  if (name.starts_with("resent-")) name.remove_prefix(7);
  return std::ranges::find(kNames, name) != kNames.end();
}

// A copy of a message without what would cost GMime more than it may: it makes objects of boundaries and header lines, reads
// address lists in quadratic time and their groups recursively. Takes for a header section what may be one, and a little more:
// a line of text that begins with "--" counts as a boundary.
class StructureFilter {
 public:
  std::string filter(std::string_view raw) {
    kept_.reserve(raw.size());
    std::size_t begin = 0;
    while (begin < raw.size()) {
      const std::size_t end = std::min(raw.find('\n', begin), raw.size() - 1) + 1;
      if (!add(raw.substr(begin, end - begin))) break;
      begin = end;
    }
    return std::move(kept_);
  }

 private:
  // False: too much, the rest is left out.
  bool add(std::string_view line) {
    const bool is_boundary = line.starts_with("--");
    if (is_boundary) {
      is_in_header_ = true;
      has_message_below_ = is_in_digest_;
    }
    const bool is_blank = trim_ascii_space(line).empty();
    if (is_in_header_ && !is_blank) return add_header_line(line, is_boundary);
    if (is_in_header_) {
      // A message within the message: behind its part's header comes its own.
      is_in_header_ = has_message_below_;
      has_message_below_ = false;
    }
    kept_.append(line);
    return true;
  }

  bool add_header_line(std::string_view line, bool is_boundary) {
    octets_ += line.size();
    if (++lines_ > kMaxStructureLines || octets_ > kMaxStructureOctets) return false;
    const std::string lower = to_ascii_lower(line);
    const bool is_continued = line.front() == ' ' || line.front() == '\t';
    if (!is_continued) {
      field_octets_ = 0;
      is_type_ = !is_boundary && lower.starts_with("content-type");
      is_address_ = is_address_field(lower);
      if (is_address_) ++address_fields_;
    }
    has_message_below_ = has_message_below_ || (is_type_ && lower.find("message") != std::string::npos);
    is_in_digest_ = is_in_digest_ || (is_type_ && lower.find("digest") != std::string::npos);
    field_octets_ += line.size();
    if (is_address_) address_octets_ += line.size();
    const bool is_too_long = field_octets_ > kMaxFieldOctets;
    const bool is_too_much = is_address_ && (address_octets_ > kMaxAddressOctets || address_fields_ > kMaxAddressFields);
    if (!is_too_long && !is_too_much) kept_.append(line);
    return true;
  }

  std::string kept_;
  bool is_in_header_ = true;
  bool has_message_below_ = false;
  bool is_in_digest_ = false;  // whose parts are messages without saying so (RFC 2046 §5.1.5)
  bool is_type_ = false;       // the field that is being read
  bool is_address_ = false;    // the same
  std::size_t lines_ = 0;
  std::size_t octets_ = 0;
  std::size_t field_octets_ = 0;
  std::size_t address_octets_ = 0;
  std::size_t address_fields_ = 0;
};

GObjectPtr<GMimeMessage> parse(std::string_view whole) {
  init_gmime();
  const std::string raw = StructureFilter().filter(whole);
  const GObjectPtr<GMimeStream> stream(g_mime_stream_mem_new_with_buffer(raw.data(), raw.size()));
  const GObjectPtr<GMimeParser> parser(g_mime_parser_new_with_stream(stream.get()));
  return GObjectPtr<GMimeMessage>(g_mime_parser_construct_message(parser.get(), nullptr));
}

std::string valid(std::string text) {
  if (is_valid_utf8(text)) return text;
  const GText repaired(g_utf8_make_valid(text.data(), static_cast<gssize>(text.size())));
  return repaired.get();
}

std::string valid_text(const char* text) { return valid(text_of(text)); }

// Cut where a character ends.
std::string bounded(std::string text) {
  if (text.size() <= kMaxShownTextOctets) return text;
  std::size_t end = kMaxShownTextOctets;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text;
}

std::string decoded(GMimeObject* object) {
  const GObjectPtr<GMimeStream> stream(g_mime_stream_mem_new());
  if (GMIME_IS_MESSAGE_PART(object)) {
    GMimeMessage* inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
    if (inner) g_mime_object_write_to_stream(GMIME_OBJECT(inner), nullptr, stream.get());
  } else if (GMIME_IS_PART(object)) {
    GMimeDataWrapper* content = g_mime_part_get_content(GMIME_PART(object));
    if (content) g_mime_data_wrapper_write_to_stream(content, stream.get());
  }
  const GByteArray* octets = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream.get()));
  return std::string(reinterpret_cast<const char*>(octets->data), octets->len);
}

bool is_attachment(GMimeObject* object) {
  if (!GMIME_IS_TEXT_PART(object)) return true;
  GMimeContentDisposition* disposition = g_mime_object_get_content_disposition(object);
  return disposition && g_mime_content_disposition_is_attachment(disposition);
}

std::optional<std::string>* shown_part(GMimeObject* object, ReadMessage& message) {
  if (is_attachment(object)) return nullptr;
  GMimeContentType* type = g_mime_object_get_content_type(object);
  if (g_mime_content_type_is_type(type, "text", "html")) return message.html ? nullptr : &message.html;
  if (g_mime_content_type_is_type(type, "text", "plain")) return message.text ? nullptr : &message.text;
  return nullptr;
}

ReadAttachment describe(GMimeObject* object, std::size_t index, std::uint64_t octets) {
  ReadAttachment attachment;
  attachment.id = std::to_string(index);
  if (GMIME_IS_PART(object)) attachment.filename = valid_text(g_mime_part_get_filename(GMIME_PART(object)));
  const GText type(g_mime_content_type_get_mime_type(g_mime_object_get_content_type(object)));
  attachment.content_type = valid_text(type.get());
  attachment.content_id = valid_text(g_mime_object_get_content_id(object));
  GMimeContentDisposition* disposition = g_mime_object_get_content_disposition(object);
  attachment.is_inline =
      disposition && equals_ignoring_case(text_of(g_mime_content_disposition_get_disposition(disposition)), "inline");
  attachment.octets = octets;
  return attachment;
}

std::vector<std::string> addresses(InternetAddressList* list) {
  std::vector<std::string> texts;
  const int count = list ? internet_address_list_length(list) : 0;
  for (int i = 0; i < count && texts.size() < kMaxShownAddresses; ++i) {
    const GText text(internet_address_to_string(internet_address_list_get_address(list, i), nullptr, FALSE));
    texts.push_back(valid_text(text.get()));
  }
  return texts;
}

void read_header(GMimeMessage* source, ReadMessage& message) {
  message.header_message_id = valid_text(g_mime_message_get_message_id(source));
  message.subject = valid_text(g_mime_message_get_subject(source));
  std::vector<std::string> from = addresses(g_mime_message_get_from(source));
  if (!from.empty()) message.from = std::move(from.front());
  message.to = addresses(g_mime_message_get_to(source));
  message.cc = addresses(g_mime_message_get_cc(source));
  message.reply_to = addresses(g_mime_message_get_reply_to(source));
}

// Calls back for every leaf; `attachment` is its place among the attachments, or nullopt for a part that is shown.
using LeafVisitor = std::function<void(GMimeObject*, std::optional<std::string>* shown, std::size_t attachment)>;
void visit_leaves(GMimeMessage* source, ReadMessage& message, const LeafVisitor& visit) {
  std::size_t attachments = 0;
  const PartVisitor visitor = [&](GMimeObject* object) {
    std::optional<std::string>* shown = shown_part(object, message);
    visit(object, shown, attachments);
    if (!shown) ++attachments;
  };
  PartWalk(visitor).walk(g_mime_message_get_mime_part(source), 0);
}

// Lines end with LF, as in what an API client sends.
std::string shown_text(GMimeObject* object) {
  const GText decoded_text(g_mime_text_part_get_text(GMIME_TEXT_PART(object)));
  std::string text = valid_text(decoded_text.get());
  std::erase(text, '\r');
  return bounded(std::move(text));
}

}  // namespace

ReadMessage read_message(std::string_view raw) {
  ReadMessage message;
  const GObjectPtr<GMimeMessage> source = parse(raw);
  if (!source) return message;
  read_header(source.get(), message);
  visit_leaves(source.get(), message, [&](GMimeObject* object, std::optional<std::string>* shown, std::size_t index) {
    if (shown) {
      *shown = shown_text(object);
    } else {
      message.attachments.push_back(describe(object, index, decoded(object).size()));
    }
  });
  return message;
}

std::optional<AttachmentContent> read_attachment(std::string_view raw, std::string_view id) {
  const GObjectPtr<GMimeMessage> source = parse(raw);
  if (!source) return std::nullopt;
  ReadMessage shown_parts;
  std::optional<AttachmentContent> found;
  visit_leaves(source.get(), shown_parts, [&](GMimeObject* object, std::optional<std::string>* shown, std::size_t index) {
    if (shown) {
      shown->emplace();
    } else if (std::to_string(index) == id) {
      found.emplace();
      found->octets = decoded(object);
      found->attachment = describe(object, index, found->octets.size());
    }
  });
  return found;
}

}  // namespace postern::http
