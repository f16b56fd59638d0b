// The checks are as strict as those who read the records: a second SPF or DMARC record spoils the first for them, too.
#include "domains/domain_records.h"

#include "core/bytes.h"
#include "core/time_format.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace postern::domains {
namespace {

constexpr std::size_t kMaxStringOctets = 255;   // RFC 1035 §3.3: a character-string
constexpr std::size_t kMaxFindingOctets = 300;  // kept with the domain: enough to see what is wrong
constexpr std::string_view kTimeToLive = "3600";

constexpr std::string_view kNoAnswer = "no answer: ";

std::string joined(std::string_view label, std::string_view domain) { return std::string(label) + "." + std::string(domain); }

std::string note_on(const store::DkimKey& key) {
  if (key.state == store::DkimKeyState::Waits) return "signs once it is found";
  if (key.state == store::DkimKeyState::Retired && key.until) {
    return "for mail under way, until " + format_rfc3339(*key.until).substr(0, 10);
  }
  return {};
}

DnsRecordToPublish dkim_record(const store::DkimKey& key, std::string_view domain) {
  return {.purpose = dkim_purpose(key),
          .type = "TXT",
          .name = joined(key.selector + "._domainkey", domain),
          .value = key.public_record,
          .note = note_on(key)};
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(trim_ascii_space(text.substr(0, end)));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// The tag's value in a tag list (RFC 6376 §3.2), without white space. nullopt: it is not there.
std::optional<std::string> tag(std::string_view list, std::string_view name) {
  for (const std::string_view part : split(list, ';')) {
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos || trim_ascii_space(part.substr(0, equals)) != name) continue;
    std::string value(part.substr(equals + 1));
    std::erase_if(value, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
    return value;
  }
  return std::nullopt;
}

// A version at the beginning, and then something that ends the word.
bool has_version(std::string_view record, std::string_view version, std::string_view ends) {
  if (!starts_with_ignoring_case(record, version)) return false;
  return record.size() == version.size() || ends.find(record[version.size()]) != std::string_view::npos;
}

std::vector<std::string> versioned(const std::vector<std::string>& values, std::string_view version, std::string_view ends) {
  std::vector<std::string> found;
  std::ranges::copy_if(values, std::back_inserter(found),
                       [&](const std::string& value) { return has_version(value, version, ends); });
  return found;
}

bool has_same_key(std::string_view published, std::string_view ours) {
  const auto version = tag(published, "v");
  const bool is_same_type = tag(published, "k").value_or("rsa") == tag(ours, "k").value_or("rsa");
  return (!version || *version == "DKIM1") && is_same_type && tag(published, "p") == tag(ours, "p");
}

// An "include:" of a host name says the same as "a:" where it publishes its own record.
bool has_mechanism(std::string_view spf, std::string_view ours) {
  const std::string include = ours.starts_with("a:") ? "include:" + std::string(ours.substr(2)) : std::string(ours);
  return std::ranges::any_of(split(spf, ' '), [&](std::string_view word) {
    if (word.starts_with('+')) word.remove_prefix(1);
    if (word.ends_with('.')) word.remove_suffix(1);
    return equals_ignoring_case(word, ours) || equals_ignoring_case(word, include);
  });
}

// Between the version and the "all" at its end.
bool has_mechanisms(std::string_view spf, std::string_view ours) {
  const auto words = split(ours, ' ');
  return std::ranges::all_of(words, [&](std::string_view word) {
    return word.empty() || word == "v=spf1" || word == "~all" || has_mechanism(spf, word);
  });
}

bool is_dmarc(std::string_view record) {
  const auto policy = tag(record, "p");
  return policy && (*policy == "none" || *policy == "quarantine" || *policy == "reject");
}

// Exactly one record of the kind, and that one right.
template <class IsRight>
store::DomainCheck check_only(const DnsRecordToPublish& record, const std::vector<std::string>& found, IsRight is_right) {
  store::DomainCheck check{.name = record.purpose, .is_found = false, .finding = {}};
  if (found.empty()) {
    check.finding = "there is no such record";
  } else if (found.size() > 1) {
    check.finding = "there is more than one: only one is allowed";
  } else if (!is_right(found.front())) {
    check.finding = "found instead: " + escape_for_log(found.front(), kMaxFindingOctets);
  } else {
    check.is_found = true;
  }
  return check;
}

store::DomainCheck check_ownership(const DnsRecordToPublish& record, const std::vector<std::string>& texts) {
  store::DomainCheck check{.name = record.purpose, .is_found = false, .finding = "there is no such record"};
  check.is_found = std::ranges::find(texts, record.value) != texts.end();
  if (check.is_found) {
    check.finding.clear();
  } else if (!texts.empty()) {
    check.finding = "found instead: " + escape_for_log(texts.front(), kMaxFindingOctets);
  }
  return check;
}

bool is_required_purpose(std::string_view purpose) { return purpose == kOwnershipPurpose || purpose == kDkimRsaPurpose; }

bool is_unanswered(const store::DomainCheck& check) { return check.finding.starts_with(kNoAnswer); }

}  // namespace

std::string dkim_purpose(const store::DkimKey& key) {
  std::string purpose(key.algorithm == "rsa-sha256" ? kDkimRsaPurpose : kDkimEd25519Purpose);
  if (key.state == store::DkimKeyState::Waits) purpose += kNextKey;
  if (key.state == store::DkimKeyState::Retired) purpose += kOldKey;
  return purpose;
}

std::vector<DnsRecordToPublish> records_to_publish(const store::DomainRecord& domain, const std::vector<std::string>& spf) {
  std::vector<DnsRecordToPublish> records;
  records.push_back({.purpose = std::string(kOwnershipPurpose),
                     .type = "TXT",
                     .name = joined("_postern", domain.name),
                     .value = "postern-verification=" + domain.ownership_token});
  for (const store::DkimKey& key : domain.dkim_keys) records.push_back(dkim_record(key, domain.name));
  if (!spf.empty()) {
    std::string value = "v=spf1";
    for (const std::string& mechanism : spf) value += " " + mechanism;
    records.push_back({.purpose = "spf", .type = "TXT", .name = domain.name, .value = value + " ~all"});
  }
  records.push_back({.purpose = "dmarc", .type = "TXT", .name = joined("_dmarc", domain.name), .value = "v=DMARC1; p=none"});
  for (DnsRecordToPublish& record : records) record.is_required = is_required_purpose(record.purpose);
  return records;
}

store::DomainCheck check_record(const DnsRecordToPublish& record, const std::vector<std::string>& texts) {
  if (record.purpose == kOwnershipPurpose) return check_ownership(record, texts);
  if (record.purpose == "spf") {
    return check_only(record, versioned(texts, "v=spf1", " "),
                      [&](const std::string& found) { return has_mechanisms(found, record.value); });
  }
  if (record.purpose == "dmarc") return check_only(record, versioned(texts, "v=DMARC1", "; \t"), is_dmarc);
  return check_only(record, texts, [&](const std::string& found) { return has_same_key(found, record.value); });
}

store::DomainCheck unanswered_check(const DnsRecordToPublish& record, bool was_found, std::string_view why) {
  return {.name = record.purpose, .is_found = was_found, .finding = std::string(kNoAnswer) + std::string(why)};
}

std::string_view domain_status(const store::DomainRecord& domain) {
  switch (domain.state) {
    case store::DomainState::Pending: return domain.checked_at ? "pending" : "not_started";
    case store::DomainState::Failed: return "failed";
    case store::DomainState::Verified: break;
  }
  const bool is_doubtful = std::ranges::any_of(domain.checks, [](const store::DomainCheck& check) {
    return is_required_purpose(check.name) && is_unanswered(check);
  });
  return is_doubtful ? "temporary_failure" : "verified";
}

std::string_view record_status(const store::DomainRecord& domain, const DnsRecordToPublish& record) {
  const auto check = std::ranges::find(domain.checks, record.purpose, &store::DomainCheck::name);
  if (check == domain.checks.end()) return "not_started";
  if (is_unanswered(*check)) return "temporary_failure";
  if (check->is_found) return "verified";
  return domain.state == store::DomainState::Failed ? "failed" : "pending";
}

std::string zone_line(const DnsRecordToPublish& record) {
  std::string line = record.name + ". " + std::string(kTimeToLive) + " IN " + record.type;
  if (record.type != "TXT") return line + " " + record.value + ".";
  for (std::string_view rest = record.value; !rest.empty(); rest.remove_prefix(std::min(rest.size(), kMaxStringOctets))) {
    line += " \"" + std::string(rest.substr(0, kMaxStringOctets)) + "\"";
  }
  return line;
}

}  // namespace postern::domains
