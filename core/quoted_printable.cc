#include "core/quoted_printable.h"

#include <cstddef>

namespace postern {
namespace {

constexpr std::size_t kMaxLineOctets = 76;  // RFC 2045 §6.7, rule 5

bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool is_literal(char c) { return (c > ' ' && c < 0x7F && c != '=') || is_blank(c); }

void append_escaped(std::string& out, char c) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  const auto octet = static_cast<unsigned char>(c);
  out.push_back('=');
  out.push_back(kDigits[octet >> 4]);
  out.push_back(kDigits[octet & 15]);
}

void append_line(std::string& out, std::string_view line) {
  std::size_t begin = out.size();
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool is_last = i + 1 == line.size();
    // Rule 3: a blank at the end of a line may get lost on the way.
    bool stays = is_literal(line[i]) && !(is_last && is_blank(line[i]));
    const std::size_t needed = (stays ? 1 : 3) + (is_last ? 0 : 1);  // the soft line break's "="
    if (out.size() - begin + needed > kMaxLineOctets) {
      out.append("=\r\n");
      begin = out.size();
    }
    // No line that could be taken for a multipart's delimiter, wherever the breaks fall.
    if (out.size() == begin && line.substr(i, 2) == "--") stays = false;
    stays ? out.push_back(line[i]) : append_escaped(out, line[i]);
  }
}

}  // namespace

std::string encode_quoted_printable(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (;;) {
    const std::size_t end = text.find("\r\n");
    append_line(out, text.substr(0, end));
    if (end == std::string_view::npos) return out;
    out.append("\r\n");
    text.remove_prefix(end + 2);
  }
}

}  // namespace postern
