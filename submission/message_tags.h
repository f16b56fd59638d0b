// Tags that a client of SMTP gives a message: "X-Postern-Tags: kind=order, customer=17", what `tags` is over HTTP. The field is the
// relay's and goes no further (submission/message_fixups). Pure.
#pragma once

#include "mime/header_scan.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::submission {

inline constexpr std::string_view kTagsField = "X-Postern-Tags";
inline constexpr std::size_t kMaxMessageTags = 75;     // as over HTTP
inline constexpr std::size_t kMaxTagTextOctets = 256;  // the same; of a name and of a value

// Of all such fields, in order. What is no name=value of letters, digits, '_' and '-' is passed over: no mail is lost for a label.
std::vector<std::pair<std::string, std::string>> message_tags(const mime::HeaderScan& header);

}  // namespace postern::submission
