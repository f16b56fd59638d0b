// Reports come as gzip (RFC 1952) or in a ZIP archive, and from anybody: what is unpacked is bounded, whatever it says of itself.
// Over zlib; pure.
#pragma once

#include "core/result.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace postern::reports {

// The largest senders' reports of a day have some megabytes.
inline constexpr std::size_t kMaxReportOctets = 25 * 1'048'576;
// XML and JSON compress to a tenth or twentieth; deflate's limit is 1 : 1,032. Below kUsualOctets it does not matter.
inline constexpr std::size_t kMaxRatio = 100;
inline constexpr std::size_t kUsualOctets = 1'048'576;

// The report itself: of a gzip stream its content, of a ZIP archive the first file's, of anything else what was given.
// Malformed: broken off, encrypted, or of a method that nobody uses. LimitExceeded.
Result<std::string> unpack_report(std::string_view octets, std::size_t limit = kMaxReportOctets);

// As gzip, for a report that is sent.
std::string pack_report(std::string_view text);

}  // namespace postern::reports
