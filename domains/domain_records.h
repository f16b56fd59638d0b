// Which DNS records a sending domain is asked to publish, and whether an answer of the DNS holds one. Pure: no look-up here.
#pragma once

#include "domains/domain_admin.h"
#include "store/records.h"

#include <string>
#include <string_view>
#include <vector>

namespace postern::domains {

inline constexpr std::string_view kOwnershipPurpose = "ownership";
inline constexpr std::string_view kDkimRsaPurpose = "dkim-rsa";
inline constexpr std::string_view kDkimEd25519Purpose = "dkim-ed25519";
// Behind these two, for the record of a key that waits, and of one that is retired.
inline constexpr std::string_view kNextKey = "-next";
inline constexpr std::string_view kOldKey = "-old";

std::string dkim_purpose(const store::DkimKey& key);

// In the order in which they are looked up. Required are the ownership record, since only who writes the zone can publish the
// account's token, and the RSA key: RFC 8301 §3.1 has every verifier know rsa-sha256, many know no Ed25519 (RFC 8463). SPF and
// DMARC are advice: without them signed mail still authenticates. `spf`: see DomainSettings; empty: no SPF record is advised, for
// nobody here knows what would be true.
std::vector<DnsRecordToPublish> records_to_publish(const store::DomainRecord& domain, const std::vector<std::string>& spf);

// What the texts of a DNS answer say of `record`:
//   ownership    one of the TXT records is the value
//   dkim-*       the only TXT record there has the same key (RFC 6376 §3.6.1, §3.6.2.2)
//   spf          the only v=spf1 record has every mechanism of the value; for "a:" an "include:" of the same name will do (RFC 7208
//                §4.5, §5)
//   dmarc        the only v=DMARC1 record is valid, whatever its policy (RFC 7489 §6.3, §6.6.3)
store::DomainCheck check_record(const DnsRecordToPublish& record, const std::vector<std::string>& texts);

// For a record of which the DNS said nothing: what was known of it stays known.
store::DomainCheck unanswered_check(const DnsRecordToPublish& record, bool was_found, std::string_view why);

// not_started (never looked up), pending (looked up, incomplete), verified, temporary_failure (verified, but the DNS said nothing
// of a required record at the last look), failed (was verified, and a required record has gone).
std::string_view domain_status(const store::DomainRecord& domain);
// The same words for one record; temporary_failure: no answer at the last look.
std::string_view record_status(const store::DomainRecord& domain, const DnsRecordToPublish& record);

// As a line of a zone file (RFC 1035 §5.1), without a line end: TXT in strings of at most 255 octets, quoted.
std::string zone_line(const DnsRecordToPublish& record);

}  // namespace postern::domains
