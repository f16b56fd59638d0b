// See dialog.h and tests/dialogs/README.md.
#include "tests/support/dialog.h"

#include "core/bytes.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

namespace postern::test {
namespace {

using Kind = DialogLine::Kind;

int hex_value(char c) {
  if (is_ascii_digit(c)) return c - '0';
  const char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// "{600:x}" behind a backslash: x, 600 times. Advances `at` behind the brace.
bool append_repeated(std::string_view text, std::size_t& at, std::string& out) {
  const std::size_t colon = text.find(':', at);
  const std::size_t close = text.find('}', at);
  if (colon == std::string_view::npos || close == std::string_view::npos || close < colon) return false;
  const auto count = parse_unsigned(text.substr(at + 1, colon - at - 1));
  if (!count) return false;
  for (std::uint64_t i = 0; i < *count; ++i) out += text.substr(colon + 1, close - colon - 1);
  at = close;
  return true;
}

bool append_escape(std::string_view text, std::size_t& at, std::string& out) {
  switch (text[at]) {
    case 'r': out += '\r'; return true;
    case 'n': out += '\n'; return true;
    case 't': out += '\t'; return true;
    case '0': out += '\0'; return true;
    case '\\': out += '\\'; return true;
    case '{': return append_repeated(text, at, out);
    case 'x': {
      const int high = at + 1 < text.size() ? hex_value(text[at + 1]) : -1;
      const int low = at + 2 < text.size() ? hex_value(text[at + 2]) : -1;
      if (high < 0 || low < 0) return false;
      out += static_cast<char>(high * 16 + low);
      at += 2;
      return true;
    }
    default: return false;
  }
}

std::optional<std::string> unescape(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\') {
      out += text[at];
    } else if (++at >= text.size() || !append_escape(text, at, out)) {
      return std::nullopt;
    }
  }
  return out;
}

bool set_flag(std::string_view value, bool& flag) {
  flag = value == "yes";
  return flag || value == "no";
}

template <class Number>
bool set_number(std::string_view value, Number& number) {
  const auto parsed = parse_unsigned(value);
  if (parsed) number = static_cast<Number>(*parsed);
  return parsed.has_value();
}

bool set_tls(std::string_view value, Dialog& dialog) {
  dialog.starts_in_tls = value == "implicit";
  dialog.config.tls = value == "none"       ? smtp::TlsMode::None
                      : value == "implicit" ? smtp::TlsMode::Implicit
                                            : smtp::TlsMode::StartTls;
  return value == "none" || value == "implicit" || value == "starttls";
}

// "% key value"
bool set_config(std::string_view text, Dialog& dialog) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return false;
  const std::string_view key = text.substr(0, space);
  const std::string_view value = text.substr(space + 1);
  smtp::Config& config = dialog.config;
  if (key == "tls") return set_tls(value, dialog);
  if (key == "auth_without_tls") return set_flag(value, config.allows_auth_without_tls);
  if (key == "max_message_octets") return set_number(value, config.max_message_octets);
  if (key == "max_recipients") return set_number(value, config.max_recipients);
  if (key == "max_errors") return set_number(value, config.max_errors);
  if (key == "max_junk") return set_number(value, config.max_junk);
  if (key == "max_hold_seconds") return set_number(value, config.max_hold_seconds);
  if (key == "max_auth_failures") return set_number(value, config.max_auth_failures);
  return false;
}

bool add_event(std::string_view text, int number, Dialog& dialog) {
  struct Event { std::string_view name; Kind kind; };
  constexpr Event kEvents[] = {{"closed", Kind::Closed}, {"peer gone", Kind::PeerGone}, {"timed out", Kind::TimedOut},
                               {"shut down", Kind::ShutDown}};
  for (const Event& event : kEvents) {
    if (text == event.name) return dialog.lines.push_back({event.kind, "", number}), true;
  }
  return false;
}

struct Prefix { char letter; Kind kind; };
constexpr Prefix kPrefixes[] = {{'C', Kind::Client}, {'S', Kind::Server}, {'A', Kind::Answer}, {'Q', Kind::Question},
                                {'M', Kind::Content}};

// "C: text", "C> raw text", "S*10: text" …
bool add_line(std::string_view line, int number, Dialog& dialog) {
  const auto* prefix = std::find_if(std::begin(kPrefixes), std::end(kPrefixes), [&](Prefix p) { return p.letter == line[0]; });
  const std::size_t mark = line.find_first_of(":>");
  if (prefix == std::end(kPrefixes) || mark == std::string_view::npos) return false;
  const bool is_raw = line[mark] == '>';
  if (is_raw && prefix->kind != Kind::Client) return false;
  std::uint64_t times = 1;
  if (mark > 1) {
    const auto parsed = line[1] == '*' ? parse_unsigned(line.substr(2, mark - 2)) : std::nullopt;
    if (!parsed) return false;
    times = *parsed;
  }
  std::string_view rest = line.substr(mark + 1);
  if (rest.starts_with(' ')) rest.remove_prefix(1);
  auto text = unescape(rest);
  if (!text) return false;
  if (prefix->kind == Kind::Client && !is_raw) *text += "\r\n";
  dialog.lines.insert(dialog.lines.end(), times, DialogLine{prefix->kind, *text, number});
  return true;
}

bool parse_line(std::string_view line, int number, Dialog& dialog) {
  if (line.empty() || line.front() == '#') return true;
  if (line.starts_with("% ")) return set_config(line.substr(2), dialog);
  if (line.starts_with("! ")) return add_event(line.substr(2), number, dialog);
  return add_line(line, number, dialog);
}

}  // namespace

bool Dialog::has(DialogLine::Kind kind) const {
  return std::any_of(lines.begin(), lines.end(), [kind](const DialogLine& line) { return line.kind == kind; });
}

bool Dialog::is_playable_on_the_wire() const {
  return !has(Kind::Answer) && !has(Kind::PeerGone) && !has(Kind::TimedOut) && !has(Kind::ShutDown);
}

std::variant<Dialog, std::string> parse_dialog(std::string name, std::string_view text) {
  Dialog dialog;
  dialog.name = std::move(name);
  dialog.config.hostname = "mail.example";
  dialog.config.allows_auth_without_tls = true;
  int number = 0;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!parse_line(line, ++number, dialog)) return dialog.name + ":" + std::to_string(number) + ": cannot read this line";
  }
  if (!dialog.has(Kind::Server)) return dialog.name + ": expects no reply at all";
  return dialog;
}

std::variant<Dialog, std::string> load_dialog(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return path + ": cannot be opened";
  std::ostringstream text;
  text << file.rdbuf();
  return parse_dialog(path, text.str());
}

std::vector<std::string> find_dialogs(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".dialog") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

bool matches_reply(std::string_view expected, std::string_view line) {
  if (!expected.ends_with('*')) return expected == line;
  expected.remove_suffix(1);
  return line.starts_with(expected);
}

}  // namespace postern::test
