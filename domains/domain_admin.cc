// Nothing is looked up inside a write transaction: the DNS may take seconds, and every writer would wait.
#include "domains/domain_admin.h"

#include "core/bytes.h"
#include "core/idna.h"
#include "core/mailbox.h"
#include "core/secret.h"
#include "domains/dkim_keys.h"
#include "domains/domain_records.h"
#include "domains/inbound_routes.h"

#include <algorithm>
#include <array>
#include <utility>

namespace postern::domains {
namespace {

constexpr std::size_t kMaxDomainOctets = 220;  // 253 (RFC 1035 §3.1) less the longest prefix, "prxxxxxx._domainkey."
// A DNS that does not answer costs its timeout each time: after so many the rest is not asked.
constexpr std::size_t kMaxUnanswered = 2;
// Accounts at a time: each keeps a worker for seconds if its DNS is slow, and the others are for everybody.
constexpr std::size_t kMaxLooking = 2;

Error no_such_domain() { return Error(ErrorCode::NotFound, "there is no such domain"); }

Result<std::string> normalised_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  const bool is_domain = is_valid_domain(name, true) && !is_valid_address_literal(name);
  const auto ascii = is_domain ? domain_to_ascii(name) : std::nullopt;
  // Names with an underscore hold records, not mailboxes.
  const bool is_host = ascii && is_valid_domain(*ascii, false) && ascii->find('_') == std::string::npos;
  if (!is_host || ascii->find('.') == std::string::npos || ascii->size() > kMaxDomainOctets) {
    return Error(ErrorCode::InvalidArgument, "not a domain: " + escape_for_log(name) + "; write a name such as example.org");
  }
  return to_ascii_lower(*ascii);
}

std::string make_token(Random& random) {
  std::array<std::uint8_t, 20> octets{};
  random.fill(octets);
  return format_base32hex(octets);
}

bool was_found(const store::DomainRecord& domain, std::string_view purpose) {
  return std::ranges::any_of(domain.checks, [&](const auto& check) { return check.name == purpose && check.is_found; });
}

// A selector is labels below _domainkey (RFC 6376 §3.1).
bool is_selector(std::string_view text, std::string_view domain) {
  constexpr std::string_view kBetween = "._domainkey.";
  constexpr std::size_t kMaxNameOctets = 253;
  return text.find('_') == std::string_view::npos && is_valid_domain(text, false) && !is_valid_address_literal(text) &&
         text.size() + kBetween.size() + domain.size() <= kMaxNameOctets;
}

bool has_waiting_key(const store::DomainRecord& domain, const std::string& algorithm) {
  return std::ranges::any_of(domain.dkim_keys, [&](const store::DkimKey& key) {
    return key.state == store::DkimKeyState::Waits && key.algorithm == algorithm;
  });
}

// What is no longer needed goes.
void drop_ended_keys(store::DomainRecord& domain, Instant now) {
  std::erase_if(domain.dkim_keys, [&](store::DkimKey& key) {
    return key.state == store::DkimKeyState::Retired && key.until && *key.until <= now;
  });
}

// `key` waits. It signs from now on, and the one before retires.
void promote(store::DomainRecord& domain, store::DkimKey& key, Instant now) {
  for (store::DkimKey& old : domain.dkim_keys) {
    if (old.state != store::DkimKeyState::Signs || old.algorithm != key.algorithm) continue;
    old.state = store::DkimKeyState::Retired;
    old.until = now + kKeyOverlap;
    wipe_string(old.private_key);
  }
  const std::string waited_as = dkim_purpose(key);
  key.state = store::DkimKeyState::Signs;
  const std::string signs_as = dkim_purpose(key);
  const std::string was_as = signs_as + std::string(kOldKey);
  std::erase_if(domain.checks, [&](const store::DomainCheck& check) { return check.name == was_as; });
  for (store::DomainCheck& check : domain.checks) {
    if (check.name == signs_as) {
      check.name = was_as;
    } else if (check.name == waited_as) {
      check.name = signs_as;
    }
  }
}

// What the look at all records came to.
struct Survey {
  std::vector<store::DomainCheck> checks;
  bool is_complete = true;  // every required record was found
  bool is_denied = false;   // the DNS says of a required record that it is not there
};

std::vector<std::string> texts_of(const dns::Answer<dns::Txt>& answer) {
  std::vector<std::string> texts;
  for (const dns::Txt& record : answer.records) texts.push_back(record.text);
  return texts;
}

Survey survey(dns::Resolver& resolver, const store::DomainRecord& domain, const std::vector<DnsRecordToPublish>& records) {
  Survey survey;
  std::size_t unanswered = 0;
  for (const DnsRecordToPublish& record : records) {
    dns::Answer<dns::Txt> answer;
    answer.why = "not asked any more";
    if (unanswered < kMaxUnanswered) answer = dns::look_up_and_wait<dns::Txt>(resolver, record.name);
    if (!is_answer(answer.finding)) {
      ++unanswered;
      survey.checks.push_back(unanswered_check(record, was_found(domain, record.purpose), answer.why));
      if (record.is_required) survey.is_complete = false;
      continue;
    }
    survey.checks.push_back(check_record(record, texts_of(answer)));
    if (!record.is_required || survey.checks.back().is_found) continue;
    survey.is_complete = false;
    survey.is_denied = true;
  }
  return survey;
}

void apply(store::DomainRecord& domain, const Survey& survey, Instant now) {
  domain.checks = survey.checks;
  domain.checked_at = now;
  if (survey.is_complete) {
    if (domain.state != store::DomainState::Verified) domain.verified_at = now;
    domain.state = store::DomainState::Verified;
  } else if (survey.is_denied && domain.state == store::DomainState::Verified) {
    domain.state = store::DomainState::Failed;
  }
  for (store::DkimKey& key : domain.dkim_keys) {
    if (key.state == store::DkimKeyState::Waits && was_found(domain, dkim_purpose(key))) promote(domain, key, now);
  }
  drop_ended_keys(domain, now);
}

}  // namespace

Result<store::DomainRecord> DomainAdmin::create(const AccountId& account, std::string_view name) {
  const auto normalised = normalised_name(name);
  if (!normalised) return normalised.error();
  const auto existing = directory_.find_domain_named(account, *normalised);
  if (!existing) return existing.error();
  if (*existing) return Error(ErrorCode::AlreadyExists, "the account has the domain " + *normalised + " already");
  if (Result<void> free = refuse_if_verified_elsewhere(account, *normalised); !free) return free.error();
  store::DomainRecord domain;
  domain.id = make_domain_id(random_);
  domain.account = account;
  domain.name = *normalised;
  domain.ownership_token = make_token(random_);
  domain.created = clock_.now();
  auto rsa = make_rsa_key(random_);
  if (!rsa) return rsa.error();
  auto ed25519 = make_ed25519_key(random_);
  if (!ed25519) return ed25519.error();
  domain.dkim_keys = {std::move(*rsa), std::move(*ed25519)};
  if (Result<void> sealed = settings_.seal ? settings_.seal(domain) : Result<void>(); !sealed) return sealed.error();
  const auto written = directory_.write([&](store::DirectoryWriter& writer) { return writer.put_domain(domain); });
  wipe_private_keys(domain);
  if (!written) return written.error();
  return domain;
}

Result<store::DomainRecord> DomainAdmin::change(const DomainId& id,
                                                const std::function<Result<void>(store::DomainRecord&)>& change) {
  store::DomainRecord changed;
  const auto written = directory_.write([&](store::DirectoryWriter& writer) -> Result<void> {
    auto found = writer.find_domain(id);
    if (!found) return found.error();
    if (!*found) return no_such_domain();
    changed = std::move(**found);
    if (Result<void> applied = change(changed); !applied) return applied;
    return writer.put_domain(changed);
  });
  wipe_private_keys(changed);
  if (!written) return written.error();
  return changed;
}

Result<store::DomainRecord> DomainAdmin::set_receiving(const DomainId& id, bool is_receiving) {
  return change(id, [is_receiving](store::DomainRecord& domain) -> Result<void> {
    domain.is_receiving = is_receiving;
    return {};
  });
}

Result<store::DomainRecord> DomainAdmin::set_inbound_policy(const DomainId& id, store::InboundPolicy policy) {
  return change(id, [policy](store::DomainRecord& domain) -> Result<void> {
    domain.inbound_policy = policy;
    return {};
  });
}

Result<store::InboundRoute> DomainAdmin::add_route(const DomainId& id, std::string_view match, store::RouteAction action,
                                                   std::string_view destination) {
  store::InboundRoute route{.id = "rte_" + make_token(random_).substr(0, 16), .match = normalised_match(match), .action = action};
  if ((action == store::RouteAction::Forward) == destination.empty()) {
    return Error(ErrorCode::InvalidArgument, "to forward, and only to forward, a route needs a destination");
  }
  if (!destination.empty()) {
    const auto mailbox = parse_mailbox(destination);
    if (!mailbox) return Error(ErrorCode::InvalidArgument, "the destination is not an e-mail address: write local@domain");
    route.destination = format_mailbox(*mailbox);
  }
  if (route.match.empty()) {
    return Error(ErrorCode::InvalidArgument,
                 "not a local part with at most one star: " + escape_for_log(match) + "; write sales, ticket+* or *");
  }
  const auto changed = change(id, [&route](store::DomainRecord& domain) -> Result<void> {
    if (domain.routes.size() >= store::kMaxRoutesOfDomain) {
      return Error(ErrorCode::LimitExceeded, "the domain has " + std::to_string(store::kMaxRoutesOfDomain) + " routes already");
    }
    domain.routes.push_back(route);
    return {};
  });
  if (!changed) return changed.error();
  return route;
}

Result<void> DomainAdmin::remove_route(const DomainId& id, std::string_view route) {
  const auto changed = change(id, [route](store::DomainRecord& domain) -> Result<void> {
    if (std::erase_if(domain.routes, [route](const store::InboundRoute& one) { return one.id == route; }) > 0) return {};
    return Error(ErrorCode::NotFound, "the domain has no such route");
  });
  return changed ? Result<void>() : Result<void>(changed.error());
}

Result<store::DomainRecord> DomainAdmin::rotate_keys(const DomainId& id) {
  auto found = directory_.find_domain(id);
  if (!found) return found.error();
  if (!*found) return no_such_domain();
  wipe_private_keys(**found);
  auto rsa = make_rsa_key(random_);
  if (!rsa) return rsa.error();
  auto ed25519 = make_ed25519_key(random_);
  if (!ed25519) return ed25519.error();
  return add_keys(**found, {std::move(*rsa), std::move(*ed25519)});
}

Result<store::DomainRecord> DomainAdmin::import_key(const DomainId& id, std::string_view selector, std::string_view pem) {
  auto found = directory_.find_domain(id);
  if (!found) return found.error();
  if (!*found) return no_such_domain();
  wipe_private_keys(**found);
  if (!is_selector(selector, (*found)->name)) {
    return Error(ErrorCode::InvalidArgument, "not a selector: " + escape_for_log(selector) +
                                                 "; write s2026 as in s2026._domainkey." + (*found)->name);
  }
  auto key = read_private_key(to_ascii_lower(selector), pem);
  if (!key) return key.error();
  return add_keys(**found, {std::move(*key)});
}

// Sealed before the transaction: no file is read inside one.
Result<store::DomainRecord> DomainAdmin::add_keys(const store::DomainRecord& domain, std::vector<store::DkimKey> keys) {
  store::DomainRecord carrier;
  carrier.name = domain.name;
  carrier.dkim_keys = std::move(keys);
  if (Result<void> sealed = settings_.seal ? settings_.seal(carrier) : Result<void>(); !sealed) return sealed.error();
  auto changed = change(domain.id, [&](store::DomainRecord& current) -> Result<void> {
    drop_ended_keys(current, clock_.now());
    for (const store::DkimKey& key : carrier.dkim_keys) {
      if (std::ranges::find(current.dkim_keys, key.selector, &store::DkimKey::selector) != current.dkim_keys.end()) {
        return Error(ErrorCode::AlreadyExists, "the domain has a key with the selector " + key.selector + " already");
      }
      if (has_waiting_key(current, key.algorithm)) {
        return Error(ErrorCode::Conflict, "a key of its kind waits already: publish its record and verify the domain, or drop it");
      }
      const bool is_used = current.verified_at.has_value();
      if (!is_used) std::erase_if(current.dkim_keys, [&](const auto& old) { return old.algorithm == key.algorithm; });
      if (current.dkim_keys.size() >= store::kMaxDkimKeys) {
        return Error(ErrorCode::LimitExceeded, "the domain has " + std::to_string(store::kMaxDkimKeys) +
                                                   " keys: drop those that are retired, or wait until their days are over");
      }
      current.dkim_keys.push_back(key);
      if (is_used) current.dkim_keys.back().state = store::DkimKeyState::Waits;
    }
    return {};
  });
  wipe_private_keys(carrier);
  return changed;
}

Result<store::DomainRecord> DomainAdmin::drop_key(const DomainId& id, std::string_view selector) {
  return change(id, [&](store::DomainRecord& domain) -> Result<void> {
    const auto key = std::ranges::find(domain.dkim_keys, selector, &store::DkimKey::selector);
    if (key == domain.dkim_keys.end()) {
      return Error(ErrorCode::NotFound, "there is no key " + escape_for_log(selector) + " of the domain");
    }
    if (key->state == store::DkimKeyState::Signs) {
      return Error(ErrorCode::Conflict, "the key signs: make or import its successor first");
    }
    wipe_string(key->private_key);
    domain.dkim_keys.erase(key);
    return {};
  });
}

Result<std::vector<store::DomainRecord>> DomainAdmin::list(const AccountId& account) const {
  auto domains = directory_.list_domains(account);
  if (!domains) return domains.error();
  std::ranges::for_each(*domains, wipe_private_keys);
  return domains;
}

Result<store::DomainRecord> DomainAdmin::find(const AccountId& account, const DomainId& id) const {
  auto found = directory_.find_domain(id);
  if (!found) return found.error();
  if (!*found || (*found)->account != account) return no_such_domain();
  wipe_private_keys(**found);
  return std::move(**found);
}

Result<void> DomainAdmin::refuse_if_verified_elsewhere(const AccountId& account, const std::string& name) const {
  auto owner = directory_.find_domain_named(store::kVerifiedOwner, name);
  if (!owner) return owner.error();
  if (!*owner) return {};
  wipe_private_keys(**owner);
  if ((*owner)->account == account) return {};
  return Error(ErrorCode::Conflict, "another account has verified " + name + ": what is sent from it is signed there only");
}

std::vector<DnsRecordToPublish> DomainAdmin::records(const store::DomainRecord& domain) const {
  const std::lock_guard lock(mutex_);
  return records_to_publish(domain, settings_.spf);
}

void DomainAdmin::set_spf(std::vector<std::string> spf) {
  const std::lock_guard lock(mutex_);
  settings_.spf = std::move(spf);
}

Result<store::DomainRecord> DomainAdmin::verify(const DomainId& id) {
  auto found = directory_.find_domain(id);
  if (!found) return found.error();
  if (!*found) return no_such_domain();
  wipe_private_keys(**found);
  const AccountId account = (*found)->account;
  {
    const std::lock_guard lock(mutex_);
    if (looking_.size() >= kMaxLooking && !looking_.contains(account)) {
      return Error(ErrorCode::ResolveFailed, "domains of other accounts are being looked up; try again in some seconds");
    }
    if (!looking_.insert(account).second) {
      return Error(ErrorCode::Conflict, "a domain of this account is being looked up; try again when that is done");
    }
  }
  auto outcome = look_and_store(**found);
  const std::lock_guard lock(mutex_);
  looking_.erase(account);
  return outcome;
}

Result<store::DomainRecord> DomainAdmin::look_and_store(const store::DomainRecord& before) {
  const Survey seen = survey(resolver_, before, records(before));
  store::DomainRecord domain;
  // As it is now: it may have been removed, or looked at by another, meanwhile. Writers are one at a time, so nobody else can
  // verify the same name between the look at the other accounts and the commit.
  const auto written = directory_.write([&](store::DirectoryWriter& writer) -> Result<void> {
    auto current = writer.find_domain(before.id);
    if (!current) return current.error();
    if (!*current) return no_such_domain();
    domain = std::move(**current);
    const bool was_verified = domain.state == store::DomainState::Verified;
    apply(domain, seen, clock_.now());
    if (!was_verified && domain.state == store::DomainState::Verified) {
      if (Result<void> free = refuse_if_verified_elsewhere(domain.account, domain.name); !free) return free;
    }
    return writer.put_domain(domain);
  });
  wipe_private_keys(domain);
  if (!written) return written.error();
  return domain;
}

Result<void> DomainAdmin::remove(const DomainId& id) {
  return directory_.write([&](store::DirectoryWriter& writer) -> Result<void> {
    const auto current = writer.find_domain(id);
    if (!current) return current.error();
    if (!*current) return no_such_domain();
    return writer.remove_domain(id);
  });
}

}  // namespace postern::domains
