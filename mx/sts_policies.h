// The MTA-STS policies of recipient domains (RFC 8461 §3.3, §5.1): found by their TXT record, fetched when that names another than
// the one that is kept, kept until their end. On one executor.
#pragma once

#include "core/clock.h"
#include "core/recent_map.h"
#include "dns/resolver.h"
#include "mx/https_client.h"
#include "mx/sts_policy.h"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace postern::mx {

inline constexpr std::size_t kMaxStsPolicies = 20'000;     // in memory; others are read again
inline constexpr std::chrono::seconds kStsFetchLimit{60};  // RFC 8461 §3.3
inline constexpr std::chrono::minutes kStsFetchPause{5};   // after one that failed
// A policy that is used is fetched anew in the background after this, though its id is the same; each domain's has its own time,
// up to half as much later.
inline constexpr std::chrono::hours kStsRefreshAfter{20};

// Closed set, for metrics and people.
enum class StsFinding {
  None,        // nothing is published
  InForce,     // the policy that is published
  Kept,        // the one of before: nothing is published any more, or it cannot be fetched
  FetchError,  // one is published, cannot be fetched, and there is none of before
  Invalid,     // what was fetched is no policy, and there is none of before
};
inline constexpr std::size_t kStsFindings = 5;
std::string_view sts_finding_name(StsFinding finding);

struct StsAnswer {
  StsFinding finding = StsFinding::None;
  std::optional<KeptStsPolicy> policy;
  std::string why;  // FetchError, Invalid

  StsView view(std::string_view host) const;
};

// Where policies outlive the process. Any of both may fail silently.
struct StsMemory {
  std::function<std::optional<std::string>(const std::string& domain)> find;
  std::function<void(const std::string& domain, std::string octets)> put;
  std::function<void(const std::string& domain)> erase;
};

// Held by shared_ptr: what is fetched anew in the background keeps it.
class StsPolicies : public std::enable_shared_from_this<StsPolicies> {
 public:
  // The text at https://mta-sts.<domain>/.well-known/mta-sts.txt, or why there is none.
  using Fetch = std::function<net::Awaitable<Result<std::string>>(std::string domain)>;

  // All of it outlives this.
  StsPolicies(dns::Resolver& resolver, const Clock& clock, Fetch fetch, StsMemory memory)
      : resolver_(resolver), clock_(clock), fetch_(std::move(fetch)), memory_(std::move(memory)) {}

  // At most kStsFetchLimit long, where there is none yet and it has to be fetched; others who ask for the same wait for that fetch.
  net::Awaitable<StsAnswer> find(std::string domain, dns::Limits limits = {});

 private:
  struct Entry {
    std::optional<KeptStsPolicy> kept;
    bool is_read = false;     // from the memory
    Instant fetch_from;       // not before
    std::string failure;      // of the last fetch
    bool is_invalid = false;  // what it got was no policy
  };
  using Flight = std::shared_ptr<net::asio::steady_timer>;

  Entry& entry_of(const std::string& domain);
  net::Awaitable<void> refresh(std::string domain, std::string id);
  static net::Awaitable<void> refresh_in_background(std::shared_ptr<StsPolicies> self, std::string domain, std::string id);

  dns::Resolver& resolver_;
  const Clock& clock_;
  Fetch fetch_;
  StsMemory memory_;
  RecentMap<std::string, Entry> entries_;
  std::map<std::string, Flight> under_way_;  // waiters sleep on the timer until it is cancelled
};

// Over HTTPS: no redirect, 200 and text/plain only, at most kMaxStsPolicyOctets.
StsPolicies::Fetch make_sts_fetch(std::shared_ptr<HttpsClient> client);

}  // namespace postern::mx
