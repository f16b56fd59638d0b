#include "relay/header_scan.h"

#include "core/bytes.h"
#include "core/mailbox.h"

#include <algorithm>

namespace postern::relay {
namespace {

// "name:" at the start of a line (RFC 5322 §2.2), or the continuation of the field before.
bool is_header_line(std::string_view line, bool may_continue) {
  if (line.empty()) return false;
  if (line.front() == ' ' || line.front() == '\t') return may_continue;
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  // Blanks before the colon are the obsolete syntax (RFC 5322 §4.5), still seen.
  const std::string_view name = trim_ascii_space(line.substr(0, colon));
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

}  // namespace

std::size_t HeaderScan::feed(std::string_view content) {
  std::size_t taken = 0;
  while (state_ == State::Reading && taken < content.size()) {
    const std::size_t lf = content.find('\n', taken);
    const std::size_t end = lf == std::string_view::npos ? content.size() : lf + 1;
    section_.append(content.substr(taken, end - taken));
    taken = end;
    if (section_.size() > kMaxHeaderOctets) {
      state_ = State::TooBig;
      return taken;
    }
    if (lf == std::string_view::npos) break;
    const std::string_view line = std::string_view(section_).substr(line_begin_);
    if (line == "\r\n") {
      has_empty_line_ = true;
      complete(line_begin_, line.size());
    } else if (!is_header_line(line, line_begin_ > 0)) {
      complete(line_begin_, 0);
    } else {
      line_begin_ = section_.size();
    }
  }
  return taken;
}

void HeaderScan::finish() {
  if (state_ != State::Reading) return;
  const std::string_view line = std::string_view(section_).substr(line_begin_);
  if (is_header_line(line, line_begin_ > 0)) {
    section_.append("\r\n");
    line_begin_ = section_.size();
  }
  complete(line_begin_, 0);
}

void HeaderScan::complete(std::size_t section_octets, std::size_t skip) {
  body_start_ = section_.substr(section_octets + skip);
  section_.resize(section_octets);
  state_ = State::Complete;
  cut_fields();
}

void HeaderScan::cut_fields() {
  const std::string_view all = section_;
  std::size_t begin = 0;
  while (begin < all.size()) {
    std::size_t end = begin;
    do {
      end = all.find('\n', end) + 1;
    } while (end != 0 && end < all.size() && (all[end] == ' ' || all[end] == '\t'));
    const std::string_view field = all.substr(begin, end - begin);
    const std::size_t colon = field.find(':');
    HeaderField cut{begin, end, trim_ascii_space(field.substr(0, colon)), field.substr(colon + 1)};
    if (cut.value.ends_with("\r\n")) cut.value.remove_suffix(2);
    fields_.push_back(cut);
    begin = end;
  }
}

std::size_t HeaderScan::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(fields_.begin(), fields_.end(), [&](const HeaderField& f) { return equals_ignoring_case(f.name, name); }));
}

const HeaderField* HeaderScan::find(std::string_view name) const {
  const auto found =
      std::find_if(fields_.begin(), fields_.end(), [&](const HeaderField& f) { return equals_ignoring_case(f.name, name); });
  return found == fields_.end() ? nullptr : &*found;
}

namespace {

constexpr std::size_t kMaxCommentDepth = 16;

// Takes comments and folding white space away and keeps quoted strings whole (RFC 5322 §3.2). nullopt: unbalanced.
std::optional<std::string> without_comments(std::string_view value) {
  std::string text;
  std::size_t depth = 0;
  bool is_quoted = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    const bool is_escape = c == '\\' && (is_quoted || depth > 0) && i + 1 < value.size();
    if (is_escape) {
      if (depth == 0) text.append(value.substr(i, 2));
      ++i;
      continue;
    }
    if (is_quoted || (c == '"' && depth == 0)) {
      if (c == '"') is_quoted = !is_quoted;
      text.push_back(c);
    } else if (c == '(') {
      if (++depth > kMaxCommentDepth) return std::nullopt;
    } else if (c == ')') {
      if (depth-- == 0) return std::nullopt;
    } else if (depth == 0) {
      text.push_back(c == '\r' || c == '\n' || c == '\t' ? ' ' : c);
    }
  }
  if (is_quoted || depth > 0) return std::nullopt;
  return text;
}

// The next element up to a comma (or a group's colon or semicolon) outside quotes and angle brackets.
std::string_view take_element(std::string_view& list) {
  bool is_quoted = false;
  bool is_in_brackets = false;
  std::size_t i = 0;
  for (; i < list.size(); ++i) {
    const char c = list[i];
    if (c == '\\' && is_quoted) {
      ++i;
    } else if (c == '"') {
      is_quoted = !is_quoted;
    } else if (!is_quoted && (c == '<' || c == '[')) {
      is_in_brackets = true;
    } else if (!is_quoted && (c == '>' || c == ']')) {
      is_in_brackets = false;
    } else if (!is_quoted && !is_in_brackets && (c == ',' || c == ';' || c == ':')) {
      break;
    }
  }
  i = std::min(i, list.size());
  const std::string_view element = list.substr(0, i);
  // One that is an address is read as such (see take_domains()).
  const bool is_group_name = i < list.size() && list[i] == ':' && element.find('@') == std::string_view::npos;
  list.remove_prefix(std::min(i + 1, list.size()));
  return is_group_name ? std::string_view() : trim_ascii_space(element);
}

std::optional<std::string> domain_of(std::string_view address) {
  // Blanks around the dots and the at sign are obsolete syntax that some agents still read over: so do we.
  std::string compact;
  bool is_quoted = false;
  for (const char c : address) {
    if (c == '"') is_quoted = !is_quoted;
    if (c != ' ' || is_quoted) compact.push_back(c);
  }
  const Result<Mailbox> mailbox = parse_mailbox(compact);
  if (!mailbox) return std::nullopt;
  return normalised_domain(mailbox->domain);
}

// A display name without its quoted strings. nullopt: it holds what is no phrase (RFC 5322 §3.2.5) and some readers take for an
// address of its own.
std::optional<std::string> unquoted_words(std::string_view phrase) {
  std::string words;
  bool is_quoted = false;
  for (std::size_t i = 0; i < phrase.size(); ++i) {
    if (phrase[i] == '"') {
      is_quoted = !is_quoted;
    } else if (is_quoted) {
      i += phrase[i] == '\\' ? 1 : 0;
    } else if (std::string_view("<>[]").find(phrase[i]) != std::string_view::npos) {
      return std::nullopt;
    } else {
      words.push_back(phrase[i]);
    }
  }
  return words;
}

// The element's domain; also that of a display name that is an address, which some readers show or believe instead.
bool take_domains(std::string_view element, std::vector<std::string>& domains) {
  const std::size_t open = element.rfind('<');
  std::string_view address = element;
  if (open != std::string_view::npos) {
    if (!element.ends_with('>')) return false;
    address = element.substr(open + 1, element.size() - open - 2);
    const auto words = unquoted_words(element.substr(0, open));
    if (!words) return false;
    const bool is_address = words->find('@') != std::string::npos;
    auto shown = is_address ? domain_of(*words) : std::nullopt;
    if (is_address && !shown) return false;
    if (shown) domains.push_back(std::move(*shown));
  }
  auto domain = domain_of(address);
  if (!domain) return false;
  domains.push_back(std::move(*domain));
  return true;
}

}  // namespace

std::optional<std::vector<std::string>> address_domains(std::string_view value) {
  const auto plain = without_comments(value);
  if (!plain) return std::nullopt;
  std::vector<std::string> domains;
  std::string_view rest = *plain;
  while (!rest.empty()) {
    const std::string_view element = take_element(rest);
    if (element.empty()) continue;
    if (!take_domains(element, domains)) return std::nullopt;
  }
  if (domains.empty()) return std::nullopt;
  return domains;
}

}  // namespace postern::relay
