#include "core/header_text.h"

#include "core/bytes.h"

#include <iconv.h>

#include <algorithm>
#include <vector>

namespace postern {
namespace {

constexpr std::size_t kMaxCharsetOctets = 64;  // the longest registered name has 45
// Charsets that are looked up for one text: each costs the C library a table. Further words of such charsets stay as they stand.
constexpr int kMaxConversions = 32;
// Encoded words grow when they are decoded at most by this: what is longer is cut before.
constexpr std::size_t kMaxReadFactor = 8;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

struct EncodedWord {
  std::string_view raw;  // all of it, "=?…?="
  std::string charset;   // in lower case, without a language (RFC 2231 §5)
  std::string octets;
};

// Of the names that are registered, and a language behind them; nothing that iconv takes for an instruction.
bool is_charset_character(char c) { return is_ascii_alnum(c) || std::string_view("-_.:+*").find(c) != std::string_view::npos; }

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::optional<unsigned> hex_digit(char c) {
  if (is_ascii_digit(c)) return static_cast<unsigned>(c - '0');
  const char lower = ascii_lower(c);
  if (lower >= 'a' && lower <= 'f') return static_cast<unsigned>(lower - 'a') + 10;
  return std::nullopt;
}

std::string decode_q(std::string_view text) {
  std::string octets;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto high = text[i] == '=' && i + 2 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
    const auto low = high ? hex_digit(text[i + 2]) : std::nullopt;
    if (low) {
      octets.push_back(static_cast<char>(*high * 16 + *low));
      i += 2;
    } else {
      octets.push_back(text[i] == '_' ? ' ' : text[i]);
    }
  }
  return octets;
}

// Without asking for padding: many writers leave it out.
std::optional<std::string> decode_b(std::string_view text) {
  std::string octets;
  std::uint32_t held = 0;
  int bits = 0;
  for (const char c : text) {
    if (c == '=' || is_blank(c)) continue;
    std::uint32_t value = 0;
    if (c >= 'A' && c <= 'Z') {
      value = static_cast<std::uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      value = static_cast<std::uint32_t>(c - 'a') + 26;
    } else if (is_ascii_digit(c)) {
      value = static_cast<std::uint32_t>(c - '0') + 52;
    } else if (c == '+' || c == '/') {
      value = c == '+' ? 62 : 63;
    } else {
      return std::nullopt;
    }
    held = (held << 6) | value;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    octets.push_back(static_cast<char>((held >> bits) & 0xFF));
  }
  return octets;
}

// At the beginning of `text`, which begins with "=?". Blanks within a word are taken: some writers leave them there.
std::optional<EncodedWord> read_word(std::string_view text) {
  const std::size_t charset_end = text.substr(0, kMaxCharsetOctets + 3).find('?', 2);
  if (charset_end == std::string_view::npos || charset_end == 2 || charset_end + 3 > text.size()) return std::nullopt;
  const char encoding = ascii_lower(text[charset_end + 1]);
  if ((encoding != 'q' && encoding != 'b') || text[charset_end + 2] != '?') return std::nullopt;
  const std::size_t begin = charset_end + 3;
  const std::size_t end = text.find('?', begin);
  if (end == std::string_view::npos || end + 1 >= text.size() || text[end + 1] != '=') return std::nullopt;
  EncodedWord word;
  word.raw = text.substr(0, end + 2);
  const std::string_view charset = text.substr(2, charset_end - 2);
  if (!std::ranges::all_of(charset, is_charset_character)) return std::nullopt;
  word.charset = to_ascii_lower(charset.substr(0, charset.find('*')));
  auto octets = encoding == 'q' ? decode_q(text.substr(begin, end - begin)) : decode_b(text.substr(begin, end - begin));
  if (!octets) return std::nullopt;
  word.octets = std::move(*octets);
  return word;
}

bool is_utf8_name(std::string_view charset) { return charset == "utf-8" || charset == "utf8" || charset == "us-ascii"; }

std::optional<std::string> convert(const std::string& charset, std::string_view octets) {
  const iconv_t converter = ::iconv_open("UTF-8", charset.c_str());
  if (converter == reinterpret_cast<iconv_t>(-1)) return std::nullopt;
  std::string from(octets);
  std::string to(from.size() * 4 + 16, '\0');  // one octet is at most three of UTF-8, or a part of a character
  char* in = from.data();
  char* out = to.data();
  std::size_t in_left = from.size();
  std::size_t out_left = to.size();
  const bool is_read = ::iconv(converter, &in, &in_left, &out, &out_left) != static_cast<std::size_t>(-1) &&
                       ::iconv(converter, nullptr, nullptr, &out, &out_left) != static_cast<std::size_t>(-1);
  ::iconv_close(converter);
  to.resize(to.size() - out_left);
  if (!is_read || !is_valid_utf8(to)) return std::nullopt;
  return to;
}

class CharsetReader {
 public:
  std::optional<std::string> read(const std::string& charset, const std::string& octets) {
    if (!is_utf8_name(charset) && ++conversions_ > kMaxConversions) return std::nullopt;
    return decode_charset(charset, octets);
  }

 private:
  int conversions_ = 0;
};

std::string one_q_word(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string word = "=?utf-8?q?";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (is_ascii_alnum(c)) {
      word.push_back(c);
    } else {
      word.append({'=', kDigits[octet >> 4], kDigits[octet & 15]});
    }
  }
  return word.append("?=");
}

// Words with nothing but blanks between them.
class WordRun {
 public:
  explicit WordRun(bool merges) : merges_(merges) {}

  bool is_empty() const { return words_.empty(); }
  void add(EncodedWord word) { words_.push_back(std::move(word)); }

  void write(CharsetReader& charsets, std::string& out) {
    for (std::size_t i = 0; i < words_.size();) {
      std::size_t end = i + 1;
      while (end < words_.size() && words_[end].charset == words_[i].charset) ++end;
      auto text = text_of(charsets, i, end);
      if (text) {
        std::ranges::replace_if(*text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
        out.append(merges_ ? one_q_word(*text) : *text);
      } else {
        for (std::size_t j = i; j < end; ++j) out.append(j > i ? " " : "").append(words_[j].raw);
      }
      i = end;
    }
    words_.clear();
  }

 private:
  // Of words of one charset. nullopt: they cannot be read.
  std::optional<std::string> text_of(CharsetReader& charsets, std::size_t begin, std::size_t end) const {
    std::string apart;
    std::string joined;
    bool is_sound = true;
    for (std::size_t i = begin; i < end; ++i) {
      joined.append(words_[i].octets);
      const auto text = is_sound ? charsets.read(words_[i].charset, words_[i].octets) : std::nullopt;
      is_sound = text.has_value();
      apart.append(text.value_or(""));
    }
    if (is_sound) return apart;
    auto text = end > begin + 1 ? charsets.read(words_[begin].charset, joined) : std::nullopt;
    if (!text && is_utf8_name(words_[begin].charset)) text = repaired_utf8(joined);
    return text;
  }

  const bool merges_;
  std::vector<EncodedWord> words_;
};

std::string rewrite_words(std::string_view text, bool merges) {
  std::string out;
  CharsetReader charsets;
  WordRun run(merges);
  std::size_t plain_begin = 0;  // of what is no word and not written yet
  std::size_t at = 0;
  while (true) {
    const std::size_t begin = text.find("=?", at);
    auto word = begin == std::string_view::npos ? std::nullopt : read_word(text.substr(begin));
    if (!word && begin != std::string_view::npos) {
      at = begin + 2;
      continue;
    }
    const std::string_view plain = text.substr(plain_begin, begin == std::string_view::npos ? begin : begin - plain_begin);
    const bool joins = word && !run.is_empty() && std::ranges::all_of(plain, is_blank);
    if (!joins) {
      run.write(charsets, out);
      out.append(plain);
    }
    if (!word) return out;
    at = plain_begin = begin + word->raw.size();
    run.add(std::move(*word));
  }
}

}  // namespace

std::optional<std::string> decode_charset(std::string_view charset, std::string_view octets) {
  const std::string name = to_ascii_lower(charset);
  if (is_utf8_name(name)) return is_valid_utf8(octets) ? std::optional(std::string(octets)) : std::nullopt;
  if (name.empty() || name.size() > kMaxCharsetOctets || !std::ranges::all_of(name, is_charset_character)) return std::nullopt;
  return convert(name, octets);
}

std::string repaired_utf8(std::string_view octets) {
  std::string text;
  text.reserve(octets.size());
  while (!octets.empty()) {
    std::size_t length = 1;
    while (length < std::min<std::size_t>(4, octets.size()) && !is_valid_utf8(octets.substr(0, length))) ++length;
    const bool is_character = is_valid_utf8(octets.substr(0, length));
    text.append(is_character ? octets.substr(0, length) : kReplacement);
    octets.remove_prefix(is_character ? length : 1);
  }
  return text;
}

std::string decode_encoded_words(std::string_view text) { return rewrite_words(text, false); }

std::string merge_encoded_words(std::string_view text) { return rewrite_words(text, true); }

std::string header_text(std::string_view value, std::size_t max_octets) {
  value = trim_ascii_space(value).substr(0, max_octets * kMaxReadFactor);
  if (value.size() <= max_octets && is_printable_ascii(value) && value.find("=?") == std::string_view::npos) {
    return std::string(value);  // as most are
  }
  std::string line;
  line.reserve(value.size());
  for (const char c : value) {
    if (c == '\r' || c == '\n') continue;
    const auto octet = static_cast<unsigned char>(c);
    line.push_back(octet < 0x20 || octet == 0x7F ? ' ' : c);
  }
  if (!is_valid_utf8(line)) line = repaired_utf8(line);
  std::string text = decode_encoded_words(line);
  if (text.size() <= max_octets) return text;
  std::size_t end = max_octets;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text;
}

}  // namespace postern
