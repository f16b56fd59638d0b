// Whether the addresses that mail leaves from have names that lead back to them, as receivers want it (RFC 1912 §2.1).
#pragma once

#include "core/ip_address.h"
#include "dns/resolver.h"

#include <string>
#include <string_view>

namespace postern::dns {

struct ReverseFinding {
  bool is_good = false;
  std::string words;  // a sentence that begins with the address
};

// `hostname`: what EHLO says, in lower case. Blocks until the DNS has answered.
ReverseFinding check_reverse(Resolver& resolver, const IpAddress& address, std::string_view hostname);

}  // namespace postern::dns
