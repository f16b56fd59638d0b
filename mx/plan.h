// In which order, and whether at all, the mail hosts of a domain are tried (RFC 5321 §5.1, RFC 7505). Pure: answers, chance and
// rules in, hops or a verdict out.
#pragma once

#include "core/random.h"
#include "dns/records.h"
#include "mx/host.h"

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace postern::mx {

inline constexpr std::size_t kMaxHosts = 20;      // looked up; the largest providers have a dozen
inline constexpr std::size_t kMaxHops = 5;        // addresses tried in an attempt, as Postfix does
inline constexpr std::size_t kMaxHopsOfHost = 3;  // where there are other hosts
inline constexpr std::size_t kMaxSessions = 2;    // begun in an attempt: more only prolong what the next one repeats

// Who we are, so that nothing is sent in a circle.
struct Self {
  std::set<std::string, std::less<>> names;  // normalised
  std::vector<IpAddress> addresses;
};

struct PlanRules {
  Self self;
  bool allows_special = false;  // addresses that are not public, too: laboratories
};

// One address of one host.
struct Hop {
  std::size_t host = 0;  // index into MailHosts::hosts
  IpAddress address;
};

// What is not tried, and why: for people.
struct PassedOver {
  std::string host;
  std::string why;
};

struct Plan {
  std::vector<Hop> hops;          // at most kMaxHops; empty: see `failure`
  std::optional<Status> failure;  // 4yz: later; 5yz: never
  std::vector<PassedOver> passed_over;
};

// The hosts that an MX answer names, without addresses yet: by preference, equal ones in an order of chance, each once, at most
// kMaxHosts. A null MX is 556 5.1.10, a name that is not there 550 5.1.2, no answer 451 4.4.3; without MX records the domain
// itself.
MailHosts order_hosts(std::string_view domain, const dns::Answer<dns::Mx>& answer, Random& random);

// The one host of an address literal ("[192.0.2.1]", "[IPv6:2001:db8::1]"); 501 5.1.3 for a literal of another kind.
MailHosts literal_host(std::string_view domain);

// `hosts` has its addresses now. A host that is us, and each that is not preferred to it, is passed over: 554 5.4.6 where that
// leaves none. So are addresses that are not public. Without any hop: 451 4.4.3 where the DNS owed an answer, else 550 5.1.2
// (implicit MX) or 550 5.4.4.
Plan make_plan(const MailHosts& hosts, const PlanRules& rules);

}  // namespace postern::mx
