#include "sendmail/letter.h"

#include "core/bytes.h"
#include "core/time_format.h"
#include "mime/header_fields.h"
#include "mime/header_scan.h"

#include <algorithm>
#include <array>

namespace postern::sendmail {
namespace {

constexpr std::array<std::string_view, 9> kAddressFields = {"From",        "Sender",        "Reply-To",  "To",       "Cc",
                                                            "Resent-From", "Resent-Sender", "Resent-To", "Resent-Cc"};

struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Where the addresses of an address list stand (RFC 5322 §3.4), those without a domain too. Of an element that is neither one word
// nor has angle brackets, none.
class AddressSpans {
 public:
  explicit AddressSpans(std::string_view text) : text_(text) {}

  std::vector<Span> find() {
    while (at_ < text_.size()) step();
    end_element();
    return std::move(found_);
  }

 private:
  void step() {
    switch (text_[at_]) {
      case '(':
        end_word();
        return skip_comment();
      case '"':
        begin_word();
        return skip_quoted();
      case '<':
        return take_angle();
      case ',':
      case ';':
        end_element();
        break;
      case ':':  // what stood before it names a group
        word_.reset();
        words_.clear();
        break;
      case ' ':
      case '\t':
      case '\r':
      case '\n':
        end_word();
        break;
      default:
        begin_word();
        break;
    }
    ++at_;
  }

  void begin_word() {
    if (!word_) word_ = at_;
  }
  void end_word() {
    if (word_) words_.push_back({*word_, at_});
    word_.reset();
  }
  void end_element() {
    end_word();
    if (angle_) {
      found_.push_back(*angle_);
    } else if (words_.size() == 1) {
      found_.push_back(words_.front());
    }
    angle_.reset();
    words_.clear();
  }
  void skip_comment() {
    std::size_t depth = 0;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == '(') {
        ++depth;
      } else if (text_[at_] == ')' && --depth == 0) {
        break;
      }
    }
    at_ = std::min(at_ + 1, text_.size());
  }
  void skip_quoted() {
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') ++at_;
    }
    at_ = std::min(at_ + 1, text_.size());
  }
  void take_angle() {
    const std::size_t end = std::min(text_.find('>', at_), text_.size());
    const std::string_view inside = trim_ascii_space(text_.substr(at_ + 1, end - at_ - 1));
    const auto begin = inside.empty() ? at_ + 1 : static_cast<std::size_t>(inside.data() - text_.data());
    angle_ = Span{begin, begin + inside.size()};
    word_.reset();
    at_ = std::min(end + 1, text_.size());
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::optional<std::size_t> word_;  // where the one under way begins
  std::vector<Span> words_;          // of the element under way
  std::optional<Span> angle_;
  std::vector<Span> found_;
};

bool has_domain(std::string_view address) {
  return address.find('@') != std::string_view::npos;
}

std::string complete_addresses(std::string_view value, const std::string& domain) {
  std::string text;
  std::size_t copied = 0;
  for (const Span& span : AddressSpans(value).find()) {
    const std::string_view address = value.substr(span.begin, span.end - span.begin);
    if (address.empty() || has_domain(address)) continue;
    text.append(value.substr(copied, span.end - copied)).append("@").append(domain);
    copied = span.end;
  }
  return text.append(value.substr(copied));
}

Result<Mailbox> read_address(std::string_view text, const std::string& domain) {
  auto mailbox = parse_mailbox(has_domain(text) ? std::string(text) : std::string(text) + "@" + domain);
  if (!mailbox) return Error(ErrorCode::InvalidArgument, escape_for_log(text) + " is no address");
  return mailbox;
}

// "root": for whoever gets the machine's mail.
Result<Mailbox> read_recipient(std::string_view text, const Writer& writer) {
  const bool is_local = !has_domain(text) && !writer.local_mail_to.empty();
  return read_address(is_local ? std::string_view(writer.local_mail_to) : text, writer.domain);
}

Result<void> add_recipient(std::string_view text, const Writer& writer, Letter& letter) {
  auto mailbox = read_recipient(text, writer);
  if (!mailbox) return mailbox.error();
  if (std::ranges::find(letter.recipients, *mailbox) != letter.recipients.end()) return {};
  if (letter.recipients.size() == kMaxRecipients) {
    return Error(ErrorCode::InvalidArgument, "more than " + std::to_string(kMaxRecipients) + " recipients");
  }
  letter.recipients.push_back(std::move(*mailbox));
  return {};
}

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
  return std::ranges::any_of(names, [name](std::string_view one) { return equals_ignoring_case(one, name); });
}

// A message that is sent again goes to whom its newer fields name (RFC 5322 §3.6.6).
Result<void> add_header_recipients(const mime::HeaderScan& header, const Writer& writer, Letter& letter) {
  static constexpr std::array<std::string_view, 3> kFirst = {"To", "Cc", "Bcc"};
  static constexpr std::array<std::string_view, 3> kAgain = {"Resent-To", "Resent-Cc", "Resent-Bcc"};
  const bool is_again =
      std::ranges::any_of(header.fields(), [](const mime::HeaderField& field) { return is_one_of(field.name, kAgain); });
  for (const mime::HeaderField& field : header.fields()) {
    if (!is_one_of(field.name, is_again ? kAgain : kFirst)) continue;
    for (const Span& span : AddressSpans(field.value).find()) {
      if (span.begin == span.end) continue;
      const auto added = add_recipient(field.value.substr(span.begin, span.end - span.begin), writer, letter);
      if (!added) return added;
    }
  }
  return {};
}

Result<void> set_sender(const Call& call, const Writer& writer, Letter& letter) {
  if (call.sender == "<>") return {};
  std::string_view text = call.sender.empty() ? writer.login : call.sender;
  if (text.find_first_of("\r\n") != std::string_view::npos) return Error(ErrorCode::InvalidArgument, "the sender has two lines");
  const std::vector<Span> spans = AddressSpans(text).find();
  if (spans.size() == 1) text = text.substr(spans.front().begin, spans.front().end - spans.front().begin);
  auto mailbox = read_address(text, writer.domain);
  if (!mailbox) return mailbox.error();
  letter.sender = std::move(*mailbox);
  return {};
}

// Lines that end with CR LF, whatever they ended with.
std::string with_line_ends(std::string_view text) {
  std::string lines;
  lines.reserve(text.size() + text.size() / 32 + 2);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r' && text[i] != '\n') {
      lines.push_back(text[i]);
      continue;
    }
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
    lines.append("\r\n");
  }
  if (!lines.empty() && !lines.ends_with("\r\n")) lines.append("\r\n");
  return lines;
}

std::string from_field(const Call& call, const Writer& writer, const Letter& letter) {
  const std::string address = letter.sender ? format_mailbox(*letter.sender) : writer.login + "@" + writer.domain;
  const std::string& name = call.full_name.empty() ? writer.full_name : call.full_name;
  if (name.empty() || !is_valid_utf8(name)) return "From: " + address + "\r\n";
  return "From: " + mime::named_address(printable_utf8(name, 200), "<" + address + ">", 6) + "\r\n";
}

std::string completed_header(const mime::HeaderScan& header, const Call& call, const Writer& writer, const Letter& letter,
                             Instant now) {
  std::string text;
  for (const mime::HeaderField& field : header.fields()) {
    if (equals_ignoring_case(field.name, "Bcc") || equals_ignoring_case(field.name, "Resent-Bcc")) continue;
    if (is_one_of(field.name, kAddressFields)) {
      text.append(field.name).append(":").append(complete_addresses(field.value, writer.domain)).append("\r\n");
    } else {
      text.append(header.section(), field.begin, field.end - field.begin);
    }
  }
  if (header.count("From") == 0) text += from_field(call, writer, letter);
  if (header.count("Date") == 0) text += "Date: " + format_rfc5322_date(now) + "\r\n";
  return text;
}

}  // namespace

Result<std::string> read_input(std::istream& in, bool ignores_dots) {
  std::string text;
  for (std::string line; std::getline(in, line);) {
    if (!ignores_dots && (line == "." || line == ".\r")) break;
    text.append(line).append("\n");
    if (text.size() > kMaxLetterOctets) {
      return Error(ErrorCode::LimitExceeded, "the message has more than " + std::to_string(kMaxLetterOctets) + " octets");
    }
  }
  return text;
}

Result<Letter> make_letter(std::string_view text, const Call& call, const Writer& writer, std::string id, Instant now) {
  Letter letter;
  letter.id = std::move(id);
  const std::string lines = with_line_ends(text);
  mime::HeaderScan header;
  std::string_view rest = lines;
  rest.remove_prefix(header.feed(rest));
  header.finish();
  if (header.state() == mime::HeaderScan::State::TooBig) {
    return Error(ErrorCode::Malformed, "the header has more than " + std::to_string(mime::kMaxHeaderOctets) + " octets");
  }
  if (const auto set = set_sender(call, writer, letter); !set) return set.error();
  for (const std::string& one : call.recipients) {
    if (const auto added = add_recipient(one, writer, letter); !added) return added.error();
  }
  if (call.reads_header) {
    if (const auto added = add_header_recipients(header, writer, letter); !added) return added.error();
  }
  if (letter.recipients.empty()) return Error(ErrorCode::InvalidArgument, "no recipient is named");
  letter.content = completed_header(header, call, writer, letter, now);
  letter.content.append("\r\n").append(header.body_start()).append(rest);
  return letter;
}

std::string content_to_send(const Letter& letter) {
  return "Idempotency-Key: sendmail-" + letter.id + "-" + std::to_string(letter.part) + "\r\n" + letter.content;
}

}  // namespace postern::sendmail
