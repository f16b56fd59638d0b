// Internationalised domain names, over libidn2 (RFC 5891).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postern {

// Lower-case A-labels of a domain given in ASCII or UTF-8; nullopt where IDNA 2008 (with UTS #46 mapping) refuses it.
std::optional<std::string> domain_to_ascii(std::string_view domain);

// True if every reader of the name gets the same A-labels, whether it maps characters first (UTS #46, with its transitional letters
// or without) or not (RFC 5891): full-width letters, "ß" and the like are read in two ways. ASCII letters may be of either case.
bool is_unmapped_domain(std::string_view domain);

}  // namespace postern
