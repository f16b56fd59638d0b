// A mail as a document that does nothing: for a frame without rights (<iframe sandbox>), under a policy that runs, loads, sends and
// opens nothing. The document is not trusted to be harmless, the policy is what makes it so; what no policy governs (a browser's
// early connections, <meta>) is taken out of the document besides. Pure.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace postern::web {

struct PreviewOptions {
  bool shows_remote_images = false;  // then the reader's browser loads them, and their servers see it
  bool is_dark = false;
};

// The Content-Security-Policy of the answer. Inside a sandbox without a word the document has an origin of its own that is
// nobody's.
std::string_view preview_policy(const PreviewOptions& options);

// A part of the mail that its HTML shows by cid:.
struct InlineImage {
  std::string_view content_id;    // without angle brackets
  std::string_view content_type;  // PNG, JPEG, GIF and WebP are shown
  std::string_view octets;
};

// Images by cid: become data: URLs, together at most so many octets: one may be named a thousand times.
inline constexpr std::size_t kMaxInlinedOctets = 8 * 1024 * 1024;

// `html`: valid UTF-8, any. A whole document in UTF-8.
std::string preview_html(std::string_view html, std::span<const InlineImage> images, const PreviewOptions& options);
std::string preview_text(std::string_view text, const PreviewOptions& options);

}  // namespace postern::web
