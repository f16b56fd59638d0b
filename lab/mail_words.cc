#include "lab/mail_words.h"

#include "core/bytes.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace postern::lab {
namespace {

constexpr std::array<std::string_view, 12> kBlocks = {"p",  "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "table", "td", "hr"};
constexpr std::array<std::string_view, 9> kAnnouncements = {"code", "otp", "pin", "passcode", "verif", "token", "confirm", "2fa",
                                                            "one-time"};

std::string tag_name(std::string_view tag) {
  if (tag.starts_with('/')) tag.remove_prefix(1);
  return to_ascii_lower(tag.substr(0, tag.find_first_of(" \t\r\n/>")));
}

void append_utf8(std::string& out, unsigned value) {
  if (value < 0x80) {
    out.push_back(static_cast<char>(value));
  } else if (value < 0x800) {
    out.push_back(static_cast<char>(0xc0 | (value >> 6)));
    out.push_back(static_cast<char>(0x80 | (value & 0x3f)));
  } else if (value < 0x10000 && (value < 0xd800 || value > 0xdfff)) {
    out.push_back(static_cast<char>(0xe0 | (value >> 12)));
    out.push_back(static_cast<char>(0x80 | ((value >> 6) & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (value & 0x3f)));
  } else {
    out.push_back('?');
  }
}

// "&amp;" at the front of `rest` → its character into `out`, and its length; 0: it is none.
std::size_t take_reference(std::string_view rest, std::string& out) {
  static constexpr std::array<std::pair<std::string_view, char>, 6> kNamed = {
      {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&nbsp;", ' '}}};
  for (const auto& [name, character] : kNamed) {
    if (!rest.starts_with(name)) continue;
    out.push_back(character);
    return name.size();
  }
  if (!rest.starts_with("&#")) return 0;
  const std::size_t end = rest.substr(0, 12).find(';');
  if (end == std::string_view::npos) return 0;
  const bool is_hex = ascii_lower(rest[2]) == 'x';
  unsigned value = 0;
  for (const char c : rest.substr(is_hex ? 3 : 2, end - (is_hex ? 3 : 2))) {
    const char lower = ascii_lower(c);
    const bool is_letter = is_hex && lower >= 'a' && lower <= 'f';
    if (!is_ascii_digit(c) && !is_letter) return 0;
    value = value * (is_hex ? 16 : 10) + static_cast<unsigned>(is_letter ? lower - 'a' + 10 : c - '0');
    if (value > 0x10ffff) return 0;
  }
  if (value == 0xa0) value = ' ';
  if (value < 0x20) return 0;
  append_utf8(out, value);
  return end + 1;
}

// Behind the element that begins at `at`, its end tag included.
std::size_t behind_element(std::string_view html, std::size_t at, std::string_view name) {
  for (std::size_t i = html.find("</", at); i != std::string_view::npos; i = html.find("</", i + 2)) {
    if (!starts_with_ignoring_case(html.substr(i + 2), name)) continue;
    const std::size_t end = html.find('>', i);
    return end == std::string_view::npos ? html.size() : end + 1;
  }
  return html.size();
}

bool is_word_character(char c) { return is_ascii_alnum(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80; }

bool is_announcing(std::string_view line) {
  const std::string lower = to_ascii_lower(line);
  return std::ranges::any_of(kAnnouncements, [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

struct Candidate {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string code;
};

std::size_t digits_at(std::string_view line, std::size_t at) {
  std::size_t end = at;
  while (end < line.size() && is_ascii_digit(line[end])) ++end;
  return end - at;
}

// The code that begins with the word at `begin`; nullopt: it is none.
std::optional<Candidate> candidate_at(std::string_view line, std::size_t begin, std::size_t end) {
  const std::string_view word = line.substr(begin, end - begin);
  const bool is_number = std::ranges::all_of(word, is_ascii_digit);
  if (is_number && (word.size() == 3 || word.size() == 4) && end + word.size() < line.size() &&
      (line[end] == ' ' || line[end] == '-') && digits_at(line, end + 1) == word.size()) {
    const std::size_t whole = end + 1 + word.size();
    if (whole == line.size() || !is_word_character(line[whole])) {
      return Candidate{begin, whole, std::string(word) + std::string(line.substr(end + 1, word.size()))};
    }
  }
  if (is_number && word.size() >= 4 && word.size() <= 8) return Candidate{begin, end, std::string(word)};
  const bool has_digit = std::ranges::any_of(word, is_ascii_digit);
  const bool has_letter = std::ranges::any_of(word, is_ascii_alpha);
  const bool is_capital = std::ranges::all_of(word, [](char c) { return is_ascii_digit(c) || (c >= 'A' && c <= 'Z'); });
  const bool is_mixed = has_digit && has_letter && is_capital && word.size() >= 6 && word.size() <= 10;
  return is_mixed ? std::optional(Candidate{begin, end, std::string(word)}) : std::nullopt;
}

// Digits around it that are joined to it: a date, an amount, a telephone number, an address.
bool is_part_of_more(std::string_view line, const Candidate& found, bool is_announced) {
  constexpr std::string_view kJoints = "-./:,@#$%&=+?";
  const auto is_joined = [&](std::size_t at, bool is_before) {
    if (kJoints.find(line[at]) == std::string_view::npos) return false;
    const bool is_at_edge = is_before ? at == 0 : at + 1 == line.size();
    if (is_at_edge) return line[at] == '$' || line[at] == '#' || line[at] == '%';
    const char beyond = is_before ? line[at - 1] : line[at + 1];
    return is_word_character(beyond) || line[at] == '$' || line[at] == '#' || line[at] == '%' || line[at] == '=';
  };
  const bool has_prefix = is_announced && found.begin > 1 && line[found.begin - 1] == '-' && is_ascii_alpha(line[found.begin - 2]);
  if (found.begin > 0 && !has_prefix && is_joined(found.begin - 1, true)) return true;
  return found.end < line.size() && is_joined(found.end, false);
}

bool is_year(std::string_view code) {
  return code.size() == 4 && (code.starts_with("19") || code.starts_with("20"));
}

bool holds_address(std::string_view line, std::size_t at) {
  const std::size_t begin = line.find_last_of(" \t<>\"'()", at);
  const std::string_view word = line.substr(begin == std::string_view::npos ? 0 : begin + 1, at + 1 - (begin + 1));
  return word.find("://") != std::string_view::npos || word.find('@') != std::string_view::npos;
}

void find_in_line(std::string_view line, bool is_announced, std::vector<OneTimeCode>& codes) {
  for (std::size_t at = 0; at < line.size() && codes.size() < kMaxCodes;) {
    if (!is_word_character(line[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < line.size() && is_word_character(line[end])) ++end;
    const auto found = candidate_at(line, at, end);
    at = found ? found->end : end;
    if (!found || holds_address(line, found->begin) || is_part_of_more(line, *found, is_announced)) continue;
    if (!is_announced && is_year(found->code)) continue;
    codes.push_back({found->code, printable_utf8(trim_ascii_space(line), kMaxCodeLineOctets), is_announced});
  }
}

}  // namespace

std::string html_words(std::string_view html) {
  std::string words;
  for (std::size_t at = 0; at < html.size();) {
    if (html.substr(at).starts_with("<!--")) {
      const std::size_t end = html.find("-->", at);
      at = end == std::string_view::npos ? html.size() : end + 3;
      continue;
    }
    if (html[at] == '<' && at + 1 < html.size() && (is_ascii_alpha(html[at + 1]) || html[at + 1] == '/' || html[at + 1] == '!')) {
      const std::string name = tag_name(html.substr(at + 1, 32));
      if (name == "style" || name == "script" || name == "title") {
        const bool is_end = html[at + 1] == '/';
        at = is_end ? at + 2 : behind_element(html, at, name);
        continue;
      }
      if (std::ranges::find(kBlocks, name) != kBlocks.end()) words.push_back('\n');
      const std::size_t end = html.find('>', at);
      at = end == std::string_view::npos ? html.size() : end + 1;
      continue;
    }
    if (const std::size_t length = html[at] == '&' ? take_reference(html.substr(at), words) : 0; length > 0) {
      at += length;
      continue;
    }
    // The source's own line ends are blanks.
    words.push_back(html[at] == '\n' || html[at] == '\r' || html[at] == '\t' ? ' ' : html[at]);
    ++at;
  }
  return words;
}

std::vector<OneTimeCode> find_codes(std::string_view text) {
  std::vector<OneTimeCode> codes;
  bool was_announcing = false;
  for (std::size_t at = 0; at < text.size() && codes.size() < kMaxCodes;) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = trim_ascii_space(text.substr(at, end - at));
    at = end + 1;
    if (line.empty()) continue;  // the code often stands behind an empty line
    const bool is_announcing_line = is_announcing(line);
    find_in_line(line, is_announcing_line || was_announcing, codes);
    was_announcing = is_announcing_line;
  }
  std::ranges::stable_partition(codes, &OneTimeCode::is_announced);
  return codes;
}

}  // namespace postern::lab
