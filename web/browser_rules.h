// What is believed of a caller that is a browser: by which names it may call this server (DNS rebinding), and whether a request
// with a cookie comes from a page of this server (CSRF). Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postern::web {

// `host`: a Host field (RFC 9110 §7.2). True for an IP literal, localhost and names below it, and for those of `names` (lower case,
// no port): another name is one that somebody has let point here, and whose pages a browser takes for this server's own.
bool is_known_host(std::string_view host, std::span<const std::string> names);

struct BrowserFacts {
  std::string_view origin = {};      // the Origin field; empty: none
  std::string_view fetch_site = {};  // Sec-Fetch-Site; empty: none
  std::string_view host = {};        // the Host field
  bool is_encrypted = false;         // up to here, or to a proxy that says so
  bool changes_state = false;        // anything but GET and HEAD
};
// Whether a page of this server made the request, or, where it changes nothing, the person at the browser. Every browser says one
// of the two fields with what changes state; who says neither is none, and has no business with a cookie.
bool is_from_own_page(const BrowserFacts& facts);

}  // namespace postern::web
