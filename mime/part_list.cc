#include "mime/part_list.h"

#include "core/bytes.h"
#include "core/header_text.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace postern::mime {
namespace {

std::string_view line_at(std::string_view text, std::size_t begin) {
  const std::size_t end = text.find('\n', begin);
  return text.substr(begin, end == std::string_view::npos ? end : end - begin);
}

std::size_t behind_line(std::string_view text, std::size_t begin) {
  const std::size_t end = text.find('\n', begin);
  return end == std::string_view::npos ? text.size() : end + 1;
}

// What stands before a delimiter's line end: blanks are allowed there (RFC 2046 §5.1.1), "--" ends the multipart.
enum class Delimiter { None, Next, Last };
Delimiter delimiter_in(std::string_view line, std::string_view boundary) {
  if (!line.starts_with("--") || !line.substr(2).starts_with(boundary)) return Delimiter::None;
  std::string_view rest = line.substr(2 + boundary.size());
  const bool is_last = rest.starts_with("--");
  if (is_last) rest.remove_prefix(2);
  if (!trim_ascii_space(rest).empty()) return Delimiter::None;
  return is_last ? Delimiter::Last : Delimiter::Next;
}

bool is_delimited(std::string_view body, std::string_view boundary) {
  for (std::size_t at = 0; at < body.size(); at = behind_line(body, at)) {
    if (delimiter_in(line_at(body, at), boundary) != Delimiter::None) return true;
  }
  return false;
}

// The first line that looks like a delimiter and has a header behind it.
std::string guessed_boundary(std::string_view body) {
  for (std::size_t at = 0; at < body.size(); at = behind_line(body, at)) {
    const std::string_view line = line_at(body, at);
    if (!line.starts_with("--") || line.size() < 4 || line.find(' ') != std::string_view::npos) continue;
    if (starts_with_ignoring_case(body.substr(behind_line(body, at)), "content-")) return std::string(line.substr(2));
  }
  return {};
}

class PartLister {
 public:
  explicit PartLister(std::vector<ListedPart>& parts) : parts_(parts) {}

  void add(HeaderAndBody entity, int depth) {
    if (parts_.size() >= kMaxListedParts) return;
    const std::string value = listed_field(entity.header, "Content-Type").value_or("text/plain");
    const std::string type = to_ascii_lower(trim_ascii_space(value.substr(0, value.find(';'))));
    if (!type.starts_with("multipart/") || depth >= kMaxListedDepth) return leaf(type, entity);
    std::string boundary = field_parameter(value, "boundary").value_or("");
    if (boundary.empty() || !is_delimited(entity.body, boundary)) boundary = guessed_boundary(entity.body);
    if (boundary.empty()) return leaf("text/plain", entity);
    cut(entity.body, boundary, depth);
  }

 private:
  void leaf(std::string type, HeaderAndBody entity) { parts_.push_back({std::move(type), entity.header, entity.body}); }

  void cut(std::string_view body, std::string_view boundary, int depth) {
    std::optional<std::size_t> begin;
    for (std::size_t at = 0; at < body.size(); at = behind_line(body, at)) {
      const Delimiter found = delimiter_in(line_at(body, at), boundary);
      if (found == Delimiter::None) continue;
      if (begin) add(split_header(body.substr(*begin, at - *begin)), depth + 1);
      begin = behind_line(body, at);
      if (found == Delimiter::Last) return;
    }
    // Cut off on its way.
    if (begin) add(split_header(body.substr(*begin)), depth + 1);
  }

  std::vector<ListedPart>& parts_;
};

bool is_field_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7F; });
}

bool is_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  return colon != std::string_view::npos && is_field_name(trim_ascii_space(line.substr(0, colon)));
}

std::string undo_quoted_printable(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  const auto digit = [](char c) {
    const char lower = ascii_lower(c);
    if (is_ascii_digit(c)) return c - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      decoded.push_back(text[i]);
    } else if (i + 1 < text.size() && text[i + 1] == '\n') {
      ++i;
    } else if (i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
      decoded.push_back(static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])));
      i += 2;
    } else {
      decoded.push_back('=');
    }
  }
  return decoded;
}

std::string undo_base64(std::string_view text) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  static const std::array<std::int8_t, 256> kValues = [&] {
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
      values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
    }
    return values;
  }();
  std::string decoded;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int value = kValues[static_cast<unsigned char>(c)];
    if (value < 0) continue;
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    decoded.push_back(static_cast<char>((bits >> count) & 0xFF));
  }
  return decoded;
}

std::string without_tags(std::string_view html) {
  std::string text;
  bool is_tag = false;
  for (const char c : html) {
    if (c == '<') {
      is_tag = true;
    } else if (c == '>' && is_tag) {
      is_tag = false;
      text.push_back('\n');
    } else if (!is_tag) {
      text.push_back(c);
    }
  }
  return text;
}

}  // namespace

std::vector<ListedPart> list_parts(std::string_view message) {
  std::vector<ListedPart> parts;
  PartLister(parts).add(split_header(message), 0);
  return parts;
}

std::string with_lf_line_ends(std::string_view octets) {
  std::string lines;
  lines.reserve(octets.size());
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const bool is_cr = octets[i] == '\r';
    if (is_cr && i + 1 < octets.size() && octets[i + 1] == '\n') ++i;
    lines.push_back(is_cr ? '\n' : octets[i]);
  }
  return lines;
}

HeaderAndBody split_header(std::string_view message) {
  std::size_t at = 0;
  while (at < message.size()) {
    const std::string_view line = line_at(message, at);
    if (line.empty()) return {message.substr(0, at), message.substr(behind_line(message, at))};
    const bool is_continued = line.front() == ' ' || line.front() == '\t';
    const bool is_mbox = at == 0 && line.starts_with("From ");
    // A part without an empty line behind its header: its text begins here.
    if (!is_continued && !is_mbox && !is_field(line)) return {message.substr(0, at), message.substr(at)};
    at = behind_line(message, at);
  }
  return {message, {}};
}

std::optional<std::string> listed_field(std::string_view header, std::string_view name) {
  for (std::size_t at = 0; at < header.size();) {
    const std::string_view line = line_at(header, at);
    at = behind_line(header, at);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !equals_ignoring_case(trim_ascii_space(line.substr(0, colon)), name)) continue;
    std::string value(trim_ascii_space(line.substr(colon + 1)));
    while (at < header.size() && (header[at] == ' ' || header[at] == '\t')) {
      value.append(1, ' ').append(trim_ascii_space(line_at(header, at)));
      at = behind_line(header, at);
    }
    return value;
  }
  return std::nullopt;
}

std::optional<std::string> field_parameter(std::string_view value, std::string_view name) {
  std::size_t at = value.find(';');
  while (at != std::string_view::npos && at < value.size()) {
    std::string_view rest = trim_ascii_space(value.substr(at + 1));
    const std::size_t equals = rest.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const bool is_it = equals_ignoring_case(trim_ascii_space(rest.substr(0, equals)), name);
    rest = trim_ascii_space(rest.substr(equals + 1));
    std::string text;
    std::size_t end = 0;
    if (rest.starts_with('"')) {
      for (end = 1; end < rest.size() && rest[end] != '"'; ++end) {
        if (rest[end] == '\\' && end + 1 < rest.size()) ++end;
        text.push_back(rest[end]);
      }
    } else {
      end = std::min(rest.find(';'), rest.size());
      text = trim_ascii_space(rest.substr(0, end));
    }
    if (is_it) return text;
    at = value.find(';', static_cast<std::size_t>(rest.data() - value.data()) + end);
  }
  return std::nullopt;
}

std::string listed_text(const ListedPart& part, std::size_t max_octets) {
  const std::string_view body = part.body.substr(0, max_octets);
  const std::string encoding = to_ascii_lower(listed_field(part.header, "Content-Transfer-Encoding").value_or(""));
  std::string text;
  if (encoding == "base64") {
    text = with_lf_line_ends(undo_base64(body));
  } else if (encoding == "quoted-printable") {
    text = with_lf_line_ends(undo_quoted_printable(body));
  } else {
    text = body;
  }
  const std::string type = listed_field(part.header, "Content-Type").value_or("");
  if (const auto charset = field_parameter(type, "charset")) {
    if (auto decoded = decode_charset(*charset, text)) text = *std::move(decoded);
  }
  if (part.type == "text/html") text = without_tags(text);
  return is_valid_utf8(text) ? text : repaired_utf8(text);
}

}  // namespace postern::mime
