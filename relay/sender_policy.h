// May this principal send as that sender? Pure.
#pragma once

#include "auth/principal.h"
#include "core/mailbox.h"
#include "core/verdict.h"

#include <optional>
#include <string>
#include <vector>

namespace postern::relay {

// MAIL: the account is active, the reverse-path's domain is among the principal's (exactly; a subdomain is another domain).
// The null reverse-path passes: the From field is still judged.
Verdict judge_reverse_path(const auth::Principal& principal, const std::optional<Mailbox>& reverse_path);

// End of the header section: every From domain is among the principal's. `from_domains` nullopt: From is missing or malformed,
// which passes only where any domain may be used.
bool may_use_from(const auth::Principal& principal, const std::optional<std::vector<std::string>>& from_domains);

}  // namespace postern::relay
