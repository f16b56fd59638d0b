// Internationalised domain names, over libidn2 (RFC 5891).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postern {

// Lower-case A-labels of a domain given in ASCII or UTF-8; nullopt where IDNA 2008 (with UTS #46 mapping) refuses it.
std::optional<std::string> domain_to_ascii(std::string_view domain);

}  // namespace postern
