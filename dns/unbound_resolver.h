// The Resolver over libunbound, which validates (RFC 4035) and remembers. libunbound resolves on a
// thread of its own; a thread of ours hands it the questions and takes its answers, so that nobody
// who asks waits for its locks or its pipe (docs/decisions/0014-dns-threads.md).
#pragma once

#include "core/result.h"
#include "dns/resolver.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace postern::dns {

struct ResolverSettings {
  // "192.0.2.53" or "127.0.0.1@5353"; empty: those of resolv_conf, which is followed when it changes.
  std::vector<std::string> servers;
  std::chrono::milliseconds timeout{5000};  // of one look-up, where its asker sets none
  // Anchor of DNSSEC validation (DS or DNSKEY records). Empty or absent: nothing is validated, no
  // answer is secure.
  std::string trust_anchor_file = "/usr/share/dns/root.key";
  std::string hosts_file = "/etc/hosts";
  std::string resolv_conf = "/etc/resolv.conf";
};

// Under way, or given up by who asked and not by libunbound yet; one more fails at once.
inline constexpr std::size_t kMaxUnderWay = 8'192;
// Of messages and of record sets each: some fifty thousand answers.
inline constexpr std::size_t kMaxResolverCacheOctets = 8 * 1'048'576;
// Of questions to name servers at a time, a descriptor each; the others wait for their turn.
inline constexpr std::size_t kMaxResolverSockets = 1'024;

// What is remembered is remembered for its TTL, five minutes at most. At the end of the resolver what
// is under way is Cancelled. ResolveFailed: a server that is no address, a trust anchor that cannot be
// read. Makes its threads now; std::system_error where there is none to spare.
Result<std::unique_ptr<Resolver>> open_resolver(const ResolverSettings& settings);

}  // namespace postern::dns
