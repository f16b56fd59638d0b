// DMARC (RFC 9989): does what SPF and DKIM proved belong to the domain of the From field, and what does that domain ask for where
// it does not? By tree walk, not by a list of public suffixes.
#pragma once

#include "dns/resolver.h"
#include "mime/header_scan.h"
#include "net/awaitable.h"
#include "provenance/dkim.h"
#include "provenance/dmarc_record.h"
#include "provenance/spf.h"

#include <string>
#include <string_view>
#include <vector>

namespace postern::provenance {

enum class DmarcResult { None, Pass, Fail, TempError, PermError };
std::string_view dmarc_result_name(DmarcResult result);

struct DmarcVerdict {
  DmarcResult result = DmarcResult::None;
  std::string author_domain;               // of the From field; empty: there is no one
  std::string organizational;              // its organization's; empty: not looked for
  std::string policy_domain;               // whose record it is; empty: none
  DmarcPolicy policy = DmarcPolicy::None;  // that the record says for this author
  // What the domain asks us to do with this message: None where it passed, or where it cannot be said; one step less where it is
  // only testing (t=y). Of PermError Quarantine: a From field that readers take for different people proves nobody.
  DmarcPolicy disposition = DmarcPolicy::None;
  bool is_testing = false;
  bool is_spf_aligned = false;            // and a pass
  std::vector<std::string> dkim_aligned;  // the domains of signatures that passed and are aligned
  std::vector<std::string> report_uris;
  std::string why;
};

// The one domain that all authors are of, A-labels; empty, with `why`, where there is no one: no From field or two, one that
// readers take differently, several domains, or a header section whose end is not clear.
struct AuthorDomain {
  std::string domain;
  std::string why;
};
AuthorDomain find_author_domain(const mime::HeaderScan& header);

// At most eight questions for each domain that matters.
net::Awaitable<DmarcVerdict> check_dmarc(dns::Resolver& resolver, AuthorDomain author, SpfVerdict spf,
                                         std::vector<DkimVerdict> dkim, dns::Cancellation* cancellation = nullptr);

}  // namespace postern::provenance
