// "a=rsa-sha256; d=example.org; b=…": the form of DKIM's signatures and keys, of ARC's fields and of DMARC's records
// (RFC 6376 §3.2). Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::provenance {

inline constexpr std::size_t kMaxTags = 64;  // some twenty are known

struct Tag {
  std::string_view name;
  std::string_view value;  // without the blanks around it; into the text
};

class TagList {
 public:
  // nullopt: it is none, has a tag twice (§3.2) or more than kMaxTags. `text` must outlive the list.
  static std::optional<TagList> parse(std::string_view text);

  const std::vector<Tag>& tags() const { return tags_; }
  std::optional<std::string_view> find(std::string_view name) const;
  // The value without any white space: what is base64, or a list of words.
  std::optional<std::string> find_compact(std::string_view name) const;

 private:
  std::vector<Tag> tags_;
};

std::string without_space(std::string_view text);

// `text` with the value of tag "b" and the blanks around it removed: what a signature signs of its own field (RFC 6376 §3.5, b=).
std::string without_signature(std::string_view text);

// The words of a list with colons between them ("from:to:subject"), without blanks.
std::vector<std::string> split_colons(std::string_view text);

}  // namespace postern::provenance
