// Any answer of the DNS, a value a line, for every record that a domain is asked to publish: what is found says so of values that
// are there, and what is told about it is one short line. The first octet is passed over.
#include "domains/dkim_keys.h"
#include "domains/domain_records.h"
#include "tests/fuzz/fuzz.h"

#include <algorithm>
#include <string>

namespace postern::fuzz {
namespace {

constexpr std::size_t kMaxFindingOctets = 1'000;

store::DomainRecord make_domain() {
  store::DomainRecord domain;
  domain.name = "example.org";
  domain.ownership_token = "postern-verification=abc";
  domain.dkim_keys.push_back({"pr1", "rsa-sha256", "", "v=DKIM1; k=rsa; p=AAAA"});
  domain.dkim_keys.push_back({"pe1", "ed25519-sha256", "", "v=DKIM1; k=ed25519; p=BBBB"});
  return domain;
}

}  // namespace

POSTERN_FUZZ(dns_record) {
  static const store::DomainRecord domain = make_domain();
  static const auto records = domains::records_to_publish(domain, {"a:mail.example"});
  take_octet(input);
  std::vector<std::string> texts;
  while (!input.empty()) texts.emplace_back(take_line(input));
  for (const domains::DnsRecordToPublish& record : records) {
    const store::DomainCheck check = domains::check_record(record, texts);
    POSTERN_CHECK(check.name == record.purpose && check.finding.size() <= kMaxFindingOctets);
    POSTERN_CHECK(!check.is_found || !texts.empty());
    const bool is_there = std::ranges::find(texts, record.value) != texts.end();
    if (record.purpose == domains::kOwnershipPurpose) POSTERN_CHECK(check.is_found == is_there);
  }
  domains::DnsRecordToPublish shown = records.front();
  shown.value = std::string(texts.empty() ? "" : texts.front());
  POSTERN_CHECK(domains::zone_line(shown).find('\n') == std::string::npos);
}

}  // namespace postern::fuzz
