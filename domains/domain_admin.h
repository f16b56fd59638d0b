// An account's sending domains: added, shown with the records to publish, verified against the DNS. The one code path of the
// command line and HTTP.
#pragma once

#include "core/clock.h"
#include "core/random.h"
#include "core/result.h"
#include "dns/resolver.h"
#include "store/directory.h"

#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace postern::domains {

struct DnsRecordToPublish {
  std::string purpose;  // "ownership", "dkim-rsa", "dkim-ed25519", "dkim-rsa-next", "spf", "dmarc": DomainCheck::name
  std::string type;     // "TXT"
  std::string name;     // absolute, without the last dot
  std::string value;
  bool is_required = false;  // verified only if it is found
  std::string note = {};     // for people: what it is for, where that is not plain
};

struct DomainSettings {
  std::vector<std::string> spf;  // mechanisms that let in who delivers, "a:mail.example.org", "include:…"; empty: not known
  // Seals the private keys of a new domain before they are stored (domains/key_seal). Null: they are stored as they are.
  std::function<Result<void>(store::DomainRecord&)> seal;
};

// How long the record of a retired key is needed: mail that it signed waits in queues for five days at most (docs/delivery.md), and
// is looked at once more when it is read.
inline constexpr Duration kKeyOverlap = std::chrono::days(7);

// Every function that returns a Result blocks: on syncs, key generation and the DNS. Records that it hands out are without the
// private halves of their keys. Errors carry words for people. Any thread.
class DomainAdmin {
 public:
  // All must outlive this.
  DomainAdmin(store::Directory& directory, dns::Resolver& resolver, const Clock& clock, Random& random, DomainSettings settings)
      : directory_(directory), resolver_(resolver), clock_(clock), random_(random), settings_(std::move(settings)) {}

  // Makes an RSA 2048 and an Ed25519 key. `name` may be IDN in UTF-8. AlreadyExists, InvalidArgument (no domain name), Conflict
  // (another account has verified it), LimitExceeded (store::kMaxDomainsPerAccount).
  Result<store::DomainRecord> create(const AccountId& account, std::string_view name);
  Result<std::vector<store::DomainRecord>> list(const AccountId& account) const;
  // NotFound, also where the domain is another account's.
  Result<store::DomainRecord> find(const AccountId& account, const DomainId& id) const;
  std::vector<DnsRecordToPublish> records(const store::DomainRecord& domain) const;
  // DomainSettings::spf from now on.
  void set_spf(std::vector<std::string> spf);
  // Looks all records up and stores what it found. Verified: every required record is there. A domain that was verified stays
  // so when the DNS does not answer, and fails only on an answer that says otherwise. NotFound. Conflict: another account has
  // verified the name, or a verification of the same account is under way: a DNS that its owner made slow holds up one worker,
  // not all. Nothing is stored then.
  Result<store::DomainRecord> verify(const DomainId& id);
  // Mail for it is taken in once it is verified, or no more. NotFound.
  Result<store::DomainRecord> set_receiving(const DomainId& id, bool is_receiving);
  // What becomes of mail for it that fails its checks. NotFound.
  Result<store::DomainRecord> set_inbound_policy(const DomainId& id, store::InboundPolicy policy);
  // `destination`: of Forward an address, of others nothing. InvalidArgument: it is not so, or `match` is none
  // (domains/inbound_routes); LimitExceeded: kMaxRoutesOfDomain; NotFound. Returns the route.
  Result<store::InboundRoute> add_route(const DomainId& id, std::string_view match, store::RouteAction action,
                                        std::string_view destination = {});
  Result<void> remove_route(const DomainId& id, std::string_view route);
  // Makes successors of its keys. They wait until verify() finds their records, each then signs in the place of the one before,
  // whose record is needed for kKeyOverlap more. Of a domain that was never verified they take the places at once. NotFound.
  // Conflict: successors wait already. LimitExceeded: store::kMaxDkimKeys.
  Result<store::DomainRecord> rotate_keys(const DomainId& id);
  // The same with a key that is there already: PEM, RSA of 1,024 to 4,096 bits or Ed25519, not encrypted. InvalidArgument: it is
  // none, or `selector` is none. AlreadyExists: the domain has the selector.
  Result<store::DomainRecord> import_key(const DomainId& id, std::string_view selector, std::string_view pem);
  // A key that does not sign, with its record. NotFound, also of the key; Conflict: it signs.
  Result<store::DomainRecord> drop_key(const DomainId& id, std::string_view selector);
  Result<void> remove(const DomainId& id);  // its keys too: mail goes out unsigned from then on

 private:
  Result<store::DomainRecord> add_keys(const store::DomainRecord& domain, std::vector<store::DkimKey> keys);
  Result<store::DomainRecord> look_and_store(const store::DomainRecord& before);
  Result<store::DomainRecord> change(const DomainId& id, const std::function<Result<void>(store::DomainRecord&)>& change);
  // Conflict.
  Result<void> refuse_if_verified_elsewhere(const AccountId& account, const std::string& name) const;

  store::Directory& directory_;
  dns::Resolver& resolver_;
  const Clock& clock_;
  Random& random_;
  DomainSettings settings_;  // its spf is guarded by mutex_
  mutable std::mutex mutex_;
  std::set<AccountId> looking_;  // guarded by mutex_: accounts with a verification under way, at most one a thread
};

}  // namespace postern::domains
