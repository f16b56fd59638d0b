// The DNS, over libunbound. Blocking: its callers run on a worker or the queue's DNS thread, never on an I/O thread.
#pragma once

#include "core/result.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace postern::dns {

struct ResolverSettings {
  std::vector<std::string> servers;  // "192.0.2.53" or "127.0.0.1@5353"; empty: what /etc/resolv.conf says
  std::chrono::milliseconds timeout{5000};
  // Anchor of DNSSEC validation. Empty or absent: nothing is validated, no answer is secure.
  std::string trust_anchor_file = "/usr/share/dns/root.key";
};

struct DnsAnswer {
  // TXT: the strings of one record joined (RFC 7208 §3.3); CNAME: a host name; MX: "10 mx.example.net"; A, AAAA: an address as
  // text. Host names are in lower case, without the last dot; the null MX (RFC 7505) is "0 .".
  std::vector<std::string> values;
  bool exists = false;              // the name has records of that type
  bool is_secure = false;           // DNSSEC-validated
};

// Of messages and of record sets each: some ten thousand answers.
inline constexpr std::size_t kMaxResolverCacheOctets = 2 * 1'048'576;

// Any thread.
class Resolver {
 public:
  virtual ~Resolver() = default;
  // `name` without the last dot; IDNA A-labels. `type`: A, AAAA, CNAME, MX or TXT. NXDOMAIN and NODATA are answers.
  // ResolveFailed: no answer in time, SERVFAIL, REFUSED, DNSSEC says bogus. InvalidArgument: another type.
  virtual Result<DnsAnswer> look_up(std::string_view name, std::string_view type) = 0;

  // Answers are remembered for a minute at most, in at most kMaxResolverCacheOctets. Destroy it when nobody looks up any more.
  // ResolveFailed: a server that is no address, or /etc/resolv.conf cannot be read. Makes its threads now; std::system_error where
  // there is none to spare.
  static Result<std::unique_ptr<Resolver>> open(const ResolverSettings& settings);
};

}  // namespace postern::dns
