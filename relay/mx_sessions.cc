#include "relay/mx_sessions.h"

#include "core/bytes.h"
#include "core/metrics.h"
#include "core/operator_log.h"
#include "dns/host_lookup.h"
#include "mx/lookup.h"
#include "relay/tls_observation.h"

#include <algorithm>
#include <cstdint>

namespace postern::relay {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kMaxBrokenTls = 10'000;  // addresses remembered: one forgotten costs one attempt more
constexpr auto kBrokenTlsFor = std::chrono::hours(1);
constexpr std::size_t kMaxHostText = 160;  // kept with every attempt

template <class Enum>
std::vector<std::string> names_of(std::string_view (*name)(Enum), std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.emplace_back(name(static_cast<Enum>(i)));
  return names;
}

metrics::Counter mx_sessions("postern_mx_sessions_total",
                             "SMTP sessions with mail hosts, by how they are protected; opportunistic: TLS with anybody.",
                             {{"level", names_of(&mx::tls_level_name, mx::kTlsLevels)}});
metrics::Counter dane_outcomes("postern_mx_dane_total",
                               "Mail hosts judged by DANE before a session; no ok with many insecure_chain: nothing is validated.",
                               {{"outcome", names_of(&mx::dane_outcome_name, mx::kDaneOutcomes)}});
metrics::Counter sts_findings("postern_mx_sts_total", "Attempts for which an MTA-STS policy was looked for, by what was found.",
                              {{"outcome", names_of(&mx::sts_finding_name, mx::kStsFindings)}});
metrics::Counter clear_sessions("postern_mx_clear_fallbacks_total",
                                "Sessions with mail hosts in the clear because TLS that they offer did not work.");

std::vector<std::string> session_outcomes() {
  std::vector<std::string> outcomes = names_of(&mx::tls_level_name, mx::kTlsLevels);
  outcomes.emplace_back("failed");
  return outcomes;
}
metrics::Counter provider_sessions("postern_provider_sessions_total",
                                   "SMTP sessions with mail hosts by how they are protected, or that could not be had, by "
                                   "provider; where shaping_file is set.",
                                   {{"level", session_outcomes()}, {"provider", provider_labels()}}, metrics::Zeros::Hidden);

mx::StsMemory memory_in(store::Notebook* notebook) {
  constexpr auto kTable = store::NotebookTable::StsPolicies;
  return {.find =
              [notebook](const std::string& domain) {
                auto found =
                    notebook == nullptr ? Result<std::optional<std::string>>(std::nullopt) : notebook->find(kTable, domain);
                return found ? std::move(*found) : std::nullopt;
              },
          .put =
              [notebook](const std::string& domain, std::string octets) {
                if (notebook != nullptr) notebook->put_later(kTable, domain, std::move(octets));
              },
          .erase =
              [notebook](const std::string& domain) {
                if (notebook != nullptr) notebook->erase_later(kTable, domain);
              }};
}

net::TlsVerification verification_of(mx::TlsLevel level) {
  if (level == mx::TlsLevel::Dane) return net::TlsVerification::Dane;
  return level == mx::TlsLevel::Verified ? net::TlsVerification::Required : net::TlsVerification::None;
}

smtp::ClientTls client_tls_of(mx::TlsLevel level) {
  if (level == mx::TlsLevel::Clear) return smtp::ClientTls::None;
  return level == mx::TlsLevel::Opportunistic ? smtp::ClientTls::IfOffered : smtp::ClientTls::Required;
}

net::TlsPeer peer_of(const mx::TlsDecision& decision) {
  net::TlsPeer peer(decision.names.front());
  peer.other_names.assign(decision.names.begin() + 1, decision.names.end());
  peer.tlsa = decision.tlsa;
  return peer;
}

}  // namespace

MxCommon::MxCommon(dns::Resolver& resolver, mx::PlanRules rules, const Clock* clock, store::Notebook* notebook)
    : resolver_(resolver),
      rules_(std::move(rules)),
      clock_(clock),
      https_(std::make_shared<mx::HttpsClient>(resolver, rules_.allows_special)) {
  if (clock != nullptr) {
    sts_ = std::make_shared<mx::StsPolicies>(resolver, *clock, mx::make_sts_fetch(https_), memory_in(notebook));
  }
}

std::shared_ptr<const net::TlsClientContext> MxCommon::tls(net::TlsVerification verification, const std::string& ca_file,
                                                           Status& failure) {
  const std::pair key(verification, verification == net::TlsVerification::Required ? ca_file : std::string());
  if (const auto made = contexts_.find(key); made != contexts_.end()) return made->second;
  auto context = net::TlsClientContext::create(verification, key.second);
  if (!context) {
    failure = Status{451, EnhancedCode{4, 7, 5}, "TLS cannot be set up: " + context.error().message()};
    return nullptr;
  }
  return contexts_.emplace(key, std::make_shared<const net::TlsClientContext>(std::move(*context))).first->second;
}

void MxCommon::note_tls(const std::optional<reports::TlsSession>& session) {
  if (session && tls_results_ != nullptr) tls_results_->add(*session, clock_->now());
}

// What is no provider's shares its bounds with nobody.
void MxCommon::note_idle(const ProviderShaper& shaper, const std::shared_ptr<IdleConnections>& idle) {
  if (shaper.is_shared()) idle_[{std::string(shaper.name()), shaper.source()}].insert(idle);
}

void MxCommon::close_an_idle(const ProviderShaper& shaper) {
  const auto found = idle_.find({std::string(shaper.name()), shaper.source()});
  if (found == idle_.end()) return;
  auto& holders = found->second;
  for (auto holder = holders.begin(); holder != holders.end();) {
    const auto idle = holder->lock();
    if (idle && idle->close_oldest()) return;
    holder = holders.erase(holder);  // it has none, or is gone: noted again when it has
  }
  idle_.erase(found);
}

void MxCommon::note_broken_tls(const std::string& remote) {
  broken_tls_.touch(remote).first = steady_clock::now() + kBrokenTlsFor;
  broken_tls_.shrink_to(kMaxBrokenTls);
}

bool MxCommon::is_tls_broken(const std::string& remote) {
  const auto* until = broken_tls_.find(remote);
  return until != nullptr && steady_clock::now() < *until;
}

MxAttempt::MxAttempt(MxCommon& common, const Route& route, std::string domain, mx::TlsDemand demand, smtp::ClientConfig config,
                     smtp::ClientTimeouts timeouts, dns::Cancellation& look_ups)
    : common_(common),
      route_(route),
      domain_(std::move(domain)),
      demand_(demand),
      config_(std::move(config)),
      timeouts_(timeouts),
      look_ups_(look_ups) {}

net::Awaitable<void> MxAttempt::prepare() {
  if (is_planned_) co_return;
  is_planned_ = true;
  hosts_ = co_await mx::look_up_hosts(common_.resolver(), domain_, common_.random(), {.cancellation = &look_ups_});
  if (!hosts_.failure) plan_ = mx::make_plan(hosts_, common_.rules());
  plan();
}

const std::string* MxAttempt::first_host() const {
  return plan_.hops.empty() ? nullptr : &hosts_.hosts[plan_.hops.front().host].name;
}

void MxAttempt::leave_by(const Exit& exit) {
  source_ = exit.source;
  shaper_ = exit.shaper;
  plan();
}

// From the beginning. The addresses of each host in the order that the source has them in.
void MxAttempt::plan() {
  next_ = sessions_ = 0;
  is_any_tried_ = false;
  failure_ = hosts_.failure ? hosts_.failure : plan_.failure;
  if (source_ == nullptr || source_->order == FamilyOrder::AsFound) return;
  const bool wants_v4 = source_->order == FamilyOrder::V4First;
  for (auto first = plan_.hops.begin(); first != plan_.hops.end();) {
    const auto last = std::find_if(first, plan_.hops.end(), [first](const mx::Hop& hop) { return hop.host != first->host; });
    std::stable_partition(first, last, [wants_v4](const mx::Hop& hop) { return hop.address.is_v4() == wants_v4; });
    first = last;
  }
}

std::optional<std::optional<IpAddress>> MxAttempt::source_for(const mx::Hop& hop) {
  if (source_ == nullptr) return std::optional<IpAddress>();
  const IpAddress* const own = source_->address_for(hop.address);
  if (own != nullptr && (common_.sources() == nullptr || !common_.sources()->is_missing(*own, common_.now()))) return *own;
  note_failure(lacking_source(*source_, own, hop.address.is_v4()));
  return std::nullopt;
}

net::Awaitable<void> MxAttempt::decide(std::size_t index) {
  const mx::Host& host = hosts_.hosts[index];
  mx::TlsFacts facts{.domain = domain_, .host = host.name, .is_mx_secure = hosts_.is_mx_secure, .tlsa = {}, .sts = {}};
  const mx::TlsFloor floor = floor_of(route_.tls);
  const bool asks = demand_ != mx::TlsDemand::NotRequired && floor != mx::TlsFloor::Never;
  if (asks) facts.tlsa = co_await mx::look_up_tlsa(common_.resolver(), host, route_.port, {.cancellation = &look_ups_});
  // DANE decides by itself, but on how much a message may ask for.
  const bool wants_sts = asks && (facts.tlsa.usable.empty() || demand_ == mx::TlsDemand::RequireTls);
  if (wants_sts && !sts_ && common_.sts_policies() != nullptr && !domain_.starts_with('[')) {
    sts_ = co_await common_.sts_policies()->find(domain_, {.cancellation = &look_ups_});
    sts_findings.at(sts_->finding).add();
  }
  if (wants_sts && sts_) facts.sts = sts_->view(host.name);
  mx::TlsDecision decision = mx::decide_tls(facts, demand_, floor);
  if (asks) dane_outcomes.at(decision.dane).add();
  decisions_.emplace(index, std::move(decision));
}

void MxAttempt::note_failure(Status failure) {
  if (!failure_ || failure_->is_permanent() || failure.is_transient()) failure_ = std::move(failure);
}

net::Awaitable<MxSession> MxAttempt::next() {
  co_await prepare();
  MxSession session;
  session.remote = escape_for_log(domain_, kMaxHostText);
  while (has_more()) {
    if (look_ups_.is_cancelled()) {
      note_failure(Status{421, EnhancedCode{4, 3, 2}, "shutting down"});
      break;
    }
    const mx::Hop& hop = plan_.hops[next_++];
    if (!decisions_.contains(hop.host)) co_await decide(hop.host);
    const bool is_open = co_await try_hop(hop, session);
    if (is_open || session.wait) co_return session;
  }
  session.failure = failure_.value_or(Status{451, EnhancedCode{4, 4, 1}, "no further mail host is tried"});
  constexpr std::uint16_t kOfSecurity = 7;  // RFC 3463 §3.8
  const bool is_of_security = effective_enhanced_code(session.failure).subject == kOfSecurity;
  session.is_source_s = source_ != nullptr && !plan_.hops.empty() && !is_any_tried_;
  session.is_message_s = is_of_security && demand_ == mx::TlsDemand::RequireTls;
  co_return session;
}

net::Awaitable<bool> MxAttempt::try_hop(const mx::Hop& hop, MxSession& session) {
  const mx::TlsDecision& decision = decisions_.at(hop.host);
  const std::string place = escape_for_log(hosts_.hosts[hop.host].name, kMaxHostText) + " [" + format_ip_address(hop.address) +
                            "]:" + std::to_string(route_.port);
  session.remote = place;
  if (source_ != nullptr) session.remote += " from " + source_->name;
  const auto source = source_for(hop);
  if (!source) co_return false;
  is_any_tried_ = true;
  SeenSession seen{.domain = domain_, .host = hosts_.hosts[hop.host].name, .address = format_ip_address(hop.address)};
  // Not of what a message or the route gave up: a report about failing reports would never end (RFC 8460 §5.3).
  const bool is_told = demand_ != mx::TlsDemand::NotRequired && !domain_.starts_with('[');
  if (is_told && decision.refusal) common_.note_tls(observe_tls(seen, decision, sts_));
  Status failure;
  const auto tls = decision.refusal ? nullptr : common_.tls(verification_of(decision.level), route_.ca_file, failure);
  if (!tls) {
    note_failure(decision.refusal ? *decision.refusal : failure);
    co_return false;
  }
  if (shaper_) session.wait = shaper_->admit_connection(common_.now());
  if (session.wait) {
    if (session.wait->why == Restraint::Connections) common_.close_an_idle(*shaper_);
    co_return false;
  }
  const auto counted = shaper_ ? std::make_shared<const CountedConnection>(shaper_) : nullptr;
  const bool may_be_clear = decision.level == mx::TlsLevel::Opportunistic;
  const bool is_clear = may_be_clear && common_.is_tls_broken(place);
  smtp::ClientConfig config = config_;
  config.tls = is_clear ? smtp::ClientTls::None : client_tls_of(decision.level);
  config.verifies_peer = tls->verifies();
  config.source = *source;
  if (source_ != nullptr && !source_->ehlo_name.empty()) config.hostname = source_->ehlo_name;
  const auto dialogue = common_.is_recording() ? record_dialogue(config) : nullptr;
  auto opened = co_await smtp::ClientConnection::open(dns::endpoint_of(hop.address, route_.port), peer_of(decision),
                                                      std::move(config), *tls, timeouts_);
  if (opened.was_connected) ++sessions_;
  if (opened.is_source_missing) {
    is_any_tried_ = sessions_ > 0;
    if (common_.sources() != nullptr) common_.sources()->note_missing(source_->name, **source, common_.now());
    opened.failure = lacking_source(*source_, &**source, hop.address.is_v4());
  }
  seen.is_open = opened.connection != nullptr;
  seen.is_tls = seen.is_open && opened.connection->is_tls();
  seen.is_tls_failure = opened.is_tls_failure;
  seen.fault = opened.tls_fault;
  if (is_told && !is_clear && !look_ups_.is_cancelled()) common_.note_tls(observe_tls(seen, decision, sts_));
  if (!opened.connection) {
    if (dialogue) session.said += "= " + session.remote + "\n" + dialogue->take();
    if (opened.is_tls_failure && may_be_clear && !look_ups_.is_cancelled()) {
      if (!common_.is_tls_broken(place)) operator_log::tls_given_up(place, opened.failure);
      common_.note_broken_tls(place);
    }
    if (shaper_) {
      provider_sessions.at(mx::kTlsLevels, provider_sessions.place_of(shaper_->name())).add();
      note_provider_word(*shaper_, opened.failure, common_.now());
    }
    note_failure(std::move(opened.failure));
    co_return false;
  }
  if (is_clear) clear_sessions.add();
  const mx::TlsLevel level = opened.connection->is_tls() ? decision.level : mx::TlsLevel::Clear;
  mx_sessions.at(level).add();
  if (shaper_) provider_sessions.at(level, provider_sessions.place_of(shaper_->name())).add();
  session.hop = HopConnection{tls, std::move(opened.connection), session.remote, 0, demand_, counted, dialogue};
  co_return true;
}

}  // namespace postern::relay
