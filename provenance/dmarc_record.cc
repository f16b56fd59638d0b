#include "provenance/dmarc_record.h"

#include "core/bytes.h"

#include <algorithm>
#include <array>

namespace postern::provenance {
namespace {

constexpr std::size_t kMaxReportUris = 20;  // reports go to no more
constexpr std::size_t kMostLabels = 7;      // §4.10: of what is asked behind the first question
constexpr std::array<std::string_view, 3> kPolicies = {"none", "quarantine", "reject"};

std::optional<DmarcPolicy> read_policy(std::string_view value) {
  for (std::size_t i = 0; i < kPolicies.size(); ++i) {
    if (equals_ignoring_case(value, kPolicies[i])) return static_cast<DmarcPolicy>(i);
  }
  return std::nullopt;
}

// A scheme, a colon and something (RFC 3986 §3).
bool is_uri(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size() || !is_ascii_alpha(text.front())) return false;
  const auto is_scheme = [](char c) { return is_ascii_alnum(c) || c == '+' || c == '-' || c == '.'; };
  return is_printable_ascii(text) && text.find(' ') == std::string_view::npos &&
         std::ranges::all_of(text.substr(0, colon), is_scheme);
}

std::vector<std::string> read_uris(std::string_view list) {
  std::vector<std::string> uris;
  while (!list.empty() && uris.size() < kMaxReportUris) {
    const std::string_view one = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), one.size() + 1));
    std::string_view uri = trim_ascii_space(one);
    uri = uri.substr(0, uri.find('!'));  // RFC 7489 had a size there
    if (is_uri(uri)) uris.emplace_back(uri);
  }
  return uris;
}

struct DmarcReading {
  DmarcRecord record;
  bool has_bad_policy = false;
};

void take_tag(std::string_view name, std::string_view value, DmarcReading& reading) {
  DmarcRecord& record = reading.record;
  const auto take_policy = [&](std::optional<DmarcPolicy>& place) {
    place = read_policy(value);
    if (!place) reading.has_bad_policy = true;
  };
  if (name == "p") return take_policy(record.policy);
  if (name == "sp") return take_policy(record.subdomain_policy);
  if (name == "np") return take_policy(record.nonexistent_policy);
  if (name == "adkim") record.is_dkim_strict = equals_ignoring_case(value, "s");
  if (name == "aspf") record.is_spf_strict = equals_ignoring_case(value, "s");
  if (name == "t") record.is_testing = equals_ignoring_case(value, "y");
  if (name == "rua") record.report_uris = read_uris(value);
  if (name == "psd") {
    record.public_suffix = equals_ignoring_case(value, "y")   ? PublicSuffix::Yes
                           : equals_ignoring_case(value, "n") ? PublicSuffix::No
                                                              : PublicSuffix::Unknown;
  }
}

std::size_t count_labels(std::string_view domain) {
  return static_cast<std::size_t>(std::ranges::count(domain, '.')) + 1;
}

}  // namespace

std::string_view dmarc_policy_name(DmarcPolicy policy) {
  return kPolicies[static_cast<std::size_t>(policy)];
}

DmarcPolicy DmarcRecord::policy_below(bool exists) const {
  if (!exists && nonexistent_policy) return *nonexistent_policy;
  return subdomain_policy.value_or(*policy);
}

std::optional<DmarcRecord> parse_dmarc_record(std::string_view text) {
  DmarcReading reading;
  bool is_first = true;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find(';'));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    const std::size_t equals = one.find('=');
    const std::string_view name = trim_ascii_space(one.substr(0, equals));
    const std::string_view value = equals == std::string_view::npos ? "" : trim_ascii_space(one.substr(equals + 1));
    if (is_first && (name != "v" || value != "DMARC1")) return std::nullopt;
    if (!is_first) take_tag(to_ascii_lower(name), value, reading);
    is_first = false;
  }
  if (is_first) return std::nullopt;
  DmarcRecord& record = reading.record;
  if (!record.policy || reading.has_bad_policy) {
    record.policy = record.report_uris.empty() ? std::nullopt : std::optional(DmarcPolicy::None);
    record.subdomain_policy = record.nonexistent_policy = std::nullopt;
  }
  return record;
}

std::vector<std::string> walked_domains(std::string_view domain) {
  std::vector<std::string> names{std::string(domain)};
  std::size_t labels = count_labels(domain);
  while (labels > 1) {
    do {
      domain.remove_prefix(domain.find('.') + 1);
      --labels;
    } while (labels > kMostLabels);
    names.emplace_back(domain);
  }
  return names;
}

std::string organizational_domain(const std::string& domain, const WalkFindings& found) {
  for (const auto& [name, record] : found) {
    if (record.public_suffix == PublicSuffix::No) return name;
    if (record.public_suffix == PublicSuffix::Yes && name != domain) {
      // One label more than the suffix.
      const std::size_t dot = domain.rfind('.', domain.size() - name.size() - 2);
      return dot == std::string::npos ? domain : domain.substr(dot + 1);
    }
  }
  return found.empty() ? domain : found.back().first;
}

}  // namespace postern::provenance
