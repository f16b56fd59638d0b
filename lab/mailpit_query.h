// The search of Mailpit, as far as its helpers use it: words, "phrases", and key:value with to, from, cc, bcc, addressed, subject,
// message-id, tag and has:attachment; a "-" or "!" in front turns one around. Pure.
#pragma once

#include "core/result.h"
#include "lab/captured_mail.h"

#include <string>
#include <string_view>
#include <vector>

namespace postern::lab {

inline constexpr std::size_t kMaxQueryTerms = 50;

struct MailpitTerm {
  std::string key;   // "" of a word
  std::string text;  // in lower case
  bool is_negated = false;
};

// InvalidArgument: a key that is not known here, or too many terms.
Result<std::vector<MailpitTerm>> parse_mailpit_query(std::string_view query);
// All of them fit.
bool fits_query(const std::vector<MailpitTerm>& terms, const CapturedMail& mail);

}  // namespace postern::lab
