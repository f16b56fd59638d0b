#include "web/mail_preview.h"

#include "core/base64.h"
#include "core/bytes.h"

#include <algorithm>
#include <array>
#include <map>

namespace postern::web {
namespace {

constexpr std::string_view kBlockedPolicy =
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'";
constexpr std::string_view kRemotePolicy =
    "sandbox; default-src 'none'; img-src data: https: http:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'";

// Elements that become unknown ones, which do nothing. A parser makes an element of "<name" and of nothing else, so that changing
// these letters wherever they stand is enough, whatever is around them. <link> opens connections that no policy asks about, <meta>
// and <base> change the document that they stand in; the others would not run, and need not be there.
constexpr std::array<std::string_view, 13> kInertElements = {"link",   "meta",        "base",    "script", "iframe",
                                                             "frame",  "frameset",    "object",  "embed",  "applet",
                                                             "portal", "fencedframe", "template"};

constexpr std::array<std::string_view, 4> kShownTypes = {"image/png", "image/jpeg", "image/gif", "image/webp"};

bool begins_inert_element(std::string_view rest) {
  return std::ranges::any_of(kInertElements, [&](std::string_view name) { return starts_with_ignoring_case(rest, name); });
}

// "a%40b" as it was meant (RFC 2392).
std::string percent_decoded(std::string_view text) {
  std::string decoded;
  const auto digit = [](char c) { return is_ascii_digit(c) ? c - '0' : ascii_lower(c) - 'a' + 10; };
  const auto is_hex = [](char c) { return is_ascii_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f'); };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_coded = text[i] == '%' && i + 2 < text.size() && is_hex(text[i + 1]) && is_hex(text[i + 2]);
    decoded.push_back(is_coded ? static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])) : text[i]);
    if (is_coded) i += 2;
  }
  return decoded;
}

class Inliner {
 public:
  explicit Inliner(std::span<const InlineImage> images) {
    for (const InlineImage& image : images) {
      const bool is_shown = std::ranges::find(kShownTypes, image.content_type) != kShownTypes.end();
      if (is_shown && !image.content_id.empty()) images_.emplace(image.content_id, &image);
    }
  }
  // What stands for `cid`; empty: nothing, or there is no more room.
  std::string take(std::string_view cid) {
    const auto found = images_.find(percent_decoded(cid));
    if (found == images_.end()) return {};
    const std::size_t octets = found->second->octets.size() / 3 * 4 + 64;
    if (octets > room_) return {};
    room_ -= octets;
    return "data:" + std::string(found->second->content_type) + ";base64," + encode_base64(found->second->octets);
  }

 private:
  std::map<std::string, const InlineImage*, std::less<>> images_;
  std::size_t room_ = kMaxInlinedOctets;
};

std::string document_start(const PreviewOptions& options) {
  const std::string scheme = options.is_dark ? "dark" : "light";
  return "<!doctype html><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"" + scheme +
         "\"><meta name=\"viewport\" content=\"width=device-width\"><style>html{color-scheme:" + scheme +
         "}body{margin:12px;overflow-wrap:anywhere;font:15px/1.5 system-ui,sans-serif}img{max-width:100%}</style>";
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out.push_back(c);
    }
  }
}

}  // namespace

std::string_view preview_policy(const PreviewOptions& options) {
  return options.shows_remote_images ? kRemotePolicy : kBlockedPolicy;
}

std::string preview_html(std::string_view html, std::span<const InlineImage> images, const PreviewOptions& options) {
  constexpr std::string_view kScheme = "cid:";
  constexpr std::string_view kEndsOfUrl = "\"'<>() \t\r\n\\";
  Inliner inliner(images);
  std::string out = document_start(options);
  out.reserve(out.size() + html.size());
  for (std::size_t i = 0; i < html.size(); ++i) {
    const std::string_view rest = html.substr(i);
    if (rest.front() == '<') {
      const std::size_t name = rest.starts_with("</") ? 2 : 1;
      out.append(rest.substr(0, name));
      if (begins_inert_element(rest.substr(name))) out += "x-";
      i += name - 1;
      continue;
    }
    if (starts_with_ignoring_case(rest, kScheme)) {
      const std::size_t end = std::min(rest.find_first_of(kEndsOfUrl, kScheme.size()), rest.size());
      const std::string inlined = inliner.take(rest.substr(kScheme.size(), end - kScheme.size()));
      out += inlined.empty() ? std::string(kScheme) : inlined;
      i += (inlined.empty() ? kScheme.size() : end) - 1;
      continue;
    }
    out.push_back(rest.front());
  }
  return out;
}

std::string preview_text(std::string_view text, const PreviewOptions& options) {
  std::string out = document_start(options) + "<pre style=\"white-space:pre-wrap;font:14px/1.5 ui-monospace,monospace\">\n";
  append_escaped(out, text);
  return out += "</pre>";
}

}  // namespace postern::web
