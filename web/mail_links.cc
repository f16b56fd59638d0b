#include "web/mail_links.h"

#include "core/bytes.h"
#include "core/idna.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace postern::web {
namespace {

constexpr std::array<std::string_view, 8> kUrlAttributes = {"href",   "src",        "background", "action",
                                                            "poster", "formaction", "data",       "xlink:href"};

constexpr std::size_t kMaxWordsLookedAt = 4'096;  // behind an <a>

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

// The references that URLs have: "&amp;", "&#38;", "&#x26;".
std::string resolved(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, char>, 5> kNamed = {
      {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}}};
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::string_view rest = text.substr(i);
    const auto named = std::ranges::find_if(kNamed, [&](const auto& row) { return rest.starts_with(row.first); });
    if (named != kNamed.end()) {
      out.push_back(named->second);
      i += named->first.size();
      continue;
    }
    const bool is_number = rest.starts_with("&#");
    const bool is_hex = is_number && rest.size() > 2 && ascii_lower(rest[2]) == 'x';
    unsigned value = 0;
    std::size_t end = is_hex ? 3 : 2;
    const std::size_t first = end;
    for (; is_number && end < rest.size() && value < 128; ++end) {
      const char c = ascii_lower(rest[end]);
      if (is_ascii_digit(c)) {
        value = value * (is_hex ? 16 : 10) + static_cast<unsigned>(c - '0');
      } else if (is_hex && c >= 'a' && c <= 'f') {
        value = value * 16 + static_cast<unsigned>(c - 'a' + 10);
      } else {
        break;
      }
    }
    if (!is_number || end == first || value < 0x20 || value > 0x7e) {  // what is beyond ASCII is shown as it is written
      out.push_back(rest.front());
      ++i;
      continue;
    }
    out.push_back(static_cast<char>(value));
    i += end + (end < rest.size() && rest[end] == ';' ? 1 : 0);
  }
  return out;
}

// As a browser reads it: blanks at the ends and line ends within do not count.
std::string clean_url(std::string_view written) {
  std::string url = resolved(written);
  std::erase_if(url, [](char c) { return c == '\t' || c == '\n' || c == '\r'; });
  return printable_utf8(trim_ascii_space(url), kMaxLinkOctets);
}

std::string host_of(std::string_view url) {
  const std::size_t scheme = starts_with_ignoring_case(url, "https://") ? 8 : starts_with_ignoring_case(url, "http://") ? 7 : 0;
  if (scheme == 0) return {};
  std::string_view authority = url.substr(scheme);
  authority = authority.substr(0, authority.find_first_of("/?#\\"));
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
  const std::size_t port = authority.starts_with('[') ? authority.find(']') : std::string_view::npos;
  if (port != std::string_view::npos) return std::string(authority.substr(0, port + 1));
  return domain_to_ascii(authority.substr(0, authority.find(':'))).value_or(std::string());
}

struct Attribute {
  std::string name;  // in lower case
  std::string_view value;
};

// One tag: from behind its "<" to its ">".
class TagReader {
 public:
  explicit TagReader(std::string_view tag) : rest_(tag) {
    const std::size_t end = std::min(rest_.find_first_of(" \t\r\n\f/>"), rest_.size());
    name_ = to_ascii_lower(rest_.substr(0, end));
    rest_.remove_prefix(end);
  }
  const std::string& name() const { return name_; }
  std::optional<Attribute> next() {
    while (!rest_.empty() && (is_blank(rest_.front()) || rest_.front() == '/')) rest_.remove_prefix(1);
    if (rest_.empty() || rest_.front() == '>') return std::nullopt;
    const std::size_t end = std::min(rest_.find_first_of(" \t\r\n\f/>=", 1), rest_.size());
    Attribute attribute{to_ascii_lower(rest_.substr(0, end)), {}};
    rest_.remove_prefix(end);
    skip_blanks();
    if (!rest_.starts_with('=')) return attribute;
    rest_.remove_prefix(1);
    skip_blanks();
    attribute.value = take_value();
    return attribute;
  }
  // What is behind the tag.
  std::string_view behind() const {
    const std::size_t end = rest_.find('>');
    return end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
  }

 private:
  void skip_blanks() {
    while (!rest_.empty() && is_blank(rest_.front())) rest_.remove_prefix(1);
  }
  std::string_view take_value() {
    const bool is_quoted = rest_.starts_with('"') || rest_.starts_with('\'');
    const std::size_t end = is_quoted ? rest_.find(rest_.front(), 1) : rest_.find_first_of(" \t\r\n\f>");
    const std::string_view value = rest_.substr(is_quoted ? 1 : 0, end == std::string_view::npos ? end : end - (is_quoted ? 1 : 0));
    rest_.remove_prefix(std::min(end == std::string_view::npos ? rest_.size() : end + (is_quoted ? 1 : 0), rest_.size()));
    return value;
  }

  std::string name_;
  std::string_view rest_;
};

// Up to the next tag that closes an <a>, without the tags between.
std::string words_behind(std::string_view html) {
  std::string words;
  html = html.substr(0, kMaxWordsLookedAt);
  while (!html.empty() && words.size() < kMaxLinkWordsOctets) {
    if (starts_with_ignoring_case(html, "</a")) break;
    if (html.front() == '<') {
      const std::size_t end = html.find('>');
      if (end == std::string_view::npos) break;
      html.remove_prefix(end + 1);
      continue;
    }
    if (!is_blank(html.front())) {
      words.push_back(html.front());
    } else if (!words.empty() && words.back() != ' ') {
      words.push_back(' ');
    }
    html.remove_prefix(1);
  }
  return printable_utf8(trim_ascii_space(resolved(words)), kMaxLinkWordsOctets);
}

// A tag is read to its end and not again, whatever stands in it: the time is in proportion to the text.
void add_links_of_html(std::string_view html, std::vector<MailLink>& links) {
  for (std::size_t at = html.find('<'); at != std::string_view::npos && links.size() < kMaxMailLinks; at = html.find('<')) {
    html.remove_prefix(at + 1);
    if (html.empty() || !is_ascii_alpha(html.front())) continue;
    TagReader tag(html);
    std::vector<std::string_view> urls;
    while (const auto attribute = tag.next()) {
      const bool is_url = std::ranges::find(kUrlAttributes, attribute->name) != kUrlAttributes.end();
      if (is_url && urls.size() < kMaxMailLinks) urls.push_back(attribute->value);
    }
    html = tag.behind();
    for (const std::string_view written : urls) {
      std::string url = clean_url(written);
      const bool is_empty = url.empty() || url.starts_with('#') || links.size() >= kMaxMailLinks;
      if (is_empty) continue;
      std::string host = host_of(url);
      links.push_back({std::move(url), tag.name(), tag.name() == "a" ? words_behind(html) : std::string(), std::move(host)});
    }
  }
}

void add_links_of_text(std::string_view text, std::vector<MailLink>& links) {
  std::set<std::string, std::less<>> known;
  for (const MailLink& link : links) known.insert(link.url);
  for (std::size_t at = text.find("http"); at != std::string_view::npos && links.size() < kMaxMailLinks;
       at = text.find("http", at + 1)) {
    const std::string_view rest = text.substr(at);
    if (!rest.starts_with("http://") && !rest.starts_with("https://")) continue;
    std::string_view url = rest.substr(0, rest.find_first_of(" \t\r\n<>\"'`"));
    while (!url.empty() && std::string_view(".,;:!?)]}").find(url.back()) != std::string_view::npos) url.remove_suffix(1);
    std::string shown = printable_utf8(url, kMaxLinkOctets);
    if (!known.insert(shown).second) continue;
    std::string host = host_of(shown);
    links.push_back({std::move(shown), "text", {}, std::move(host)});
  }
}

}  // namespace

std::vector<MailLink> list_mail_links(const std::optional<std::string>& html, const std::optional<std::string>& text) {
  std::vector<MailLink> links;
  if (html) add_links_of_html(*html, links);
  if (text) add_links_of_text(*text, links);
  return links;
}

}  // namespace postern::web
