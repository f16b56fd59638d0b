// The addresses that a mail names: what a person would open, and what a mail reader would load. Listed, never fetched. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::web {

inline constexpr std::size_t kMaxMailLinks = 500;
inline constexpr std::size_t kMaxLinkOctets = 2'048;
inline constexpr std::size_t kMaxLinkWordsOctets = 200;

struct MailLink {
  std::string url;      // as it is written, its character references resolved; at most kMaxLinkOctets
  std::string element;  // "a", "img" …; "text" of the plain part
  std::string words;    // what an <a> shows, on one line
  std::string host;     // of http and https: in A-labels where it has other letters than ASCII; empty: none, or none that is valid
};

// In their order: those of the HTML, then those of the text that the HTML has not. Both valid UTF-8.
std::vector<MailLink> list_mail_links(const std::optional<std::string>& html, const std::optional<std::string>& text);

}  // namespace postern::web
