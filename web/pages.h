// Pages: a file of the dashboard as an answer. Every file below a name that is made of all their contents, so that a browser keeps
// it for good; the page itself is asked for each time and says that name. Packed once, when this is made. Any thread.
#pragma once

#include "core/result.h"
#include "http/message.h"
#include "web/page_files.h"

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace postern::web {

// Stands in index.html for the name of the build.
inline constexpr std::string_view kVersionMark = "@VERSION@";
inline constexpr std::string_view kIndexFile = "index.html";

// Nothing but what this server has itself; no text becomes script, and no other page shows it in a frame.
inline constexpr std::string_view kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "frame-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

// What a request says of what it has already, and takes.
struct PageConditions {
  std::string_view if_none_match = {};
  std::string_view accept_encoding = {};
};

class Pages {
 public:
  // Without an index.html there is no page. `files` need not outlive this.
  explicit Pages(std::span<const PageFile> files);
  // For who works on them: read from `folder` for each request, and kept by nobody. Blocks for as long as that takes.
  explicit Pages(std::string folder);

  // The page that all addresses of the dashboard have; 404 without one.
  http::Response index(const PageConditions& conditions) const;
  // `path`: behind /assets/, "VERSION/main.js" or "main.js"; only the former is kept by browsers. 404 as text.
  http::Response asset(std::string_view path, const PageConditions& conditions) const;

  std::string_view version() const { return version_; }

 private:
  struct Packed {
    std::string content;
    std::string gzip;  // empty: not worth it
    std::string tag;   // strong, of `content`; gzip has another
  };

  static Packed pack(std::string content);
  http::Response answer(std::string_view name, const Packed& file, const PageConditions& conditions, bool is_kept) const;
  http::Response read(std::string_view name) const;

  std::string folder_;  // empty: what was embedded
  std::string version_;
  std::map<std::string, Packed, std::less<>> files_;
};

}  // namespace postern::web
