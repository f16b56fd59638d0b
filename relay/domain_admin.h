// An account's sending domains: added, shown with the records to publish, verified against the DNS. The one code path of the
// command line and HTTP.
#pragma once

#include "core/clock.h"
#include "core/random.h"
#include "core/result.h"
#include "relay/resolver.h"
#include "store/directory.h"

#include <string>
#include <string_view>
#include <vector>

namespace postern::relay {

struct DnsRecordToPublish {
  std::string purpose;  // "ownership", "dkim-rsa", "dkim-ed25519", "spf", "dmarc", "return-path": DomainCheck::name
  std::string type;     // "TXT", "CNAME", "MX"
  std::string name;     // absolute, without the last dot
  std::string value;
  bool is_required = false;  // verified only if it is found
};

struct DomainSettings {
  std::string hostname;  // of this relay: what SPF includes and the return-path leads to
};

// Every function blocks: on syncs, key generation and the DNS. Errors carry words for people.
class DomainAdmin {
 public:
  // All must outlive this.
  DomainAdmin(store::Directory& directory, Resolver& resolver, const Clock& clock, Random& random, DomainSettings settings)
      : directory_(directory), resolver_(resolver), clock_(clock), random_(random), settings_(std::move(settings)) {}

  // Makes an RSA 2048 and an Ed25519 key. AlreadyExists, InvalidArgument (no host name), LimitExceeded.
  Result<store::DomainRecord> create(const AccountId& account, std::string_view name);
  std::vector<DnsRecordToPublish> records(const store::DomainRecord& domain) const;
  // Looks all records up and stores what it found. Verified: every required record is there. A domain that was verified stays
  // so when the DNS does not answer, and fails only on an answer that says otherwise.
  Result<store::DomainRecord> verify(const DomainId& id);
  Result<void> remove(const DomainId& id);

 private:
  store::Directory& directory_;
  Resolver& resolver_;
  const Clock& clock_;
  Random& random_;
  DomainSettings settings_;
};

}  // namespace postern::relay
