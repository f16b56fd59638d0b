// A text as gzip (RFC 1952), for answers. Over Beast's deflate. Pure.
#pragma once

#include <string>
#include <string_view>

namespace postern::http {

inline constexpr int kBestGzipLevel = 9;
std::string gzip(std::string_view text, int level = kBestGzipLevel);

// Whether an Accept-Encoding field takes gzip: it names it, and not with a weight of 0 (RFC 9110 §12.5.3).
bool accepts_gzip(std::string_view accept_encoding);

}  // namespace postern::http
