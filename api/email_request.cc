#include "api/email_request.h"

#include "core/base64.h"
#include "core/bytes.h"
#include "core/time_format.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <array>
#include <set>

namespace postern::api {
namespace {

namespace json = boost::json;

using MaybeFault = std::optional<EmailFault>;

EmailFault invalid(std::string_view field, std::string_view what) {
  return {ApiProblem::ValidationError, std::string(field) + ": " + std::string(what)};
}

std::string element(std::string_view field, std::size_t index) {
  return std::string(field) + '[' + std::to_string(index) + ']';
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

bool is_printable_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
}

// As JSON Schema's maxLength counts: code points.
std::size_t characters_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

constexpr std::string_view kScheduleForm = "is a time: 2026-11-21T09:30:00Z, or in 10 minutes";
constexpr std::uint64_t kMaxScheduleCount = 10'000'000;  // seconds of 115 days: no overflow, and beyond any bound
constexpr std::array<std::pair<std::string_view, std::chrono::seconds>, 7> kScheduleUnits = {{
    {"second", std::chrono::seconds(1)},
    {"sec", std::chrono::seconds(1)},
    {"minute", std::chrono::minutes(1)},
    {"min", std::chrono::minutes(1)},
    {"hour", std::chrono::hours(1)},
    {"day", std::chrono::days(1)},
    {"week", std::chrono::weeks(1)},
}};

// Null is absent: the packages of the API send it for what was not set.
const json::value* find_field(const json::object& body, std::string_view name) {
  const json::value* value = body.if_contains(name);
  return value && !value->is_null() ? value : nullptr;
}

struct TextField {
  std::string_view name;
  std::size_t max_characters;
  bool is_one_line = true;
};

// Absent leaves `out` as it is.
MaybeFault read_text(const json::object& body, const TextField& field, std::optional<std::string>& out,
                     std::string_view where = {}) {
  const json::value* value = find_field(body, field.name);
  if (!value) return std::nullopt;
  const std::string path = where.empty() ? std::string(field.name) : std::string(where) + '.' + std::string(field.name);
  if (!value->is_string()) return invalid(path, "has to be a string");
  const std::string_view text = value->get_string();
  if (characters_of(text) > field.max_characters) {
    return invalid(path, "is longer than " + std::to_string(field.max_characters) + " characters");
  }
  if (text.find('\0') != std::string_view::npos) return invalid(path, "may not hold NUL");
  if (field.is_one_line && has_control(text)) return invalid(path, "may not hold line ends or other control characters");
  if (!is_valid_utf8(text)) return invalid(path, "is not valid UTF-8");
  out = std::string(text);
  return std::nullopt;
}

std::variant<mime::NamedMailbox, EmailFault> parse_address(const json::value& value, const std::string& path, Refusal refusal) {
  if (!value.is_string()) return invalid(path, "has to be a string");
  const std::string_view text = value.get_string();
  if (has_control(text)) return invalid(path, "may not hold line ends or other control characters");
  auto parsed = mime::parse_named_mailbox(text);
  if (!parsed) return EmailFault{refusal, path + ": no address: write \"name@domain\" or \"Name <name@domain>\""};
  if (parsed->name.size() > kMaxDisplayNameOctets) return invalid(path, "the name is longer than 320 octets");
  return std::move(*parsed);
}

constexpr std::string_view kUnfoldable = "has a part without blanks that is longer than 900 octets";

// What no fold can divide. Text beyond ASCII is encoded in pieces.
bool has_unfoldable_part(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t word = std::min(text.find_first_not_of(' ', at), text.size());
    const std::size_t end = std::min(text.find(' ', word), text.size());
    const std::string_view piece = text.substr(at, end - at);
    if (piece.size() > kMaxUnfoldableOctets && !has_high_octet(piece)) return true;
    at = end;
  }
  return false;
}

// Fields without a word for people in them (RFC 5322 §3.6.4, RFC 2369, RFC 8058): an encoded word would not be read there.
constexpr std::array<std::string_view, 13> kAsciiOnlyHeaders = {
    "message-id",     "in-reply-to",      "references", "list-unsubscribe", "list-unsubscribe-post", "list-help",  "list-subscribe",
    "list-post",      "list-owner",       "list-archive", "auto-submitted",   "precedence",            "feedback-id"};

// --- Parts of the request ----------------------------------------------------------------------------------------------

// What Postern says itself, what makes the structure, and what a receiver believes the way of the message by.
constexpr std::array<std::string_view, 23> kReservedHeaders = {
    "from",        "sender",     "to",       "cc",           "bcc",         "reply-to",
    "subject",     "date",       "received", "return-path",  "mime-version", "dkim-signature",
    "delivered-to", "envelope-to", "errors-to", "return-receipt-to", "authentication-results", "arc-seal",
    "arc-message-signature", "arc-authentication-results", "domainkey-signature", "apparently-to",
    "x-postern-tags"};

bool is_reserved(std::string_view name) {
  const std::string lower = to_ascii_lower(name);
  return lower.starts_with("content-") || lower.starts_with("resent-") || lower.starts_with("received-") ||
         std::ranges::find(kReservedHeaders, lower) != kReservedHeaders.end();
}

MaybeFault read_headers(const json::object& body, mime::OutgoingMail& mail) {
  const json::value* value = find_field(body, "headers");
  if (!value) return std::nullopt;
  if (!value->is_object()) return invalid("headers", "has to be an object of strings");
  const json::object& headers = value->get_object();
  if (headers.size() > kMaxCustomHeaders) return EmailFault{ApiProblem::LimitExceeded, "headers: at most 50"};
  std::set<std::string> seen;
  for (const auto& [name, content] : headers) {
    if (!content.is_string()) return invalid("headers", "every value has to be a string");
    const auto fault = header_fault(name, content.get_string());
    if (fault) return invalid("headers", *fault);
    if (is_reserved(name)) {
      return invalid("headers",
                     '"' + std::string(name) + "\" may not be set: it has a field of its own, or belongs to the servers");
    }
    if (!seen.insert(to_ascii_lower(name)).second) return invalid("headers", "a name is there twice");
    mail.headers.emplace_back(std::string(name), std::string(content.get_string()));
  }
  return std::nullopt;
}

bool is_tag_text(std::string_view text) {
  return !text.empty() && text.size() <= kMaxTagOctets &&
         std::ranges::all_of(text, [](char c) { return is_ascii_alnum(c) || c == '_' || c == '-'; });
}

MaybeFault read_tags(const json::object& body, store::MessageSummary& summary) {
  const json::value* value = find_field(body, "tags");
  if (!value) return std::nullopt;
  if (!value->is_array()) return invalid("tags", "has to be a list of {name, value}");
  const json::array& tags = value->get_array();
  if (tags.size() > kMaxTags) return EmailFault{ApiProblem::LimitExceeded, "tags: at most 75"};
  for (std::size_t i = 0; i < tags.size(); ++i) {
    const json::object* tag = tags[i].if_object();
    const json::value* name = tag ? find_field(*tag, "name") : nullptr;
    const json::value* content = tag ? find_field(*tag, "value") : nullptr;
    const bool is_sound = name && content && name->is_string() && content->is_string() &&
                          is_tag_text(name->get_string()) && is_tag_text(content->get_string());
    if (!is_sound) return invalid(element("tags", i), "name and value are 1 to 256 letters, digits, '_' or '-'");
    summary.tags.emplace_back(std::string(name->get_string()), std::string(content->get_string()));
  }
  return std::nullopt;
}

// "type/subtype" (RFC 6838 §4.2).
bool is_media_type(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto is_name = [](std::string_view name) {
    return !name.empty() && is_ascii_alnum(name.front()) && std::ranges::all_of(name, [](char c) {
      return is_ascii_alnum(c) || std::string_view("!#$&-^_.+").find(c) != std::string_view::npos;
    });
  };
  return slash != std::string_view::npos && is_name(text.substr(0, slash)) && is_name(text.substr(slash + 1));
}

bool is_token_character(char c) {
  return c > 0x20 && c < 0x7F && std::string_view("()<>@,;:\\\"/[]?=").find(c) == std::string_view::npos;
}

// How many octets at the front are a token, or a quoted string (RFC 2045 §5.1); 0: neither.
std::size_t parameter_value_octets(std::string_view text) {
  if (!text.starts_with('"')) {
    return static_cast<std::size_t>(std::ranges::find_if_not(text, is_token_character) - text.begin());
  }
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1;
    if (text[i] == '\\') ++i;
  }
  return 0;
}

// ";name=value" any number of times, each name once (RFC 2045 §5.1); a semicolon at the end is passed over.
bool are_media_parameters(std::string_view text) {
  std::set<std::string> seen;
  while (true) {
    text = trim_ascii_space(text);
    if (text.empty() || text == ";") return true;
    if (!text.starts_with(';')) return false;
    text = trim_ascii_space(text.substr(1));
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string_view::npos) return false;
    const std::string_view name = text.substr(0, equals);
    if (!std::ranges::all_of(name, is_token_character) || !seen.insert(to_ascii_lower(name)).second) return false;
    text.remove_prefix(equals + 1);
    const std::size_t value = parameter_value_octets(text);
    if (value == 0) return false;
    text.remove_prefix(value);
  }
}

std::string_view without_brackets(std::string_view id) {
  if (id.size() >= 2 && id.front() == '<' && id.back() == '>') return id.substr(1, id.size() - 2);
  return id;
}

MaybeFault read_attachment_names(const json::object& source, const std::string& path, mime::OutgoingAttachment& attachment) {
  std::optional<std::string> filename;
  std::optional<std::string> type;
  std::optional<std::string> id;
  // The API's packages say `false` for "no name".
  const json::value* name = find_field(source, "filename");
  const bool is_nameless = name && name->is_bool() && !name->get_bool();
  if (!is_nameless) {
    if (auto fault = read_text(source, {"filename", kMaxFilenameCharacters}, filename, path)) return fault;
  }
  if (auto fault = read_text(source, {"content_type", kMaxContentTypeCharacters}, type, path)) return fault;
  if (auto fault = read_text(source, {"content_id", kMaxContentIdCharacters}, id, path)) return fault;
  if (type && !type->empty()) {
    const std::string_view whole = trim_ascii_space(*type);
    const std::size_t end = std::min(whole.find(';'), whole.size());
    const bool is_sound = is_media_type(trim_ascii_space(whole.substr(0, end))) && are_media_parameters(whole.substr(end));
    if (!is_sound) return invalid(path + ".content_type", "is no media type");
    attachment.content_type = whole;
  }
  if (id && !id->empty()) {
    const std::string_view plain = without_brackets(*id);
    const bool is_sound = !plain.empty() && is_printable_ascii(plain) && plain.find_first_of("<>()\\\"") == std::string_view::npos;
    if (!is_sound) return invalid(path + ".content_id", "may hold printable ASCII without blanks, quotes and brackets");
    attachment.content_id = plain;
  }
  attachment.filename = filename.value_or("");
  return std::nullopt;
}

// As mail and most tools write it, in lines (RFC 2045 §6.8).
std::optional<std::string> decode_base64_lines(std::string_view text) {
  constexpr std::string_view kBetween = "\r\n\t ";
  if (text.find_first_of(kBetween) == std::string_view::npos) return decode_base64(text);
  std::string digits(text);
  std::erase_if(digits, [&](char c) { return kBetween.find(c) != std::string_view::npos; });
  return decode_base64(digits);
}

// The packages send a Buffer as base64, or as JSON.stringify() writes one: {"type": "Buffer", "data": [1, 2, …]}.
std::optional<std::string> attachment_octets(const json::value& content) {
  if (content.is_string()) return decode_base64_lines(content.get_string());
  const json::object* object = content.if_object();
  const json::value* data = object ? object->if_contains("data") : nullptr;
  if (!data || !data->is_array()) return std::nullopt;
  std::string octets;
  for (const json::value& item : data->get_array()) {
    const std::int64_t* number = item.if_int64();
    if (!number || *number < 0 || *number > 255) return std::nullopt;
    octets.push_back(static_cast<char>(*number));
  }
  return octets;
}

MaybeFault read_attachments(const json::object& body, const EmailLimits& limits, mime::OutgoingMail& mail) {
  const json::value* value = find_field(body, "attachments");
  if (!value) return std::nullopt;
  if (!value->is_array()) return invalid("attachments", "has to be a list");
  const json::array& list = value->get_array();
  if (!limits.takes_attachments && !list.empty()) {
    return invalid("attachments", "a batch takes none: send such messages one by one");
  }
  if (list.size() > kMaxAttachments) return EmailFault{ApiProblem::LimitExceeded, "attachments: at most 100"};
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string path = element("attachments", i);
    const json::object* source = list[i].if_object();
    if (!source) return invalid(path, "has to be an object");
    if (find_field(*source, "path")) return invalid(path + ".path", "nothing is fetched from elsewhere: send the content");
    mime::OutgoingAttachment attachment;
    if (auto fault = read_attachment_names(*source, path, attachment)) return fault;
    const json::value* content = find_field(*source, "content");
    auto octets = content ? attachment_octets(*content) : std::nullopt;
    if (!octets) return invalid(path + ".content", "has to be base64");
    attachment.content = std::move(*octets);
    mail.attachments.push_back(std::move(attachment));
  }
  return std::nullopt;
}

MaybeFault refuse_what_is_not_there(const json::object& body) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kMissing = {{
      {"template", "there are no templates: send html or text"},
      {"topic_id", "there are no topics"},
  }};
  for (const auto& [name, what] : kMissing) {
    if (find_field(body, name)) return invalid(name, what);
  }
  return std::nullopt;
}

// "never", or a list of "success", "failure" and "delay".
MaybeFault read_notify(const json::object& body, Notify& notify) {
  const json::value* value = find_field(body, "notify");
  if (!value) return std::nullopt;
  const auto wrong = [] { return invalid("notify", "is \"never\", or a list of \"success\", \"failure\" and \"delay\""); };
  const json::array one = {*value};
  const json::array& list = value->is_array() ? value->get_array() : one;
  notify.is_given = true;
  for (const json::value& item : list) {
    const std::string_view word = item.is_string() ? std::string_view(item.get_string()) : std::string_view();
    if (word == "never" && list.size() == 1) {
      notify.never = true;
    } else if (word == "success") {
      notify.success = true;
    } else if (word == "failure") {
      notify.failure = true;
    } else if (word == "delay") {
      notify.delay = true;
    } else {
      return wrong();
    }
  }
  if (list.empty()) return wrong();
  return std::nullopt;
}

// Of the envelope: an empty return path is the null one of automatic mail (RFC 5321 §4.5.5).
MaybeFault read_envelope(const json::object& body, EmailRequest& request) {
  request.reverse_path = request.mail.sender ? request.mail.sender->mailbox : request.mail.from.mailbox;
  if (const json::value* path = find_field(body, "return_path")) {
    request.reverse_path.reset();
    const bool is_null = path->is_string() && (path->get_string().empty() || path->get_string() == "<>");
    if (!is_null) {
      auto address = parse_address(*path, "return_path", Refusal::InvalidSender);
      if (auto* fault = std::get_if<EmailFault>(&address)) return std::move(*fault);
      request.reverse_path = std::move(std::get<mime::NamedMailbox>(address).mailbox);
    }
  }
  std::optional<std::string> run;
  if (auto fault = read_text(body, {"run", kMaxRunCharacters}, run)) return fault;
  request.run = run.value_or("");
  if (const json::value* schedule = find_field(body, "scheduled_at")) {
    if (schedule->is_string()) request.hold = parse_schedule(schedule->get_string());
    if (!request.hold) return invalid("scheduled_at", std::string(kScheduleForm));
  }
  return read_notify(body, request.notify);
}

MaybeFault read_texts(const json::object& body, mime::OutgoingMail& mail) {
  constexpr std::size_t kAnySize = ~std::size_t{0};  // the request's own bound holds
  std::optional<std::string> subject;
  if (auto fault = read_text(body, {"subject", kMaxSubjectCharacters}, subject)) return fault;
  if (!subject) return invalid("subject", "is missing");
  if (has_unfoldable_part(*subject)) return invalid("subject", std::string(kUnfoldable));
  mail.subject = std::move(*subject);
  if (auto fault = read_text(body, {"text", kAnySize, false}, mail.text)) return fault;
  if (auto fault = read_text(body, {"html", kAnySize, false}, mail.html)) return fault;
  if (!mail.text && !mail.html) return invalid("html", "html or text is needed");
  // An empty text beside html says "no text part".
  if (mail.html && mail.text && mail.text->empty()) mail.text.reset();
  return std::nullopt;
}

MaybeFault read_addresses(const json::object& body, const EmailLimits& limits, mime::OutgoingMail& mail,
                          std::vector<mime::NamedMailbox>& bcc) {
  auto from = parse_sender(body);
  if (auto* fault = std::get_if<EmailFault>(&from)) return std::move(*fault);
  mail.from = std::move(std::get<mime::NamedMailbox>(from));
  if (const json::value* sender = find_field(body, "sender")) {
    auto address = parse_address(*sender, "sender", Refusal::InvalidSender);
    if (auto* fault = std::get_if<EmailFault>(&address)) return std::move(*fault);
    mail.sender = std::move(std::get<mime::NamedMailbox>(address));
  }
  const std::array<std::pair<std::string_view, std::vector<mime::NamedMailbox>*>, 4> fields = {
      {{"to", &mail.to}, {"cc", &mail.cc}, {"bcc", &bcc}, {"reply_to", &mail.reply_to}}};
  for (const auto& [name, target] : fields) {
    auto list = parse_addresses(body, name, name == "reply_to" ? kMaxAddressFieldEntries : limits.max_recipients);
    if (auto* fault = std::get_if<EmailFault>(&list)) return std::move(*fault);
    *target = std::move(std::get<std::vector<mime::NamedMailbox>>(list));
  }
  if (mail.to.empty()) return invalid("to", "is missing");
  return std::nullopt;
}

std::vector<std::string> formatted(const std::vector<mime::NamedMailbox>& addresses) {
  std::vector<std::string> texts;
  texts.reserve(addresses.size());
  for (const mime::NamedMailbox& address : addresses) texts.push_back(mime::format_named_mailbox(address));
  return texts;
}

void add_recipients(const std::vector<mime::NamedMailbox>& from, std::set<std::string>& seen, std::vector<Mailbox>& to) {
  for (const mime::NamedMailbox& address : from) {
    if (seen.insert(normalised_mailbox(address.mailbox)).second) to.push_back(address.mailbox);
  }
}

}  // namespace

ApiResponse EmailFault::response() const {
  if (const auto* problem = std::get_if<ApiProblem>(&kind)) return api_problem(*problem, detail);
  return api_refusal(std::get<Refusal>(kind), detail);
}

std::variant<mime::NamedMailbox, EmailFault> parse_sender(const json::object& body) {
  const json::value* from = find_field(body, "from");
  if (!from) return invalid("from", "is missing");
  return parse_address(*from, "from", Refusal::InvalidSender);
}

std::optional<Hold> parse_schedule(std::string_view text) {
  text = trim_ascii_space(text);
  if (const auto instant = parse_date_time(text)) return *instant;
  if (!starts_with_ignoring_case(text, "in ")) return std::nullopt;
  text = trim_ascii_space(text.substr(3));
  const std::size_t blank = std::min(text.find(' '), text.size());
  const auto count = parse_unsigned(text.substr(0, blank));
  const std::string_view unit = trim_ascii_space(text.substr(blank));
  if (!count || *count > kMaxScheduleCount) return std::nullopt;
  for (const auto& [name, length] : kScheduleUnits) {
    const bool is_it = equals_ignoring_case(unit, name) || (equals_ignoring_case(unit.substr(0, name.size()), name) &&
                                                            equals_ignoring_case(unit.substr(name.size()), "s"));
    if (is_it) return Hold(length * static_cast<std::int64_t>(*count));
  }
  return std::nullopt;
}

AddressesOrFault parse_addresses(const json::object& body, std::string_view field, std::size_t max_entries) {
  const json::value* value = find_field(body, field);
  std::vector<mime::NamedMailbox> addresses;
  if (!value) return addresses;
  if (!value->is_array()) {
    auto address = parse_address(*value, std::string(field), Refusal::InvalidRecipient);
    if (auto* fault = std::get_if<EmailFault>(&address)) return std::move(*fault);
    addresses.push_back(std::move(std::get<mime::NamedMailbox>(address)));
    return addresses;
  }
  const json::array& list = value->get_array();
  if (list.size() > max_entries) {
    return EmailFault{Refusal::TooManyRecipients, std::string(field) + ": at most " + std::to_string(max_entries)};
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto address = parse_address(list[i], element(field, i), Refusal::InvalidRecipient);
    if (auto* fault = std::get_if<EmailFault>(&address)) return std::move(*fault);
    addresses.push_back(std::move(std::get<mime::NamedMailbox>(address)));
  }
  return addresses;
}

std::optional<std::string> header_fault(std::string_view name, std::string_view value) {
  const bool is_name = !name.empty() && name.size() <= kMaxHeaderNameOctets && is_printable_ascii(name) &&
                       name.find(':') == std::string_view::npos;
  if (!is_name) return "a name is 1 to 76 printable ASCII characters without a colon";
  const std::string quoted = '"' + std::string(name) + '"';
  if (characters_of(value) > kMaxHeaderValueCharacters) return quoted + " is longer than 32768 characters";
  if (has_control(value)) return quoted + " may not hold line ends or other control characters";
  if (!is_valid_utf8(value)) return quoted + " is not valid UTF-8";
  if (has_unfoldable_part(value)) return quoted + ' ' + std::string(kUnfoldable);
  const bool is_ascii_only = std::ranges::find(kAsciiOnlyHeaders, to_ascii_lower(name)) != kAsciiOnlyHeaders.end();
  if (is_ascii_only && has_high_octet(value)) return quoted + " takes ASCII only";
  const bool is_id = value.size() > 4 && value.front() == '<' && value.back() == '>' && is_printable_ascii(value) &&
                     value.find('@') != std::string_view::npos;
  if (equals_ignoring_case(name, "Message-ID") && !is_id) return quoted + " has to be \"<id@domain>\"";
  return std::nullopt;
}

EmailRequestOrFault parse_email_request(const json::value& body, const EmailLimits& limits) {
  const json::object* object = body.if_object();
  if (!object) return EmailFault{ApiProblem::ValidationError, "the body has to be an object"};
  EmailRequest request;
  mime::OutgoingMail& mail = request.mail;
  std::vector<mime::NamedMailbox> bcc;
  if (auto fault = refuse_what_is_not_there(*object)) return std::move(*fault);
  if (auto fault = read_addresses(*object, limits, mail, bcc)) return std::move(*fault);
  if (auto fault = read_envelope(*object, request)) return std::move(*fault);
  if (auto fault = read_texts(*object, mail)) return std::move(*fault);
  if (auto fault = read_headers(*object, mail)) return std::move(*fault);
  if (auto fault = read_tags(*object, request.summary)) return std::move(*fault);
  if (auto fault = read_attachments(*object, limits, mail)) return std::move(*fault);

  std::set<std::string> seen;
  add_recipients(mail.to, seen, request.recipients);
  add_recipients(mail.cc, seen, request.recipients);
  add_recipients(bcc, seen, request.recipients);
  if (request.recipients.size() > limits.max_recipients) {
    return EmailFault{Refusal::TooManyRecipients, "to, cc and bcc: at most " + std::to_string(limits.max_recipients) + " together"};
  }
  request.summary.from = mime::format_named_mailbox(mail.from);
  request.summary.subject = mail.subject;
  request.summary.to = formatted(mail.to);
  request.summary.cc = formatted(mail.cc);
  request.summary.bcc = formatted(bcc);
  request.summary.reply_to = formatted(mail.reply_to);
  return request;
}

}  // namespace postern::api
