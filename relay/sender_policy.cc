#include "relay/sender_policy.h"

#include "core/refusals.h"

#include <algorithm>

namespace postern::relay {
namespace {

bool is_own_domain(const auth::Principal& principal, const std::string& domain) {
  const auto& own = principal.from_domains;
  return own.empty() || std::find(own.begin(), own.end(), domain) != own.end();
}

}  // namespace

Verdict judge_reverse_path(const auth::Principal& principal, const std::optional<Mailbox>& reverse_path) {
  if (principal.account_state == store::AccountState::Suspended) {
    return Verdict::refuse(refusal_status(Refusal::AccountSuspended));
  }
  if (reverse_path && !is_own_domain(principal, normalised_domain(reverse_path->domain))) {
    return Verdict::refuse(refusal_status(Refusal::SenderNotAllowed));
  }
  return Verdict::accept();
}

bool may_use_from(const auth::Principal& principal, const std::optional<std::vector<std::string>>& from_domains) {
  if (principal.from_domains.empty()) return true;
  if (!from_domains) return false;
  return std::all_of(from_domains->begin(), from_domains->end(),
                     [&](const std::string& domain) { return is_own_domain(principal, domain); });
}

}  // namespace postern::relay
