// What a domain publishes for DMARC (RFC 9989 §4.7, §4.8), and which domain is the organization's, given what a tree walk found
// (§4.10.2). Pure: provenance/dmarc walks.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::provenance {

enum class DmarcPolicy { None, Quarantine, Reject };
std::string_view dmarc_policy_name(DmarcPolicy policy);

enum class PublicSuffix { Unknown, Yes, No };

struct DmarcRecord {
  // nullopt: it says none that is valid, and asks for no reports: the mechanism does not apply (§4.10.1).
  std::optional<DmarcPolicy> policy{};
  std::optional<DmarcPolicy> subdomain_policy{};    // sp
  std::optional<DmarcPolicy> nonexistent_policy{};  // np
  bool is_dkim_strict = false;
  bool is_spf_strict = false;
  bool is_testing = false;  // t=y
  PublicSuffix public_suffix = PublicSuffix::Unknown;
  std::vector<std::string> report_uris{};  // rua: those that are URIs

  // For a domain below the one that publishes this. Requires: policy.
  DmarcPolicy policy_below(bool exists) const;
};

// nullopt: it is none. "v=DMARC1" stands first and in this case; a tag that is wrong counts as not there.
std::optional<DmarcRecord> parse_dmarc_record(std::string_view text);

// The names that a walk from `domain` asks for, without "_dmarc." (§4.10): itself, and what is left of it from seven labels down.
std::vector<std::string> walked_domains(std::string_view domain);

// The domains of a walk that have a record, from the longest to the shortest.
using WalkFindings = std::vector<std::pair<std::string, DmarcRecord>>;
std::string organizational_domain(const std::string& domain, const WalkFindings& found);

}  // namespace postern::provenance
