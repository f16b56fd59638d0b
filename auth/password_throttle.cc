#include "auth/password_throttle.h"

#include "core/bytes.h"
#include "core/mailbox.h"

#include <optional>

namespace postern::auth {
namespace {

// Whoever writes an address in another way tries the same person.
std::optional<Sha256Digest> person_of(std::string_view email) {
  if (email.empty()) return std::nullopt;
  const auto mailbox = parse_mailbox(email);
  Sha256 hash;
  hash.update(to_ascii_lower(mailbox ? normalised_mailbox(*mailbox) : std::string(email)));
  return hash.finish();
}

}  // namespace

PasswordThrottle::PasswordThrottle(ThrottleLimits limits)
    : limits_(limits), by_address_(limits.window, limits.max_addresses), by_person_(limits.window, limits.max_addresses) {}

ThrottleDecision PasswordThrottle::begin(const IpAddress& client, std::string_view email, Instant now) {
  const IpAddress group = limit_group(client);
  const auto person = person_of(email);
  const std::lock_guard lock(mutex_);
  const auto* const known = by_address_.find(group, now);
  const ThrottleDecision decision =
      known == nullptr ? ThrottleDecision{} : judge_failures(limits_, known->failures, known->window_ends - now);
  if (decision.is_blocked) return decision;
  if (person) {
    auto& tried = by_person_.find_or_insert(*person, now);
    const bool is_home = homes_.find(Home(*person, group)) != nullptr;
    if (tried.failures >= kMaxFailuresOfPerson && !is_home) return {true, Duration(0), tried.window_ends - now};
    ++tried.failures;
  }
  ++by_address_.find_or_insert(group, now).failures;
  return decision;
}

void PasswordThrottle::take_back(const IpAddress& group, const Person* person, Instant now) {
  if (auto* entry = by_address_.find(group, now); entry != nullptr && entry->failures > 0) --entry->failures;
  if (person == nullptr) return;
  if (auto* entry = by_person_.find(*person, now); entry != nullptr && entry->failures > 0) --entry->failures;
}

void PasswordThrottle::withdraw(const IpAddress& client, std::string_view email, Instant now) {
  const auto person = person_of(email);
  const std::lock_guard lock(mutex_);
  take_back(limit_group(client), person ? &*person : nullptr, now);
}

void PasswordThrottle::succeeded(const IpAddress& client, std::string_view email, Instant now) {
  const IpAddress group = limit_group(client);
  const auto person = person_of(email);
  const std::lock_guard lock(mutex_);
  take_back(group, person ? &*person : nullptr, now);
  if (!person) return;
  homes_.touch(Home(*person, group));
  homes_.shrink_to(limits_.max_addresses);
}

}  // namespace postern::auth
