#include "provenance/tag_list.h"

#include "core/bytes.h"

#include <algorithm>

namespace postern::provenance {
namespace {

bool is_white(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::string_view without_edges(std::string_view text) {
  while (!text.empty() && is_white(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_white(text.back())) text.remove_suffix(1);
  return text;
}

// §3.2: ALPHA *ALNUMPUNC.
bool is_tag_name(std::string_view name) {
  if (name.empty() || !is_ascii_alpha(name.front())) return false;
  return std::ranges::all_of(name, [](char c) { return is_ascii_alnum(c) || c == '_'; });
}

}  // namespace

std::optional<TagList> TagList::parse(std::string_view text) {
  TagList list;
  while (!without_edges(text).empty()) {
    const std::string_view one = text.substr(0, text.find(';'));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    const std::size_t equals = one.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const Tag tag{without_edges(one.substr(0, equals)), without_edges(one.substr(equals + 1))};
    if (!is_tag_name(tag.name) || list.find(tag.name) || list.tags_.size() == kMaxTags) return std::nullopt;
    list.tags_.push_back(tag);
  }
  return list;
}

std::optional<std::string_view> TagList::find(std::string_view name) const {
  const auto found = std::ranges::find(tags_, name, &Tag::name);
  return found == tags_.end() ? std::nullopt : std::optional(found->value);
}

std::optional<std::string> TagList::find_compact(std::string_view name) const {
  const auto value = find(name);
  return value ? std::optional(without_space(*value)) : std::nullopt;
}

std::string without_space(std::string_view text) {
  std::string compact(text);
  std::erase_if(compact, is_white);
  return compact;
}

std::string without_signature(std::string_view text) {
  std::string kept;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find(';'));
    const std::size_t equals = one.find('=');
    const bool is_signature = equals != std::string_view::npos && without_edges(one.substr(0, equals)) == "b";
    kept += is_signature ? one.substr(0, equals + 1) : one;
    if (one.size() < text.size()) kept += ';';
    text.remove_prefix(std::min(text.size(), one.size() + 1));
  }
  return kept;
}

std::vector<std::string> split_colons(std::string_view text) {
  std::vector<std::string> words;
  while (true) {
    const std::size_t colon = text.find(':');
    words.push_back(without_space(text.substr(0, colon)));
    if (colon == std::string_view::npos) return words;
    text.remove_prefix(colon + 1);
  }
}

}  // namespace postern::provenance
