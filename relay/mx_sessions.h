// Sessions with the mail hosts of a recipient domain (RFC 5321 §5.1): which hosts there are and in which order is mx/plan's
// decision, how well each session is protected mx/tls_policy's. Here they are asked for and obeyed.
#pragma once

#include "core/clock.h"
#include "core/random.h"
#include "core/recent_map.h"
#include "dns/resolver.h"
#include "mx/https_client.h"
#include "mx/plan.h"
#include "mx/sts_policies.h"
#include "mx/tls_policy.h"
#include "net/awaitable.h"
#include "net/tls_context.h"
#include "relay/exits.h"
#include "relay/provider_shaper.h"
#include "relay/route.h"
#include "relay/source_book.h"
#include "reports/tls_results.h"
#include "smtp/client_connection.h"
#include "store/notebook.h"

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace postern::relay {

// What deliveries to all domains share. On the queue's executor only.
class MxCommon {
 public:
  // `clock` null: MTA-STS is not looked for. `notebook` null: its policies end with the process. All of it outlives this.
  MxCommon(dns::Resolver& resolver, mx::PlanRules rules, const Clock* clock, store::Notebook* notebook);

  dns::Resolver& resolver() { return resolver_; }
  const mx::PlanRules& rules() const { return rules_; }
  Random& random() { return random_; }
  // Made when it is first wanted; null: it cannot be, and `failure` says why.
  std::shared_ptr<const net::TlsClientContext> tls(net::TlsVerification verification, const std::string& ca_file, Status& failure);
  // Null: it is not looked for.
  mx::StsPolicies* sts_policies() { return sts_.get(); }
  // What TLS reports are made of. Null: nothing is noted.
  void use_results(std::shared_ptr<reports::TlsResults> results) { tls_results_ = std::move(results); }
  void note_tls(const std::optional<reports::TlsSession>& session);
  // Whether, and by what, large providers are spared. Null: nobody is.
  void shape(std::shared_ptr<ProviderShapers> shapers) { shapers_ = std::move(shapers); }
  ProviderShapers* shapers() { return shapers_ && shapers_->is_on() ? shapers_.get() : nullptr; }
  // Whether what is said is recorded.
  void record_dialogues() { is_recording_ = true; }
  bool is_recording() const { return is_recording_; }
  // Where it is noted which sources' addresses are not there. Null: nowhere.
  void use_sources(std::shared_ptr<SourceBook> book) { sources_ = std::move(book); }
  SourceBook* sources() { return sources_.get(); }
  Instant now() const { return clock_ == nullptr ? SystemClock().now() : clock_->now(); }
  // Connections of the provider are idle there: one of them is closed where another domain's mail lacks one.
  void note_idle(const ProviderShaper& shaper, const std::shared_ptr<IdleConnections>& idle);
  void close_an_idle(const ProviderShaper& shaper);

  // The end of all deliveries.
  void cancel() { https_->cancel(); }
  // Files with authorities are read again when they are next wanted.
  void refresh() { contexts_.clear(); }

  // Where offered TLS did not work: what may go in the clear does so from the next attempt on, for an hour.
  void note_broken_tls(const std::string& remote);
  bool is_tls_broken(const std::string& remote);

 private:
  dns::Resolver& resolver_;
  mx::PlanRules rules_;
  std::shared_ptr<ProviderShapers> shapers_;
  std::shared_ptr<SourceBook> sources_;
  bool is_recording_ = false;
  using Holders = std::set<std::weak_ptr<IdleConnections>, std::owner_less<>>;
  std::map<std::pair<std::string, std::string>, Holders> idle_;  // by provider and source
  SystemRandom random_;
  const Clock* const clock_;
  std::shared_ptr<reports::TlsResults> tls_results_;
  std::shared_ptr<mx::HttpsClient> https_;
  std::shared_ptr<mx::StsPolicies> sts_;  // kept by what is fetched in the background, too
  std::map<std::pair<net::TlsVerification, std::string>, std::shared_ptr<const net::TlsClientContext>> contexts_;
  RecentMap<std::string, std::chrono::steady_clock::time_point> broken_tls_;  // until when, by remote
};

struct MxSession {
  HopConnection hop;          // no connection: `failure` says why
  Status failure{};           // 5yz: for good
  std::string remote{};       // the last address tried
  bool is_message_s = false;  // the failure is due to what this message asks for: it says nothing on the domain's hosts
  bool is_source_s = false;    // no host was tried: the source has no address, or not there, that could reach one
  std::optional<Wait> wait{};  // no connection, and nothing failed: the provider may not be given one now
  std::string said{};         // to addresses with which no session could be had
};

// One attempt at one message: its sessions, each with another address.
class MxAttempt {
 public:
  // `look_ups` ends it. All of it outlives this.
  MxAttempt(MxCommon& common, const Route& route, std::string domain, mx::TlsDemand demand, smtp::ClientConfig config,
            smtp::ClientTimeouts timeouts, dns::Cancellation& look_ups);

  mx::TlsDemand demand() const { return demand_; }
  // Asks the DNS, once. The next two do not.
  net::Awaitable<void> prepare();
  // The host that is tried first; null: there is none.
  const std::string* first_host() const;
  // Sessions are by this exit from now on, and begin with the first address again.
  void leave_by(const Exit& exit);
  // The next address with which a session can be had, until kMaxHops were tried or kMaxSessions begun.
  net::Awaitable<MxSession> next();
  // False: next() would have no address to try.
  bool has_more() const { return next_ < plan_.hops.size() && sessions_ < mx::kMaxSessions; }

 private:
  void plan();
  net::Awaitable<void> decide(std::size_t host);
  net::Awaitable<bool> try_hop(const mx::Hop& hop, MxSession& session);
  // nullopt: the source cannot reach the address, and failure_ says why. Else what the connection leaves from, if that is known.
  std::optional<std::optional<IpAddress>> source_for(const mx::Hop& hop);
  void note_failure(Status failure);

  MxCommon& common_;
  const Route& route_;
  const std::string domain_;
  const mx::TlsDemand demand_;
  const smtp::ClientConfig config_;
  const EgressSource* source_ = nullptr;
  const smtp::ClientTimeouts timeouts_;
  dns::Cancellation& look_ups_;
  bool is_planned_ = false;
  mx::MailHosts hosts_;
  mx::Plan plan_;
  std::shared_ptr<ProviderShaper> shaper_;
  std::optional<mx::StsAnswer> sts_;                  // of the domain, once it was wanted
  std::map<std::size_t, mx::TlsDecision> decisions_;  // by host
  std::size_t next_ = 0;
  std::size_t sessions_ = 0;
  bool is_any_tried_ = false;
  std::optional<Status> failure_;  // of the hops so far: what may pass outweighs what will not
};

}  // namespace postern::relay
