#include "mime/message_composer.h"

#include "core/bytes.h"
#include "core/check.h"
#include "core/idna.h"
#include "mime/gmime_ptr.h"
#include "mime/header_fields.h"

#include <algorithm>
#include <array>

namespace postern::mime {
namespace {

constexpr const char* kCharset = "utf-8";
constexpr std::size_t kMaxPlainLineOctets = 990;  // RFC 5322 §2.1.1 allows 998; beyond this GMime decides
constexpr std::size_t kBoundaryDigits = 32;  // 128 bits: no client finds content that holds its own boundary

// What mail clients show by themselves, and what invoices come as. Everything else is octets.
constexpr std::array<std::pair<std::string_view, std::string_view>, 22> kTypes = {{
    {"pdf", "application/pdf"},   {"png", "image/png"},         {"jpg", "image/jpeg"},        {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},         {"webp", "image/webp"},       {"svg", "image/svg+xml"},     {"txt", "text/plain"},
    {"htm", "text/html"},         {"html", "text/html"},        {"csv", "text/csv"},          {"ics", "text/calendar"},
    {"json", "application/json"}, {"xml", "application/xml"},   {"zip", "application/zip"},   {"gz", "application/gzip"},
    {"mp3", "audio/mpeg"},        {"mp4", "video/mp4"},         {"doc", "application/msword"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"xls", "application/vnd.ms-excel"},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
}};
constexpr std::string_view kOctets = "application/octet-stream";

std::string_view type_of(const OutgoingAttachment& attachment) {
  const std::string_view given = attachment.content_type;
  // Such parts may not be base64 (RFC 2046 §5.2.1): as octets they arrive whole.
  const bool is_composite = starts_with_ignoring_case(given, "multipart/") || starts_with_ignoring_case(given, "message/");
  if (is_composite) return kOctets;
  if (!given.empty()) return given;
  const std::size_t dot = attachment.filename.rfind('.');
  if (dot == std::string::npos) return kOctets;
  const std::string extension = to_ascii_lower(std::string_view(attachment.filename).substr(dot + 1));
  const auto found = std::ranges::find(kTypes, extension, [](const auto& row) { return row.first; });
  return found == kTypes.end() ? kOctets : found->second;
}

// Every line end, CR LF, CR or LF, as `line_end`.
std::string with_line_ends(std::string_view text, std::string_view line_end) {
  std::string out;
  out.reserve(text.size() + text.size() / 32);
  std::size_t begin = 0;
  std::size_t cr = text.find('\r');
  std::size_t lf = text.find('\n');
  while (std::min(cr, lf) != std::string_view::npos) {
    const std::size_t end = std::min(cr, lf);
    out.append(text.substr(begin, end - begin)).append(line_end);
    begin = end + (end == cr && lf == end + 1 ? 2 : 1);
    // One search each for an octet that is far away or absent: the whole stays linear.
    if (cr < begin) cr = text.find('\r', begin);
    if (lf < begin) lf = text.find('\n', begin);
  }
  out.append(text.substr(begin));
  return out;
}

// --- Header fields -----------------------------------------------------------------------------------------------------

// `column`: as in named_address().
std::string address_text(const NamedMailbox& address, std::size_t column) {
  const std::string mailbox = format_path(address.mailbox);
  return address.name.empty() ? mailbox.substr(1, mailbox.size() - 2) : named_address(address.name, mailbox, column);
}

// One address a line, or more lines for a name beyond ASCII.
std::string address_field(std::string_view name, const std::vector<NamedMailbox>& addresses) {
  if (addresses.empty()) return {};
  std::string field = std::string(name) + ": ";
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    if (i > 0) field.append(",\r\n ");
    field.append(address_text(addresses[i], i > 0 ? 1 : field.size()));
  }
  return field.append("\r\n");
}

std::string header_of(const OutgoingMail& mail) {
  std::string header = address_field("From", {mail.from});
  if (mail.sender) header.append(address_field("Sender", {*mail.sender}));
  header.append(address_field("To", mail.to));
  header.append(address_field("Cc", mail.cc));
  header.append(address_field("Reply-To", mail.reply_to));
  header.append(text_field("Subject", mail.subject));
  for (const auto& [name, value] : mail.headers) header.append(verbatim_field(name, value));
  return header.append("MIME-Version: 1.0\r\n");
}

// --- Entities ----------------------------------------------------------------------------------------------------------

using Entity = GObjectPtr<GMimeObject>;

// Of all that makes the body.
std::string digest_of(const OutgoingMail& mail) {
  const std::unique_ptr<GChecksum, decltype(&g_checksum_free)> sum(g_checksum_new(G_CHECKSUM_SHA256), g_checksum_free);
  const auto add = [&sum](std::string_view octets) {
    const std::string length = std::to_string(octets.size()) + ':';
    g_checksum_update(sum.get(), reinterpret_cast<const guchar*>(length.data()), static_cast<gssize>(length.size()));
    g_checksum_update(sum.get(), reinterpret_cast<const guchar*>(octets.data()), static_cast<gssize>(octets.size()));
  };
  add(mail.text.value_or(""));
  add(mail.html.value_or(""));
  for (const OutgoingAttachment& attachment : mail.attachments) add(attachment.content);
  return std::string(g_checksum_get_string(sum.get())).substr(0, kBoundaryDigits);
}

void set_content(GMimePart* part, std::string_view octets, GMimeContentEncoding encoding) {
  const GObjectPtr<GMimeStream> stream(g_mime_stream_mem_new_with_buffer(octets.data(), octets.size()));
  const GObjectPtr<GMimeDataWrapper> wrapper(g_mime_data_wrapper_new_with_stream(stream.get(), GMIME_CONTENT_ENCODING_DEFAULT));
  g_mime_part_set_content(part, wrapper.get());
  g_mime_part_set_content_encoding(part, encoding);
}

// 7bit (RFC 2045 §2.7, the default that needs no field), and no line that an mbox would change: what GMime finds out with a pass of
// its filters. False: GMime may still find it so.
bool is_plain_7bit(std::string_view lines) {
  if (!std::ranges::all_of(lines, [](char c) { return c > 0 && c < 0x7F; })) return false;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    if (end > kMaxPlainLineOctets || lines.starts_with("From ")) return false;
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return true;
}

// `is_whole`: there is nothing else in the mail. Its last line has to end (RFC 5321 §4.1.1.4): where the text's own does not, only
// quoted-printable keeps it so, with a soft line end (RFC 2045 §6.7).
Entity text_entity(const char* subtype, std::string_view text, bool is_whole) {
  GMimePart* part = g_mime_part_new_with_type("text", subtype);
  Entity entity(GMIME_OBJECT(part));
  g_mime_object_set_content_type_parameter(entity.get(), "charset", kCharset);
  const std::string lines = with_line_ends(text, "\n");
  set_content(part, lines, GMIME_CONTENT_ENCODING_DEFAULT);
  GMimeContentEncoding best = is_plain_7bit(lines)
                                  ? GMIME_CONTENT_ENCODING_DEFAULT
                                  : g_mime_part_get_best_content_encoding(part, GMIME_ENCODING_CONSTRAINT_7BIT);
  const bool lacks_end = is_whole && !lines.empty() && !lines.ends_with('\n');
  if (lacks_end && best != GMIME_CONTENT_ENCODING_BASE64) best = GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE;
  // Base64 covers the line ends too: there they have to be CR LF before (RFC 2045 §6.8).
  if (best == GMIME_CONTENT_ENCODING_BASE64) set_content(part, with_line_ends(text, "\r\n"), best);
  g_mime_part_set_content_encoding(part, best);
  return entity;
}

Entity attachment_entity(const OutgoingAttachment& attachment) {
  const std::string type(type_of(attachment));
  const GObjectPtr<GMimeContentType> parsed(g_mime_content_type_parse(nullptr, type.c_str()));
  GMimePart* part = g_mime_part_new();
  Entity entity(GMIME_OBJECT(part));
  g_mime_object_set_content_type(entity.get(), parsed.get());
  g_mime_object_set_disposition(entity.get(), attachment.content_id.empty() ? "attachment" : "inline");
  if (!attachment.filename.empty()) g_mime_part_set_filename(part, attachment.filename.c_str());
  if (!attachment.content_id.empty()) g_mime_part_set_content_id(part, attachment.content_id.c_str());
  set_content(part, attachment.content, GMIME_CONTENT_ENCODING_BASE64);
  return entity;
}

class EntityBuilder {
 public:
  explicit EntityBuilder(const OutgoingMail& mail) : mail_(mail) {}

  // multipart/mixed (multipart/alternative (text, multipart/related (html, inline parts)), attachments): each layer only where
  // there is something for it to hold together.
  Entity build() {
    is_whole_ = mail_.attachments.empty() && mail_.text.has_value() != mail_.html.has_value();
    Entity shown = mail_.html ? html_layer() : Entity();
    if (mail_.text && mail_.html) {
      Entity both = multipart("alternative");
      add(both, text_entity("plain", *mail_.text, is_whole_));
      add(both, std::move(shown));
      shown = std::move(both);
    } else if (mail_.text) {
      shown = text_entity("plain", *mail_.text, is_whole_);
    }
    const bool has_more = std::ranges::any_of(mail_.attachments, [this](const auto& a) { return !is_related(a); });
    if (!has_more) return shown;
    Entity mixed = multipart("mixed");
    add(mixed, std::move(shown));
    for (const OutgoingAttachment& attachment : mail_.attachments) {
      if (!is_related(attachment)) add(mixed, attachment_entity(attachment));
    }
    return mixed;
  }

 private:
  bool is_related(const OutgoingAttachment& attachment) const { return mail_.html && !attachment.content_id.empty(); }

  Entity html_layer() {
    Entity html = text_entity("html", *mail_.html, is_whole_);
    if (std::ranges::none_of(mail_.attachments, [this](const auto& a) { return is_related(a); })) return html;
    Entity related = multipart("related");
    add(related, std::move(html));
    for (const OutgoingAttachment& attachment : mail_.attachments) {
      if (is_related(attachment)) add(related, attachment_entity(attachment));
    }
    return related;
  }

  Entity multipart(const char* subtype) {
    GMimeMultipart* multipart = g_mime_multipart_new_with_subtype(subtype);
    if (layers_ == 0) digest_ = digest_of(mail_);
    // "=_" occurs in no quoted-printable and no base64 text.
    g_mime_multipart_set_boundary(multipart, ("=_" + std::to_string(++layers_) + '_' + digest_).c_str());
    return Entity(GMIME_OBJECT(multipart));
  }

  static void add(const Entity& multipart, Entity part) { g_mime_multipart_add(GMIME_MULTIPART(multipart.get()), part.get()); }

  const OutgoingMail& mail_;
  std::string digest_;  // of the first layer on: one entity alone has no boundary
  int layers_ = 0;
  bool is_whole_ = false;  // one text is all there is
};

std::string written(GMimeObject* entity) {
  const std::unique_ptr<GMimeFormatOptions, decltype(&g_mime_format_options_free)> format(g_mime_format_options_new(),
                                                                                          g_mime_format_options_free);
  g_mime_format_options_set_newline_format(format.get(), GMIME_NEWLINE_FORMAT_DOS);
  const GObjectPtr<GMimeStream> stream(g_mime_stream_mem_new());
  POSTERN_CHECK(g_mime_object_write_to_stream(entity, format.get(), stream.get()) >= 0);
  const GByteArray* octets = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream.get()));
  return std::string(reinterpret_cast<const char*>(octets->data), octets->len);
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

// `"Name"` → `Name`.
std::string unquoted(std::string_view name) {
  if (name.size() < 2 || name.front() != '"' || name.back() != '"') return std::string(name);
  std::string plain;
  for (std::size_t i = 1; i + 1 < name.size(); ++i) {
    if (name[i] == '\\' && i + 2 < name.size()) ++i;
    plain.push_back(name[i]);
  }
  return plain;
}

}  // namespace

std::string compose_mail(const OutgoingMail& mail) {
  POSTERN_CHECK(mail.text || mail.html);
  init_gmime();
  std::string content = header_of(mail);
  const Entity body = EntityBuilder(mail).build();
  content.append(written(body.get()));
  if (!content.ends_with("\r\n")) content.append(GMIME_IS_MULTIPART(body.get()) ? "\r\n" : "=\r\n");  // see text_entity()
  return content;
}

std::optional<NamedMailbox> parse_named_mailbox(std::string_view text) {
  text = trim_ascii_space(text);
  if (has_control(text) || !is_valid_utf8(text)) return std::nullopt;
  NamedMailbox parsed;
  if (text.ends_with('>')) {
    const std::size_t open = text.rfind('<');
    if (open == std::string_view::npos) return std::nullopt;
    parsed.name = unquoted(trim_ascii_space(text.substr(0, open)));
    text = text.substr(open + 1, text.size() - open - 2);
  }
  Result<Mailbox> mailbox = parse_mailbox(text);
  if (!mailbox) return std::nullopt;
  const bool is_ascii = std::ranges::all_of(mailbox->domain, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (!is_ascii) mailbox->domain = domain_to_ascii(mailbox->domain).value_or(mailbox->domain);
  parsed.mailbox = std::move(*mailbox);
  return parsed;
}

std::string format_named_mailbox(const NamedMailbox& mailbox) {
  if (mailbox.name.empty()) return format_mailbox(mailbox.mailbox);
  return mailbox.name + ' ' + format_path(mailbox.mailbox);
}

}  // namespace postern::mime
