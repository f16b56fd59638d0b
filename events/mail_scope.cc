#include "events/mail_scope.h"

#include "auth/permission.h"
#include "core/mailbox.h"

#include <string_view>

namespace postern::events {
namespace {

constexpr std::string_view kBehindADomain = " \t>,;:()<\"\\";

// Cut off, it may have lost an address, or the end of one.
bool may_be_cut(std::string_view field) { return field.size() + 4 > store::kMaxSummaryOctets; }

// Behind every "@" of the field, also of a display name: it is not read as a header, so that it need not be read right.
bool are_all_of(std::string_view field, std::span<const std::string> domains) {
  for (std::size_t at = field.find('@'); at != std::string_view::npos; at = field.find('@', at + 1)) {
    const std::string_view rest = field.substr(at + 1);
    const std::string domain = normalised_domain(rest.substr(0, rest.find_first_of(kBehindADomain)));
    if (!auth::is_domain_allowed(domains, domain)) return false;
  }
  return true;
}

}  // namespace

bool is_mail_of(const store::MessageRecord& message, std::span<const std::string> domains) {
  if (domains.empty()) return true;
  const std::string& from = message.summary.from;
  const auto& reverse_path = message.envelope.reverse_path;
  const bool has_from = from.find('@') != std::string::npos;
  if (!has_from && !reverse_path) return false;
  if (reverse_path && !auth::is_domain_allowed(domains, normalised_domain(reverse_path->domain))) return false;
  return !may_be_cut(from) && are_all_of(from, domains);
}

}  // namespace postern::events
