#include "mime/message_reader.h"

#include "core/bytes.h"
#include "core/header_text.h"
#include "mime/gmime_ptr.h"

#include <algorithm>
#include <array>
#include <functional>

namespace postern::mime {
namespace {

// How a leaf stands among the others: what readers go by when they choose what to show.
struct PartPlace {
  bool may_be_body = true;        // false: a resource of the part before it, or a further part with an identity of its own
  bool is_alternative = false;    // one of several forms of the same
};
using PartVisitor = std::function<void(GMimeObject*, const PartPlace&)>;

// Leaves in the order they stand; a message within the message is a leaf too.
class PartWalk {
 public:
  explicit PartWalk(const PartVisitor& visitor) : visitor_(visitor) {}

  void walk(GMimeObject* object, int depth, const PartPlace& place) {
    if (!object || depth > kMaxMimeDepth || parts_ >= kMaxMimeParts) return;
    ++parts_;
    if (!GMIME_IS_MULTIPART(object)) return visitor_(object, place);
    GMimeMultipart* multipart = GMIME_MULTIPART(object);
    GMimeContentType* type = g_mime_object_get_content_type(object);
    const bool is_alternative = g_mime_content_type_is_type(type, "multipart", "alternative");
    const bool is_related = g_mime_content_type_is_type(type, "multipart", "related");
    const int count = g_mime_multipart_get_count(multipart);
    for (int i = 0; i < count; ++i) {
      GMimeObject* part = g_mime_multipart_get_part(multipart, i);
      // RFC 2387 §3.2: the first of related parts is the one to show. Behind the first of others, what can be pointed to is no
      // text.
      const bool is_further = i > 0 && !is_alternative && (is_related || g_mime_object_get_content_id(part) != nullptr);
      walk(part, depth + 1, {place.may_be_body && !is_further, is_alternative});
    }
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

// Of what stands in a header: on one line.
std::string shown_field(const char* text) { return header_text(text_of(text), kMaxFieldOctets); }

// GMime's own decoding is done: no word is decoded twice.
std::string one_line(std::string text) {
  std::erase_if(text, [](char c) { return c == '\r' || c == '\n'; });
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  return is_valid_utf8(text) ? text : repaired_utf8(text);
}

std::string one_line(const char* text) { return one_line(text_of(text)); }

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

std::optional<std::string>* shown_part(GMimeObject* object, const PartPlace& place, ReadMessage& message) {
  if (is_attachment(object) || !place.may_be_body) return nullptr;
  GMimeContentType* type = g_mime_object_get_content_type(object);
  if (g_mime_content_type_is_type(type, "text", "html")) return message.html ? nullptr : &message.html;
  if (g_mime_content_type_is_type(type, "text", "plain")) return message.text ? nullptr : &message.text;
  return nullptr;
}

std::string raw_field(GMimeObject* object, const char* name) {
  GMimeHeader* field = g_mime_header_list_get_header(g_mime_object_get_header_list(object), name);
  return field ? one_line(g_mime_header_get_raw_value(field)) : std::string();
}

// What the parser decodes itself (RFC 2231), or encoded words in its place, which many clients write.
std::string filename_of(GMimeObject* object) {
  const std::string disposition = raw_field(object, "Content-Disposition");
  const std::string type = raw_field(object, "Content-Type");
  const bool has_words = disposition.find("=?") != std::string::npos || type.find("=?") != std::string::npos;
  if (!has_words) return one_line(g_mime_part_get_filename(GMIME_PART(object)));
  const GObjectPtr<GMimeContentDisposition> read(
      g_mime_content_disposition_parse(nullptr, merge_encoded_words(disposition).c_str()));
  const char* name = read ? g_mime_content_disposition_get_parameter(read.get(), "filename") : nullptr;
  if (name) return one_line(name);
  const GObjectPtr<GMimeContentType> read_type(g_mime_content_type_parse(nullptr, merge_encoded_words(type).c_str()));
  return one_line(read_type ? g_mime_content_type_get_parameter(read_type.get(), "name") : nullptr);
}

// Forms of the text that have no name by custom, called as mail programs call them.
std::string alternative_name(std::string_view content_type) {
  if (equals_ignoring_case(content_type, "text/calendar")) return "invite.ics";
  if (equals_ignoring_case(content_type, "text/x-amp-html")) return "message.amp.html";
  return {};
}

ReadAttachment describe(GMimeObject* object, const PartPlace& place, std::size_t index, std::uint64_t octets) {
  ReadAttachment attachment;
  attachment.id = std::to_string(index);
  if (GMIME_IS_PART(object)) attachment.filename = filename_of(object);
  const GText type(g_mime_content_type_get_mime_type(g_mime_object_get_content_type(object)));
  attachment.content_type = one_line(type.get());
  if (attachment.filename.empty() && place.is_alternative) attachment.filename = alternative_name(attachment.content_type);
  attachment.content_id = one_line(g_mime_object_get_content_id(object));
  GMimeContentDisposition* disposition = g_mime_object_get_content_disposition(object);
  attachment.is_inline = (place.is_alternative && !disposition) ||
      (disposition && equals_ignoring_case(text_of(g_mime_content_disposition_get_disposition(disposition)), "inline"));
  attachment.octets = octets;
  return attachment;
}

// As people write it: the parser's own words double the backslashes of a name.
std::string display_address(InternetAddress* address) {
  if (!INTERNET_ADDRESS_IS_MAILBOX(address)) {
    const GText group(internet_address_to_string(address, nullptr, FALSE));
    return one_line(group.get());
  }
  const std::string name = one_line(internet_address_get_name(address));
  const std::string mailbox = one_line(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(address)));
  if (name.empty()) return mailbox;
  std::string text;
  const bool is_plain = name.find_first_of("()<>[]:;@\\,.\"") == std::string::npos && name.front() != ' ' && name.back() != ' ';
  if (!is_plain) text.push_back('"');
  for (const char c : name) {
    if (c == '"' || c == '\\') text.push_back('\\');
    text.push_back(c);
  }
  return text.append(is_plain ? " <" : "\" <").append(mailbox).append(">");
}

void add_addresses(const char* raw, std::vector<std::string>& texts) {
  const std::string value = merge_encoded_words(one_line(raw));
  const GObjectPtr<InternetAddressList> list(internet_address_list_parse(nullptr, value.c_str()));
  const int count = list ? internet_address_list_length(list.get()) : 0;
  for (int i = 0; i < count && texts.size() < kMaxShownAddresses; ++i) {
    texts.push_back(display_address(internet_address_list_get_address(list.get(), i)));
  }
}

void read_header(GMimeMessage* source, ReadMessage& message) {
  message.header_message_id = one_line(g_mime_message_get_message_id(source));
  GMimeHeaderList* fields = g_mime_object_get_header_list(GMIME_OBJECT(source));
  const int count = g_mime_header_list_get_count(fields);
  std::vector<std::string> from;
  bool has_subject = false;
  for (int i = 0; i < count; ++i) {
    GMimeHeader* field = g_mime_header_list_get_header_at(fields, i);
    const std::string name = to_ascii_lower(text_of(g_mime_header_get_name(field)));
    const char* raw = g_mime_header_get_raw_value(field);
    if (name == "subject" && !has_subject) {
      message.subject = shown_field(raw);
      has_subject = true;
    } else if (name == "from") {
      add_addresses(raw, from);
    } else if (name == "to") {
      add_addresses(raw, message.to);
    } else if (name == "cc") {
      add_addresses(raw, message.cc);
    } else if (name == "reply-to") {
      add_addresses(raw, message.reply_to);
    }
  }
  if (!from.empty()) message.from = std::move(from.front());
}

struct Leaf {
  GMimeObject* object;
  const PartPlace& place;
  std::optional<std::string>* shown;  // where its text goes; nullptr: it is an attachment
  std::size_t attachment;             // its place among them
};
using LeafVisitor = std::function<void(const Leaf&)>;
void visit_leaves(GMimeMessage* source, ReadMessage& message, const LeafVisitor& visit) {
  std::size_t attachments = 0;
  const PartVisitor visitor = [&](GMimeObject* object, const PartPlace& place) {
    std::optional<std::string>* shown = shown_part(object, place, message);
    visit({object, place, shown, attachments});
    if (!shown) ++attachments;
  };
  PartWalk(visitor).walk(g_mime_message_get_mime_part(source), 0, {});
}

// As UTF-8, whatever is in it; lines end with LF, as in what an API client sends.
std::string shown_text(GMimeObject* object) {
  std::string octets = decoded(object);
  const std::string charset = text_of(g_mime_object_get_content_type_parameter(object, "charset"));
  auto text = charset.empty() ? std::nullopt : decode_charset(charset, octets);
  if (!text && octets.size() > kMaxShownTextOctets) octets.resize(kMaxShownTextOctets);
  std::string lines = text ? std::move(*text) : repaired_utf8(octets);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const bool is_line_end = lines[i] == '\r' && i + 1 < lines.size() && lines[i + 1] == '\n';
    if (!is_line_end) lines[kept++] = lines[i];
  }
  lines.resize(kept);
  return bounded(std::move(lines));
}

}  // namespace

ReadMessage read_message(std::string_view raw) {
  ReadMessage message;
  const GObjectPtr<GMimeMessage> source = parse(raw);
  if (!source) return message;
  read_header(source.get(), message);
  visit_leaves(source.get(), message, [&](const Leaf& leaf) {
    if (leaf.shown) {
      *leaf.shown = shown_text(leaf.object);
    } else {
      message.attachments.push_back(describe(leaf.object, leaf.place, leaf.attachment, decoded(leaf.object).size()));
    }
  });
  return message;
}

std::optional<AttachmentContent> read_attachment(std::string_view raw, std::string_view id) {
  const GObjectPtr<GMimeMessage> source = parse(raw);
  if (!source) return std::nullopt;
  ReadMessage shown_parts;
  std::optional<AttachmentContent> found;
  visit_leaves(source.get(), shown_parts, [&](const Leaf& leaf) {
    if (leaf.shown) {
      leaf.shown->emplace();
    } else if (std::to_string(leaf.attachment) == id) {
      found.emplace();
      found->octets = decoded(leaf.object);
      found->attachment = describe(leaf.object, leaf.place, leaf.attachment, found->octets.size());
    }
  });
  return found;
}

}  // namespace postern::mime
