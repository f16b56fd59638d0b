// Reads as the contents page of the HTTP service: what is built, in which order it starts, and in which it stops.
#include "app/http_service.h"

#include "api/api_context.h"
#include "api/dispatcher.h"
#include "app/cluster_node.h"
#include "app/config_values.h"
#include "app/listening.h"
#include "app/settings_change.h"
#include "auth/account_admin.h"
#include "auth/address_proof.h"
#include "auth/browser_session.h"
#include "auth/key_admin.h"
#include "auth/session_token.h"
#include "auth/user_admin.h"
#include "core/bytes.h"
#include "core/log.h"
#include "domains/domain_admin.h"
#include "events/webhook_admin.h"
#include "http/server.h"
#include "net/worker_pool.h"
#include "operation/areas.h"
#include "submission/proof_mail.h"
#include "web/site.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <utility>
#include <vector>

namespace postern::app {
namespace {

// For what blocks: a sync is milliseconds, a password hash some tens, a look-up of a domain's records up to seconds.
constexpr std::size_t kWorkers = 4;
constexpr std::size_t kMaxWaitingJobs = 256;  // beyond it: 503
constexpr std::size_t kPasswordWorkers = 2;   // as many cores are busy with strangers' guesses at most; 64 MiB each
constexpr std::size_t kDomainWorkers = 4;
constexpr std::size_t kMaxWaitingSlowJobs = 64;  // seconds of work already

http::ServerOptions make_http_options(const Settings& s) {
  http::ServerOptions options;
  options.admission = {.total = static_cast<std::size_t>(s.http_max_connections),
                       .per_address = static_cast<std::size_t>(s.http_max_connections_per_address)};
  return options;
}

store::Plan make_signup_plan(const Settings& s) {
  store::Plan plan = *auth::plan_named("starter");
  if (!s.confirms_addresses()) return plan;
  plan.name = "custom";
  plan.per_day = static_cast<std::uint64_t>(s.signup_recipients_per_day);
  plan.per_month = static_cast<std::uint64_t>(s.signup_recipients_per_month);
  return plan;
}

auth::ProofRules make_proof_rules(const Settings& s) {
  return {.is_required = s.confirms_addresses(), .mails_per_day = static_cast<std::uint32_t>(s.signup_mails_per_day)};
}

submission::ProofMailSettings make_proof_mail_settings(const Settings& s) {
  return {.hostname = effective_hostname(s), .public_url = make_public_url(s)};
}

// By which browsers may call: the own name, that of links in mails, and what is configured.
std::vector<std::string> make_hosts(const Settings& s) {
  std::vector<std::string> hosts = s.http_hosts;
  hosts.push_back(to_ascii_lower(effective_hostname(s)));
  if (const std::size_t scheme = s.public_url.find("://"); scheme != std::string::npos) {
    const std::string rest = to_ascii_lower(s.public_url.substr(scheme + 3));
    hosts.push_back(rest.substr(0, rest.find_first_of(":/")));
  }
  return hosts;
}

// What is open to other machines has the name that its certificate has; in development that is nobody's, and whoever reached us by
// HTTP reaches us by SMTP.
std::vector<api::SmtpPlace> make_smtp_places(const Settings& s) {
  std::vector<api::SmtpPlace> places;
  for (const ListenerSettings& listener : s.listeners) {
    const auto address = parse_ip_address(listener.address);
    const bool is_local = address && address->is_loopback();
    if (listener.is_mx()) continue;
    const std::string host = is_local ? listener.address : s.is_development() ? std::string() : effective_hostname(s);
    const bool is_known = std::ranges::any_of(places, [&](const api::SmtpPlace& place) { return place.port == listener.port; });
    if (is_known) continue;
    places.push_back({host, static_cast<std::uint16_t>(listener.port), listener.tls, listener.allow_auth_without_tls});
  }
  return places;
}

api::ApiSettings make_api_settings(const Settings& s) {
  return {.hostname = effective_hostname(s),
          .signup_is_open = s.signup == "open",
          .signup_plan = make_signup_plan(s),
          .max_message_octets = static_cast<std::uint64_t>(s.max_message_octets),
          .max_recipients = static_cast<std::size_t>(s.max_recipients),
          .requests_per_second = static_cast<std::uint32_t>(s.http_requests_per_second),
          .cors_origins = s.http_cors_origins,
          .proxies = {.networks = make_networks(s.http_trusted_proxies),
                      .field = s.http_forwarded_field == "forwarded" ? http::ForwardedField::Forwarded
                                                                     : http::ForwardedField::XForwardedFor},
          .metrics_token = s.http_metrics_token,
          .hosts = make_hosts(s),
          .smtp_places = make_smtp_places(s)};
}

std::unique_ptr<const web::Pages> make_pages(const Settings& s) {
  if (!s.has_dashboard()) return nullptr;
  if (!s.http_dashboard_dir.empty()) return std::make_unique<const web::Pages>(s.http_dashboard_dir);
  return std::make_unique<const web::Pages>(web::embedded_files());
}

std::function<api::ClusterStanding()> make_standing(const ClusterNode* cluster) {
  if (cluster == nullptr) return {};
  return [cluster] {
    const cluster::FollowState state = cluster->state();
    return api::ClusterStanding{.version = state.version, .is_followed = state.trouble.empty(), .age = state.age};
  };
}

std::function<Result<api::ClusterNodes>()> make_nodes(ClusterNode* cluster) {
  if (cluster == nullptr) return {};
  return [cluster]() -> Result<api::ClusterNodes> {
    const auto all = cluster->changes().list_nodes();
    if (!all) return all.error();
    api::ClusterNodes nodes{all->latest, {}};
    for (const cluster::NodeState& node : all->nodes) {
      nodes.nodes.push_back({node.name, node.id == cluster->membership().node, node.applied, node.silent_for,
                             node.silent_for > cluster::kSilence});
    }
    return nodes;
  };
}

}  // namespace

class HttpService::Impl {
 public:
  Impl(const Settings& settings, const HttpServiceParts& parts, std::unique_ptr<auth::SessionTokens> tokens)
      : settings_(settings),
        store_(parts.store),
        tokens_(std::move(tokens)),
        key_scheme_(make_key_scheme(settings)),
        password_throttle_(make_throttle_limits(settings)),
        accounts_(parts.store.directory(), parts.clock, parts.random),
        keys_(parts.store.directory(), key_scheme_, parts.clock, parts.random),
        users_(parts.store.directory(), accounts_, parts.clock, parts.random),
        browsers_(parts.store.directory(), parts.clock, parts.random),
        proofs_(parts.store.directory(), parts.clock, parts.random, make_proof_rules(settings),
                [this, &parts_random = parts.random, &clock = parts.clock, wake = std::cref(parts.submission.wake_queue),
                 mail_settings = make_proof_mail_settings(settings)](const auth::ProofMail& mail) {
                  return submission::send_proof_mail(mail, mail_settings, store_, parts_random, clock.now(), wake.get());
                }),
        domains_(parts.store.directory(), parts.resolver, parts.clock, parts.random,
                 {.spf = make_spf_mechanisms(settings),
                  .seal = [&seal = parts.seal, &random = parts.random](auto& domain) { return seal.seal(domain, random); }}),
        workers_(kWorkers, kMaxWaitingJobs),
        write_workers_(kWorkers, kMaxWaitingJobs),
        password_workers_(kPasswordWorkers, kMaxWaitingSlowJobs),
        domain_workers_(kDomainWorkers, kMaxWaitingSlowJobs),
        webhooks_(parts.store, parts.clock, parts.random, make_webhook_policy(settings),
                  [&events = parts.events] { events.wake_webhooks(); }),
        context_{.store = parts.store,
                 .workers = workers_,
                 .write_workers = write_workers_,
                 .password_workers = password_workers_,
                 .domain_workers = domain_workers_,
                 .authenticator = parts.authenticator,
                 .throttle = parts.throttle,
                 .password_throttle = password_throttle_,
                 .usage = parts.usage,
                 .accounts = accounts_,
                 .keys = keys_,
                 .users = users_,
                 .proofs = proofs_,
                 .tokens = *tokens_,
                 .browsers = browsers_,
                 .domains = domains_,
                 .webhooks = webhooks_,
                 .event_hub = parts.events.hub(),
                 .submission = parts.submission,
                 .clock = parts.clock,
                 .random = parts.random,
                 .settings = make_api_settings(settings),
                 .event_ids = parts.events.ids(),
                 .attachment_links = parts.events.links(),
                 .webhook_attempts = &parts.events.webhook_attempts(),
                 .dialogues = &parts.dialogues,
                 .run_clock = &parts.run_clock,
                 .cluster = make_standing(parts.cluster),
                 .nodes = make_nodes(parts.cluster),
                 .reception = &parts.reception},
        dispatcher_(context_, operation::all_areas()),
        site_(dispatcher_, make_pages(settings), {.hosts = context_.settings.hosts, .proxies = context_.settings.proxies}),
        server_(parts.runtime.io_executors(), site_, parts.clock, parts.random, make_http_options(settings)) {}

  Result<void> listen(net::InheritedListeners& inherited);
  std::vector<std::pair<std::string, int>> descriptors() const { return server_.descriptors(); }
  void start();
  Result<bool> reload(const Settings& settings);
  void close();
  void drain(std::chrono::steady_clock::duration grace);

 private:
  Settings settings_;
  store::Store& store_;
  std::unique_ptr<auth::SessionTokens> tokens_;
  auth::KeyScheme key_scheme_;
  auth::PasswordThrottle password_throttle_;
  auth::AccountAdmin accounts_;
  auth::KeyAdmin keys_;
  auth::UserAdmin users_;
  auth::BrowserSessions browsers_;
  auth::AddressProofs proofs_;
  domains::DomainAdmin domains_;
  net::WorkerPool workers_;
  net::WorkerPool write_workers_;
  net::WorkerPool password_workers_;
  net::WorkerPool domain_workers_;
  events::WebhookAdmin webhooks_;
  api::ApiContext context_;
  api::Dispatcher dispatcher_;
  web::Site site_;
  http::Server server_;
  std::vector<HttpListenerSettings> listening_;  // as they were bound, in the order of server_'s
  ShownCertificates shown_;
};

Result<void> HttpService::Impl::listen(net::InheritedListeners& inherited) {
  for (const HttpListenerSettings& listener : settings_.http_listeners) {
    if (!can_bind(listener.address)) continue;
    auto options = make_listener_options(settings_, listener);
    if (!options) return options.error();
    options->inherited = &inherited;
    if (options->tls) shown_.note(listening_.size(), certificate_files(settings_, listener).certificate, *options->tls);
    if (const Result<void> bound = server_.listen(std::move(*options)); !bound) return bound.error();
    listening_.push_back(listener);
    log::write(log::Level::Info, "listening_http",
               {{"address", listener.address}, {"port", std::uint64_t{server_.ports().back()}}, {"tls", listener.tls}});
  }
  return {};
}

void HttpService::Impl::start() {
  shown_.tell(Door::Http, effective_hostname(settings_), SystemClock().now());
  server_.start();
}

Result<bool> HttpService::Impl::reload(const Settings& settings) {
  ShownCertificates shown;
  auto contexts = load_certificates(settings, settings.http_listeners, listening_, shown);
  if (!contexts) return contexts.error();
  for (auto& [listener, context] : *contexts) server_.set_tls(listener, std::move(context));
  server_.set_admission_limits(make_http_options(settings).admission);
  take_over_settings(settings_, settings);
  domains_.set_spf(make_spf_mechanisms(settings_));
  shown.tell(Door::Http, effective_hostname(settings_), SystemClock().now());
  return shown != std::exchange(shown_, shown);
}

void HttpService::Impl::close() {
  dispatcher_.set_draining();
  server_.close();
}

void HttpService::Impl::drain(std::chrono::steady_clock::duration grace) {
  server_.drain(grace);
  for (net::WorkerPool* pool : {&workers_, &write_workers_, &password_workers_, &domain_workers_}) pool->stop();
}

Result<std::unique_ptr<HttpService>> HttpService::create(const Settings& settings, const HttpServiceParts& parts) {
  const std::filesystem::path token_file = std::filesystem::path(settings.data_dir) / "session-keys";
  const auto lifetime = std::chrono::minutes(settings.session_token_lifetime_minutes);
  const auto key_lifetime = std::chrono::hours(settings.session_key_lifetime_hours);
  auto tokens = settings.cluster_database.empty()
                    ? auth::SessionTokens::open(token_file, lifetime, key_lifetime, parts.clock, parts.random)
                    : auth::SessionTokens::open_shared(make_session_secret(parts.seal), lifetime, key_lifetime, parts.clock,
                                                       parts.random);
  if (!tokens) return tokens.error();
  auto impl = std::make_unique<Impl>(settings, parts, std::move(*tokens));
  return std::unique_ptr<HttpService>(new HttpService(std::move(impl)));
}

HttpService::HttpService(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpService::~HttpService() = default;

Result<void> HttpService::listen(net::InheritedListeners& inherited) { return impl_->listen(inherited); }
std::vector<std::pair<std::string, int>> HttpService::descriptors() const { return impl_->descriptors(); }
void HttpService::start() { impl_->start(); }
Result<bool> HttpService::reload(const Settings& settings) { return impl_->reload(settings); }
void HttpService::close() { impl_->close(); }
void HttpService::drain(std::chrono::steady_clock::duration grace) { impl_->drain(grace); }

}  // namespace postern::app
