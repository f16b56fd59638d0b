#include "lab/mailpit_query.h"

#include "core/bytes.h"

#include <algorithm>
#include <array>

namespace postern::lab {
namespace {

constexpr std::array<std::string_view, 10> kKeys = {"to",      "from",       "cc",  "bcc", "addressed",
                                                    "subject", "message-id", "tag", "has", "is"};

bool holds(std::string_view text, const std::string& wanted) { return to_ascii_lower(text).find(wanted) != std::string::npos; }
bool any_holds(const std::vector<std::string>& texts, const std::string& wanted) {
  return std::ranges::any_of(texts, [&](const std::string& text) { return holds(text, wanted); });
}

// Up to the next blank that stands in no quotes; the quotes themselves go.
std::string take_term(std::string_view& rest) {
  std::string term;
  bool is_quoted = false;
  while (!rest.empty()) {
    const char c = rest.front();
    if (c == ' ' && !is_quoted) break;
    rest.remove_prefix(1);
    if (c == '"') {
      is_quoted = !is_quoted;
    } else {
      term.push_back(ascii_lower(c));
    }
  }
  return term;
}

bool fits(const MailpitTerm& term, const CapturedMail& mail) {
  const store::MessageSummary& summary = mail.stored.message.summary;
  const std::string& wanted = term.text;
  const bool is_to = any_holds(mail.read.to, wanted);
  const bool is_from = holds(mail.read.from, wanted);
  const bool is_cc = any_holds(mail.read.cc, wanted);
  const bool is_bcc = any_holds(summary.bcc, wanted);
  if (term.key == "to") return is_to;
  if (term.key == "from") return is_from;
  if (term.key == "cc") return is_cc;
  if (term.key == "bcc") return is_bcc;
  if (term.key == "addressed") return is_to || is_from || is_cc || is_bcc || any_holds(mail.read.reply_to, wanted);
  if (term.key == "subject") return holds(mail.read.subject, wanted);
  if (term.key == "message-id") return holds(mail.read.header_message_id, wanted);
  if (term.key == "has") return wanted.starts_with("attachment") && !mail.read.attachments.empty();
  if (term.key == "is") return wanted == "unread";  // nobody reads here
  if (term.key == "tag") {
    return std::ranges::any_of(summary.tags, [&](const auto& tag) { return to_ascii_lower(tag.first) == wanted; });
  }
  return is_to || is_from || is_cc || is_bcc || holds(mail.read.subject, wanted) || holds(mail.words(), wanted);
}

}  // namespace

Result<std::vector<MailpitTerm>> parse_mailpit_query(std::string_view query) {
  std::vector<MailpitTerm> terms;
  for (;;) {
    while (query.starts_with(' ')) query.remove_prefix(1);
    if (query.empty()) return terms;
    if (terms.size() == kMaxQueryTerms) return Error(ErrorCode::InvalidArgument, "query: more than 50 terms");
    MailpitTerm term;
    const bool is_phrase = query.starts_with('"');
    if (query.starts_with('-') || query.starts_with('!')) {
      term.is_negated = true;
      query.remove_prefix(1);
    }
    term.text = take_term(query);
    const std::size_t colon = is_phrase ? std::string::npos : term.text.find(':');
    if (colon != std::string::npos) {
      term.key = term.text.substr(0, colon);
      term.text.erase(0, colon + 1);
      if (std::ranges::find(kKeys, term.key) == kKeys.end()) {
        return Error(ErrorCode::InvalidArgument, "query: " + escape_for_log(term.key, 40) + ": is not searched for here");
      }
    }
    if (!term.text.empty()) terms.push_back(std::move(term));
  }
}

bool fits_query(const std::vector<MailpitTerm>& terms, const CapturedMail& mail) {
  return std::ranges::all_of(terms, [&](const MailpitTerm& term) { return fits(term, mail) != term.is_negated; });
}

}  // namespace postern::lab
