// /etc/hosts and /etc/resolv.conf, as the machine's own resolver reads them (hosts(5),
// resolv.conf(5)). Pure: texts in, values out; dns/unbound_resolver reads the files.
#pragma once

#include "core/ip_address.h"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace postern::dns {

// Of each file. A hosts file that blocks advertisements has some megabytes.
inline constexpr std::size_t kMaxSystemFileOctets = 8 * 1'048'576;

// Addresses by name in lower case, in the file's order.
using HostTable = std::map<std::string, std::vector<IpAddress>, std::less<>>;

// Lines that are none are passed over. "localhost" is there in any case (RFC 6761 §6.3).
HostTable parse_hosts(std::string_view text);

struct ResolvConf {
  std::vector<std::string> servers;  // at most three, as ever; never empty: without one the machine's own
  std::vector<std::string> search;   // domains, at most six
  std::size_t ndots = 1;
};
ResolvConf parse_resolv_conf(std::string_view text);

// The absolute names that `host` may stand for, in the order in which they are asked: a name with
// fewer than `ndots` dots is first looked for in each search domain. One that ends in a dot is
// absolute.
std::vector<std::string> candidate_names(std::string_view host, const ResolvConf& conf);

}  // namespace postern::dns
