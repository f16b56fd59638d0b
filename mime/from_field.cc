// Of RFC 5322 §3.4 what is read everywhere alike: mailboxes with a comma between them, each an address, or words and an address in
// angle brackets; comments between them. On top of the grammar one rule holds, whatever the quoting: each "@" of the field belongs
// to a domain that is judged.
#include "mime/from_field.h"

#include "core/bytes.h"
#include "core/header_text.h"
#include "core/idna.h"

#include <algorithm>

namespace postern::mime {
namespace {

bool is_space_or_tab(char c) { return c == ' ' || c == '\t'; }

// Without its folds. nullopt: control characters, no UTF-8, or code points that deceive.
std::optional<std::string> unfolded(std::string_view value) {
  std::string text;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value.substr(i, 2) == "\r\n") {
      ++i;
      continue;
    }
    const auto octet = static_cast<unsigned char>(value[i]);
    if ((octet < 0x20 && value[i] != '\t') || octet == 0x7F) return std::nullopt;
    text.push_back(value[i]);
  }
  if (!is_valid_utf8(text) || has_deceptive_code_point(text)) return std::nullopt;
  return text;
}

// Nothing but letters, digits and what a plain name and its address are written with, and a single "@": nothing is hidden in it.
bool is_plain(std::string_view value) {
  std::size_t signs = 0;
  for (const char c : value) {
    if (c == '@') ++signs;
    if (!is_ascii_alnum(c) && std::string_view(" .-_+<>@").find(c) == std::string_view::npos) return false;
  }
  return signs == 1;
}

// "@" and what some readers make of it: U+FF20 and U+FE6B.
std::size_t at_sign_length(std::string_view text) {
  if (text.starts_with('@')) return 1;
  return text.starts_with("\xEF\xBC\xA0") || text.starts_with("\xEF\xB9\xAB") ? 3 : 0;
}

bool is_domain_octet(char c) {
  return is_ascii_alnum(c) || c == '-' || c == '_' || c == '.' || static_cast<unsigned char>(c) > 127;
}

// The domain behind every "@" of a text, blanks between them skipped. One without a dot is nobody's domain ("@acme", "me @ home").
void take_shown_domains(std::string_view text, std::vector<std::string>& domains) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t sign = at_sign_length(text.substr(i));
    if (sign == 0) continue;
    std::string_view rest = text.substr(i + sign);
    while (!rest.empty() && is_space_or_tab(rest.front())) rest.remove_prefix(1);
    const auto end = std::ranges::find_if_not(rest, is_domain_octet);
    std::string_view domain = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
    while (domain.ends_with('.')) domain.remove_suffix(1);
    if (domain.find('.') != std::string_view::npos) domains.push_back(normalised_domain(domain));
  }
}

// An address whose local part no reader takes apart, and whose domain all of them map to the same name.
std::optional<Mailbox> clear_address(std::string_view text) {
  const Result<Mailbox> mailbox = parse_mailbox(text);
  if (!mailbox || mailbox->is_address_literal()) return std::nullopt;
  if (mailbox->local_part.find_first_of("<>()[]:;@,\\ \t") != std::string::npos) return std::nullopt;
  if (mailbox->local_part.find("=?") != std::string::npos) return std::nullopt;
  if (has_high_octet(mailbox->domain) && !is_unmapped_domain(mailbox->domain)) return std::nullopt;
  return *mailbox;
}

// Reads mailbox by mailbox; false ends it with a fault.
class FromReader {
 public:
  explicit FromReader(std::string_view text) : rest_(text) {}

  FromField read() {
    while (read_mailbox()) {
      if (rest_.empty()) return std::move(field_);
      rest_.remove_prefix(1);
    }
    field_.authors.clear();
    return std::move(field_);
  }

 private:
  bool fail(FromFault fault) {
    field_.fault = fault;
    return false;
  }

  // Up to the comma behind it, or the end.
  bool read_mailbox() {
    std::size_t words = 0;
    while (skip_comments()) {
      if (rest_.empty() || rest_.front() == ',') return fail(words > 0 ? FromFault::NoDomain : FromFault::Unclear);
      if (rest_.front() == '<') return read_in_brackets();
      const std::string_view word = take_word();
      if (word.empty()) return fail(FromFault::Unclear);
      if (at_sign_in(word)) return read_address_word(word, words);
      ++words;
    }
    return fail(FromFault::Unclear);
  }

  // A word with an "@": the author, or where more follows a display name that is an address.
  bool read_address_word(std::string_view word, std::size_t words_before) {
    const auto address = clear_address(word);
    if (!address || !skip_comments()) return fail(FromFault::Unclear);
    const bool is_author = rest_.empty() || rest_.front() == ',';
    if (is_author && words_before > 0) return fail(FromFault::Unclear);
    if (is_author) return add(*address);
    return rest_.front() == '<' ? read_in_brackets() : fail(FromFault::Unclear);
  }

  bool read_in_brackets() {
    const std::size_t close = rest_.find('>');
    const auto address = close == std::string_view::npos ? std::nullopt : clear_address(rest_.substr(1, close - 1));
    if (!address) {
      const std::string_view inside = rest_.substr(1, close == std::string_view::npos ? 0 : close - 1);
      const bool is_plain = !inside.empty() && inside.find_first_of("@()<>[]:;\\,\" \t") == std::string_view::npos;
      return fail(is_plain ? FromFault::NoDomain : FromFault::Unclear);
    }
    rest_.remove_prefix(close + 1);
    if (!skip_comments() || (!rest_.empty() && rest_.front() != ',')) return fail(FromFault::Unclear);
    return add(*address);
  }

  bool add(const Mailbox& author) {
    field_.authors.push_back(author);
    return true;
  }

  static bool at_sign_in(std::string_view word) { return word.find('@') != std::string_view::npos && !word.ends_with('"'); }

  void skip_blanks() {
    while (!rest_.empty() && is_space_or_tab(rest_.front())) rest_.remove_prefix(1);
  }

  // Blanks, and comments with blanks around them. False: a comment that is nested, escapes something, or touches a word.
  bool skip_comments() {
    skip_blanks();
    while (rest_.starts_with('(')) {
      const std::size_t end = rest_.find_first_of("()<>\"\\", 1);
      if (end == std::string_view::npos || rest_[end] != ')') return false;
      rest_.remove_prefix(end + 1);
      if (!rest_.empty() && !is_space_or_tab(rest_.front()) && rest_.front() != ',') return false;
      skip_blanks();
    }
    return true;
  }

  // An atom, dots and "@" included, a quoted string without angle brackets, or an address whose local part is one. Empty: neither.
  // What touches it is a blank, a comma or an angle bracket.
  std::string_view take_word() {
    std::size_t end = 0;
    if (rest_.front() == '"') {
      end = quoted_length();
      if (end == 0) return {};
    }
    if (end == 0 || rest_.substr(end).starts_with('@')) {
      end = std::min(rest_.find_first_of("()<>[]:;\\,\" \t", end), rest_.size());
    }
    const char next = end < rest_.size() ? rest_[end] : ' ';
    if (!is_space_or_tab(next) && next != ',' && next != '<') return {};
    const std::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return word;
  }

  std::size_t quoted_length() const {
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '<' || rest_[i] == '>') return 0;
      if (rest_[i] == '"') return i + 1;
      if (rest_[i] == '\\') ++i;
    }
    return 0;
  }

  std::string_view rest_;
  FromField field_;
};

// What readers see that undo encoded words or backslashes before they look for addresses. False: it cannot be known.
bool take_hidden_domains(const std::string& text, std::vector<std::string>& domains) {
  take_shown_domains(text, domains);
  if (text.find('\\') != std::string::npos) {
    std::string plain = text;
    std::erase(plain, '\\');
    take_shown_domains(plain, domains);
  }
  if (text.find("=?") == std::string::npos) return true;
  const std::string decoded = decode_encoded_words(text);
  if (decoded.find("=?") != std::string::npos) return false;
  if (std::ranges::count(decoded, '<') != std::ranges::count(text, '<')) return false;
  if (std::ranges::count(decoded, '>') != std::ranges::count(text, '>')) return false;
  take_shown_domains(decoded, domains);
  return true;
}

FromField faulty(FromFault fault) { return {.authors = {}, .domains = {}, .fault = fault}; }

}  // namespace

FromField read_from_field(std::string_view value) {
  if (trim_ascii_space(value).empty()) return faulty(FromFault::Empty);
  if (is_plain(value)) {
    FromField field = FromReader(value).read();
    for (const Mailbox& author : field.authors) field.domains.push_back(normalised_domain(author.domain));
    return field;
  }
  const auto text = unfolded(value);
  if (!text) return faulty(FromFault::Unclear);
  FromField field = FromReader(*text).read();
  if (field.fault) return field;
  for (const Mailbox& author : field.authors) field.domains.push_back(normalised_domain(author.domain));
  if (!take_hidden_domains(*text, field.domains)) return faulty(FromFault::Unclear);
  std::ranges::sort(field.domains);
  field.domains.erase(std::unique(field.domains.begin(), field.domains.end()), field.domains.end());
  return field;
}

std::optional<std::vector<std::string>> address_domains(std::string_view value) {
  FromField field = read_from_field(value);
  if (field.fault) return std::nullopt;
  return std::move(field.domains);
}

}  // namespace postern::mime
