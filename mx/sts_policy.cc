#include "mx/sts_policy.h"

#include "core/bytes.h"
#include "core/idna.h"
#include "core/mailbox.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace postern::mx {
namespace {

constexpr std::string_view kStsVersion = "STSv1";

// Up to the next `end`, without blanks around it; `text` goes on behind.
std::string_view take_until(std::string_view& text, char end) {
  const std::size_t at = std::min(text.find(end), text.size());
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return trim_ascii_space(taken);
}

std::optional<std::pair<std::string_view, std::string_view>> split_pair(std::string_view text, char between) {
  const std::size_t at = text.find(between);
  if (at == std::string_view::npos) return std::nullopt;
  return std::pair(trim_ascii_space(text.substr(0, at)), trim_ascii_space(text.substr(at + 1)));
}

// RFC 8461 §3.2: a host name, or a wildcard for its whole first label. A U-label, which some publish, is what it stands for.
std::optional<std::string> parse_pattern(std::string_view text) {
  const bool is_wildcard = text.starts_with("*.");
  const auto name = domain_to_ascii(is_wildcard ? text.substr(2) : text);
  if (!name || name->empty() || !is_valid_domain(*name, false)) return std::nullopt;
  return (is_wildcard ? "*." : "") + *name;
}

std::optional<StsMode> parse_mode(std::string_view text) {
  if (text == "enforce") return StsMode::Enforce;
  if (text == "testing") return StsMode::Testing;
  if (text == "none") return StsMode::None;
  return std::nullopt;
}

std::optional<std::chrono::seconds> parse_age(std::string_view text) {
  constexpr std::size_t kMaxDigits = 10;  // RFC 8461 §3.2
  if (text.size() > kMaxDigits) return std::nullopt;
  const auto seconds = parse_unsigned(text);
  if (!seconds) return std::nullopt;
  return std::min(std::chrono::seconds(*seconds), kMaxStsAge);
}

void append_field(std::string& out, std::string_view field) {
  out += std::to_string(field.size());
  out += ':';
  out += field;
}

std::optional<std::string_view> take_field(std::string_view& octets) {
  const std::size_t colon = octets.find(':');
  const auto size = parse_unsigned(octets.substr(0, std::min(colon, octets.size())));
  if (colon == std::string_view::npos || !size || *size > octets.size() - colon - 1) return std::nullopt;
  const std::string_view field = octets.substr(colon + 1, *size);
  octets.remove_prefix(colon + 1 + *size);
  return field;
}

}  // namespace

std::optional<std::string> find_sts_id(const std::vector<std::string>& texts) {
  std::optional<std::string> id;
  std::size_t records = 0;
  for (const std::string& record : texts) {
    std::string_view text = record;
    const auto version = split_pair(take_until(text, ';'), '=');
    if (!version || version->first != "v" || version->second != kStsVersion || !record.starts_with("v=")) continue;
    if (++records > 1) return std::nullopt;
    while (!text.empty()) {
      const auto field = split_pair(take_until(text, ';'), '=');
      if (!field || field->first != "id" || id) continue;
      const bool is_sound =
          !field->second.empty() && field->second.size() <= kMaxStsIdOctets && std::ranges::all_of(field->second, is_ascii_alnum);
      if (is_sound) id = std::string(field->second);
    }
  }
  return id;
}

std::optional<StsPolicy> parse_sts_policy(std::string_view text) {
  if (text.size() > kMaxStsPolicyOctets) return std::nullopt;
  StsPolicy policy;
  std::optional<StsMode> mode;
  std::optional<std::chrono::seconds> age;
  bool has_version = false;
  while (!text.empty()) {
    const auto field = split_pair(take_until(text, '\n'), ':');
    if (!field) continue;
    const auto& [name, value] = *field;
    // RFC 8461 §3.2: the version comes first.
    if (!has_version && (name != "version" || value != kStsVersion)) return std::nullopt;
    has_version = true;
    if (name == "mode" && !mode) {
      mode = parse_mode(value);
      if (!mode) return std::nullopt;
    } else if (name == "max_age" && !age) {
      age = parse_age(value);
      if (!age) return std::nullopt;
    } else if (name == "mx") {
      auto pattern = parse_pattern(value);
      if (!pattern || policy.patterns.size() == kMaxStsPatterns) return std::nullopt;
      policy.patterns.push_back(std::move(*pattern));
    }
  }
  if (!mode || !age || (*mode != StsMode::None && policy.patterns.empty())) return std::nullopt;
  policy.mode = *mode;
  policy.max_age = *age;
  return policy;
}

bool names_host(const StsPolicy& policy, std::string_view host) {
  return std::ranges::any_of(policy.patterns, [host](std::string_view pattern) {
    if (!pattern.starts_with("*.")) return pattern == host;
    const std::size_t dot = host.find('.');
    return dot != std::string_view::npos && dot > 0 && host.substr(dot) == pattern.substr(1);
  });
}

std::string encode_sts_policy(const KeptStsPolicy& kept) {
  std::string octets;
  append_field(octets, "1");
  append_field(octets, kept.id);
  append_field(octets, std::to_string(kept.fetched.time_since_epoch().count()));
  append_field(octets, kept.text);
  return octets;
}

std::optional<KeptStsPolicy> decode_sts_policy(std::string_view octets) {
  const auto version = take_field(octets);
  const auto id = version == "1" ? take_field(octets) : std::nullopt;
  const auto fetched = id ? take_field(octets) : std::nullopt;
  const auto text = fetched ? take_field(octets) : std::nullopt;
  const auto at = fetched ? parse_unsigned(*fetched) : std::nullopt;
  auto policy = text ? parse_sts_policy(*text) : std::nullopt;
  if (!policy || !at || !octets.empty()) return std::nullopt;
  return KeptStsPolicy{.id = std::string(*id),
                       .policy = std::move(*policy),
                       .text = std::string(*text),
                       .fetched = Instant(Duration(static_cast<Duration::rep>(*at)))};
}

}  // namespace postern::mx
