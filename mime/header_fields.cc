#include "mime/header_fields.h"

#include "core/bytes.h"
#include "mime/encoded_words.h"

#include <algorithm>

namespace postern::mime {
namespace {

constexpr std::size_t kWantedLineOctets = 78;  // RFC 5322 §2.1.1 recommends
constexpr std::size_t kMaxLineOctets = 998;    // and this is the bound
constexpr std::string_view kFoldedBlank = "\r\n ";

std::size_t column_behind(std::string_view text, std::size_t column) {
  const std::size_t line = text.rfind('\n');
  return line == std::string_view::npos ? column + text.size() : text.size() - line - 1;
}

// Line ends in front of blanks, so that lines have at most `wanted` octets where words allow it; `wanted_first` of the first
// word's.
std::string folded(std::string_view text, std::size_t column, std::size_t wanted, std::size_t wanted_first) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t word = text.find_first_not_of(' ', at);
    if (word == std::string_view::npos) return out.append(text.substr(at));
    const std::size_t end = std::min(text.find(' ', word), text.size());
    const std::string_view piece = text.substr(at, end - at);
    const std::size_t bound = at == 0 ? wanted_first : wanted;
    if (word > at && column + piece.size() > bound) {
      out.append("\r\n");
      column = 0;
    }
    out.append(piece);
    column += piece.size();
    at = end;
  }
  return out;
}

// Behind "Name:". No fold before the first word where it fits a line at all: some readers take an empty line for an empty field.
std::string folded_value(std::string_view value, std::size_t column) {
  return value.empty() ? std::string() : folded(' ' + std::string(value), column, kWantedLineOctets, kMaxLineOctets);
}

bool is_atom_character(char c) {
  return is_ascii_alnum(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

// Words of atoms with one blank between two: what needs no quotes.
bool is_plain_phrase(std::string_view name) {
  const bool has_words = std::ranges::all_of(name, [](char c) { return c == ' ' || is_atom_character(c); });
  return has_words && name.front() != ' ' && name.back() != ' ' && name.find("  ") == std::string_view::npos;
}

std::string quoted_string(std::string_view name) {
  std::string text = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') text.push_back('\\');
    text.push_back(c);
  }
  return text.append("\"");
}

bool needs_words(std::string_view text) { return has_high_octet(text) || text.find("=?") != std::string_view::npos; }

}  // namespace

std::string text_field(std::string_view name, std::string_view text) {
  std::string field = std::string(name) + ':';
  text = trim_ascii_space(text);
  if (needs_words(text)) return field.append(" ").append(encode_words(text, field.size() + 1)).append("\r\n");
  return field.append(folded_value(text, field.size())).append("\r\n");
}

std::string verbatim_field(std::string_view name, std::string_view value) {
  std::string field = std::string(name) + ':';
  value = trim_ascii_space(value);
  if (!has_high_octet(value)) return field.append(folded_value(value, field.size())).append("\r\n");
  const auto word_end = [&value](std::size_t at) { return std::min(value.find(' ', at), value.size()); };
  for (std::size_t at = 0; at < value.size();) {
    // Neighbours of one kind, with the blanks between them.
    const std::size_t begin = value.find_first_not_of(' ', at);
    const bool is_high = has_high_octet(value.substr(begin, word_end(begin) - begin));
    std::size_t end = word_end(begin);
    while (end < value.size()) {
      const std::size_t next = value.find_first_not_of(' ', end);
      if (has_high_octet(value.substr(next, word_end(next) - next)) != is_high) break;
      end = word_end(next);
    }
    const std::string_view run = value.substr(begin, end - begin);
    const std::string blanks(at == 0 ? 1 : begin - at, ' ');
    const std::size_t column = column_behind(field, 0);
    if (is_high) {
      // A word that begins with a fold brings one blank along.
      const std::string words = encode_words(run, column + blanks.size());
      field.append(words.starts_with(kFoldedBlank) ? blanks.substr(1) : blanks).append(words);
    } else {
      const std::size_t first = at == 0 ? kMaxLineOctets : kMaxEncodedLineOctets;
      field.append(folded(blanks + std::string(run), column, kMaxEncodedLineOctets, first));
    }
    at = end;
  }
  return field.append("\r\n");
}

std::string named_address(std::string_view name, std::string_view address, std::size_t column) {
  std::string text;
  std::size_t bound = kWantedLineOctets;
  if (needs_words(name)) {
    text = encode_words(name, column);
    bound = kMaxEncodedLineOctets;
  } else {
    text = folded(is_plain_phrase(name) ? std::string(name) : quoted_string(name), column, bound, bound);
  }
  // A comma may follow.
  const bool fits = column_behind(text, column) + 1 + address.size() + 1 <= bound;
  return text.append(fits ? " " : kFoldedBlank).append(address);
}

}  // namespace postern::mime
