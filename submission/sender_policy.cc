#include "submission/sender_policy.h"

#include "auth/permission.h"
#include "core/bytes.h"

#include <algorithm>

namespace postern::submission {
namespace {

constexpr std::size_t kNamedDomains = 3;      // of a long list a refusal names so many
constexpr std::size_t kMaxNamedOctets = 100;  // of a domain in a reply

std::string allowed_text(const std::vector<std::string>& domains) {
  std::string text = ", and this API key sends as ";
  for (std::size_t i = 0; i < std::min(domains.size(), kNamedDomains); ++i) text.append(i > 0 ? ", " : "").append(domains[i]);
  if (domains.size() > kNamedDomains) text += " and " + std::to_string(domains.size() - kNamedDomains) + " more";
  return text + " only";
}

std::string_view fault_text(mime::FromFault fault) {
  using mime::FromFault;
  switch (fault) {
    case FromFault::Empty: return "the From field is empty";
    case FromFault::NoDomain: return "the From field names an address without a domain";
    case FromFault::Unclear: break;
  }
  return "the From field is malformed or can be read in two ways: write Name <user@domain>";
}

bool is_at_or_below(std::string_view domain, std::string_view allowed) {
  if (allowed.starts_with('.')) allowed.remove_prefix(1);
  return domain == allowed ||
         (domain.size() > allowed.size() && domain.ends_with(allowed) && domain[domain.size() - allowed.size() - 1] == '.');
}

bool is_own_or_below(const auth::Principal& principal, std::string_view domain) {
  return std::ranges::any_of(principal.from_domains,
                             [&](const std::string& allowed) { return is_at_or_below(domain, allowed); });
}

}  // namespace

Decision judge_reverse_path(const auth::Principal& principal, const std::optional<Mailbox>& reverse_path) {
  if (principal.account_state == store::AccountState::Suspended) return Refused{Refusal::AccountSuspended};
  if (!reverse_path || principal.from_domains.empty()) return {};
  const std::string domain = normalised_domain(reverse_path->domain);
  if (auth::is_domain_allowed(principal.from_domains, domain)) return {};
  return Refused{Refusal::SenderNotAllowed, "the envelope's sender is of " + escape_for_log(domain, kMaxNamedOctets) +
                                                allowed_text(principal.from_domains)};
}

HoldAnswer judge_hold(const Hold& hold, Instant now, Duration longest) {
  const auto* const seconds = std::get_if<std::chrono::seconds>(&hold);
  const Instant release_at = seconds ? now + *seconds : std::get<Instant>(hold);
  if (release_at - now > longest) return {Refused{Refusal::HoldTooLong}};
  if (release_at <= now) return {};
  return {{}, release_at};
}

std::optional<std::string> refuse_from(const auth::Principal& principal, const std::optional<mime::FromField>& from) {
  if (principal.from_domains.empty()) return std::nullopt;
  const std::string allowed = allowed_text(principal.from_domains);
  if (!from) return "the message has no From field" + allowed;
  if (from->fault) return std::string(fault_text(*from->fault)) + allowed;
  const auto foreign = std::ranges::find_if_not(
      from->domains, [&](const std::string& domain) { return auth::is_domain_allowed(principal.from_domains, domain); });
  if (foreign == from->domains.end()) return std::nullopt;
  return "the From field names " + escape_for_log(*foreign, kMaxNamedOctets) + allowed;
}

bool is_automatic_notice(const auth::Principal& principal, const Envelope& envelope, const mime::FromField& from,
                         std::string_view client_name) {
  if (envelope.reverse_path || from.fault || from.authors.size() != 1 || from.domains.size() != 1) return false;
  const std::string& author = from.authors.front().local_part;
  if (!equals_ignoring_case(author, "MAILER-DAEMON") && !equals_ignoring_case(author, "postmaster")) return false;
  const std::string& domain = from.domains.front();
  if (!is_own_or_below(principal, domain) && domain != normalised_domain(client_name)) return false;
  return std::ranges::all_of(envelope.recipients, [&](const Recipient& recipient) {
    return is_own_or_below(principal, normalised_domain(recipient.mailbox.domain));
  });
}

}  // namespace postern::submission
