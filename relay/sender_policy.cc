#include "relay/sender_policy.h"

#include "auth/permission.h"
#include "core/refusals.h"

#include <algorithm>

namespace postern::relay {

Verdict judge_reverse_path(const auth::Principal& principal, const std::optional<Mailbox>& reverse_path) {
  if (principal.account_state == store::AccountState::Suspended) {
    return Verdict::refuse(refusal_status(Refusal::AccountSuspended));
  }
  if (reverse_path && !auth::is_domain_allowed(principal.from_domains, normalised_domain(reverse_path->domain))) {
    return Verdict::refuse(refusal_status(Refusal::SenderNotAllowed));
  }
  return Verdict::accept();
}

bool may_use_from(const auth::Principal& principal, const std::optional<std::vector<std::string>>& from_domains) {
  if (principal.from_domains.empty()) return true;
  if (!from_domains) return false;
  return std::all_of(from_domains->begin(), from_domains->end(),
                     [&](const std::string& domain) { return auth::is_domain_allowed(principal.from_domains, domain); });
}

}  // namespace postern::relay
