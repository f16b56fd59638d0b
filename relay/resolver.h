// The DNS, over libunbound. Blocking: its callers run on a worker or the queue's DNS thread, never on an I/O thread.
#pragma once

#include "core/result.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace postern::relay {

struct ResolverSettings {
  std::vector<std::string> servers;  // "192.0.2.53" or "127.0.0.1@5353"; empty: what /etc/resolv.conf says
  std::chrono::milliseconds timeout{5000};
};

struct DnsAnswer {
  std::vector<std::string> values;  // TXT: strings of one record joined; CNAME, MX: host names; A/AAAA: addresses as text
  bool exists = false;              // the name has records of that type
  bool is_secure = false;           // DNSSEC-validated
};

// Any thread.
class Resolver {
 public:
  virtual ~Resolver() = default;
  // `name` without the last dot; IDNA A-labels. ResolveFailed: no answer, SERVFAIL, timeout. NXDOMAIN and NODATA are answers.
  virtual Result<DnsAnswer> look_up(std::string_view name, std::string_view type) = 0;

  static Result<std::unique_ptr<Resolver>> open(const ResolverSettings& settings);
};

}  // namespace postern::relay
