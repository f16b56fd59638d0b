#include "submission/message_tags.h"

#include "core/bytes.h"

#include <algorithm>

namespace postern::submission {
namespace {

bool is_tag_word(std::string_view text) {
  return !text.empty() && text.size() <= kMaxTagTextOctets &&
         std::ranges::all_of(text, [](char c) { return is_ascii_alnum(c) || c == '_' || c == '-'; });
}

}  // namespace

std::vector<std::pair<std::string, std::string>> message_tags(const mime::HeaderScan& header) {
  std::vector<std::pair<std::string, std::string>> tags;
  for (const mime::HeaderField& field : header.fields()) {
    if (!equals_ignoring_case(field.name, kTagsField)) continue;
    for (std::string_view rest = field.value; !rest.empty() && tags.size() < kMaxMessageTags;) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      const std::string_view pair = rest.substr(0, end);
      const std::size_t equals = std::min(pair.find('='), pair.size());
      const std::string_view name = trim_ascii_space(pair.substr(0, equals));
      const std::string_view value = trim_ascii_space(pair.substr(std::min(equals + 1, pair.size())));
      if (is_tag_word(name) && is_tag_word(value)) tags.emplace_back(name, value);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return tags;
}

}  // namespace postern::submission
