// What strangers publish about their mail: SPF, DMARC and DKIM keys, each read or not, and macros that stay within their bounds.
#include "core/bytes.h"
#include "provenance/dmarc_record.h"
#include "provenance/signing_key.h"
#include "provenance/spf_record.h"
#include "tests/fuzz/fuzz.h"

namespace postern::fuzz {

POSTERN_FUZZ(sender_record) {
  const std::string_view domain = take_line(input);
  const provenance::SpfMacroFacts facts{.sender = std::string(take_line(input)),
                                        .domain = std::string(domain),
                                        .helo = "mail.example.org",
                                        .receiver = "mx.example.net",
                                        .client = *parse_ip_address("2001:db8::1")};
  const auto check_macro = [&facts](const std::optional<provenance::SpfMacroString>& macro) {
    if (!macro) return;
    const auto text = provenance::expand(*macro, facts);
    POSTERN_CHECK(!text || text->size() <= provenance::kMaxExpansionOctets);
    const auto name = provenance::expand_domain(*macro, facts);
    POSTERN_CHECK(!name || (name->size() <= provenance::kMaxNameOctets && !has_high_octet(*name)));
  };
  check_macro(provenance::parse_macro_string(input, provenance::MacroUse::Explanation));
  if (provenance::is_spf_record(input)) {
    if (const auto record = provenance::parse_spf_record(input)) {
      for (const provenance::SpfTerm& term : record->terms) check_macro(term.domain);
      check_macro(record->redirect);
      check_macro(record->explanation);
    }
  }
  if (const auto key = provenance::read_key_record(input)) {
    if (key->key != nullptr) POSTERN_CHECK(!provenance::is_signed(*key, input, domain));
  }
  const std::vector<std::string> walked = provenance::walked_domains(domain);
  POSTERN_CHECK(!walked.empty() && walked.size() <= 8 && walked.front() == domain);
  if (const auto record = provenance::parse_dmarc_record(input)) {
    POSTERN_CHECK(record->policy || !record->subdomain_policy);
    const std::string organization = provenance::organizational_domain(std::string(domain), {{walked.back(), *record}});
    POSTERN_CHECK(domain.ends_with(organization));
  }
}

}  // namespace postern::fuzz
