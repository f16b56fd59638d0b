// Authentication-Results (RFC 8601): what we found, written; and the fields of others that pretend to be ours, found. Pure.
#pragma once

#include "mime/header_scan.h"
#include "provenance/arc.h"
#include "provenance/dkim.h"
#include "provenance/dmarc.h"
#include "provenance/spf.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace postern::provenance {

// The field with its CR LF, folded. `id`: our authserv-id, a host name. Of `sender` and `helo` (as SpfSubject has them) and all
// that came from the message, only what is plain appears; "why" is a comment.
std::string format_authentication_results(std::string_view id, const SpfSubject& subject, const SpfVerdict& spf,
                                          const std::vector<DkimVerdict>& dkim, const ArcVerdict& arc, const DmarcVerdict& dmarc);

// The authserv-id of a field's value in lower case; empty: it cannot be told.
std::string authserv_id(std::string_view value);

// The Authentication-Results of a message that arrives whose id is ours or cannot be told: whoever reads ours must not find them
// (§5). Places in HeaderScan::fields(), in order.
std::vector<std::size_t> find_forged_results(const mime::HeaderScan& header, std::string_view id);

}  // namespace postern::provenance
