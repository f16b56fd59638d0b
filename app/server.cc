// Reads as the contents page of the daemon: what is built, in which order it starts, and in which it stops.
#include "app/server.h"

#include "app/config.h"
#include "app/config_values.h"
#include "app/http_service.h"
#include "app/listening.h"
#include "app/process.h"
#include "app/write_behind.h"
#include "auth/auth_throttle.h"
#include "auth/authenticator.h"
#include "core/log.h"
#include "http/metrics.h"
#include "net/runtime.h"
#include "net/task_group.h"
#include "relay/dkim_keys.h"
#include "relay/dkim_signer.h"
#include "relay/key_seal.h"
#include "relay/maintenance.h"
#include "relay/queue.h"
#include "relay/smtp_submission.h"
#include "relay/store_watch.h"
#include "smtp/server.h"
#include "store/store.h"

#include <csignal>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace postern::app {
namespace {

constexpr std::chrono::seconds kQueueGrace{10};  // for deliveries under way: what does not end is due again at the next start

// The route table in force; replaced by a reload, read by every connection.
class RouteHolder {
 public:
  explicit RouteHolder(std::vector<relay::Route> routes)
      : table_(std::make_shared<const relay::RouteTable>(std::move(routes))) {}

  std::shared_ptr<const relay::RouteTable> get() const {
    const std::lock_guard lock(mutex_);
    return table_;
  }
  void set(std::shared_ptr<const relay::RouteTable> table) {
    const std::lock_guard lock(mutex_);
    table_ = std::move(table);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const relay::RouteTable> table_;
};

std::uint64_t load_counter(const store::Directory& directory, const AccountId& account, store::CounterPeriod period, Instant at) {
  const auto count = directory.counter(account, period, at);
  return count ? *count : 0;
}

relay::QueueSettings make_queue_settings(const Settings& s) {
  relay::QueueSettings queue;
  queue.policy.retry = make_retry_schedule(s);
  // 0 means never: later than any message lives.
  const bool has_notice = s.delay_notice_hours != 0;
  queue.policy.delay_notice_after = std::chrono::hours(has_notice ? s.delay_notice_hours : s.queue_lifetime_hours + 1);
  queue.notices = {.hostname = effective_hostname(s), .capture_retention = std::chrono::hours(s.capture_retention_hours)};
  return queue;
}

relay::LongLines make_long_lines(const Settings& s) {
  if (s.long_lines == "pass") return relay::LongLines::Pass;
  return s.long_lines == "refuse" ? relay::LongLines::Refuse : relay::LongLines::Encode;
}

relay::SubmissionSettings make_submission_settings(const Settings& s) {
  return {.hostname = effective_hostname(s),
          .simulator_domain = s.simulator_domain,
          .max_received_fields = static_cast<std::uint32_t>(s.max_received_fields),
          .capture_retention = std::chrono::hours(s.capture_retention_hours),
          .shows_client = s.trace_client == "show",
          .long_lines = make_long_lines(s)};
}

smtp::ServerOptions make_server_options(const Settings& s) {
  smtp::ServerOptions options;
  options.admission = {.total = static_cast<std::size_t>(s.max_connections),
                       .per_address = static_cast<std::size_t>(s.max_connections_per_address)};
  options.timeouts.command = std::chrono::seconds(s.command_timeout_seconds);
  options.timeouts.before_auth = std::chrono::seconds(s.preauth_timeout_seconds);
  options.timeouts.content_octets_per_second = static_cast<std::uint64_t>(s.data_min_octets_per_second);
  return options;
}

Result<std::unique_ptr<relay::DkimSigner>> make_signer(const store::Directory& directory, const relay::KeySeal& seal) {
  return relay::DkimSigner::create([&directory, seal](const AccountId& account, std::string_view name) {
    auto domain = directory.find_domain_named(account, name);
    // Of a domain that is looked up as another account's only the name counts.
    if (!domain || !*domain || account == store::kVerifiedOwner) return domain;
    if (Result<void> unsealed = seal.unseal(**domain); !unsealed) {
      relay::wipe_private_keys(**domain);
      domain = unsealed.error();
    }
    return domain;
  });
}

// The seal on signing keys, with which a store of before it is sealed now.
Result<relay::KeySeal> open_seal(const Settings& settings, store::Directory& directory) {
  SystemRandom random;
  auto seal = relay::KeySeal::open(seal_file(settings), random);
  if (!seal) return seal;
  const auto sealed = relay::seal_stored_keys(directory, *seal, random);
  if (!sealed) {
    // A full disk, say: what is not sealed yet is still read.
    log::write(log::Level::Warning, "domains_not_migrated", {{"error", sealed.error().message()}});
  } else if (*sealed > 0) {
    log::write(log::Level::Info, "domains_migrated", {{"count", std::uint64_t{*sealed}}});
  }
  return seal;
}

class Daemon {
 public:
  Daemon(const Settings& settings, std::unique_ptr<store::Store> store, const relay::KeySeal& seal,
         std::unique_ptr<relay::DkimSigner> signer)
      : settings_(settings),
        store_(std::move(store)),
        seal_(seal),
        signer_(std::move(signer)),
        routes_(make_routes(settings)),
        authenticator_(store_->directory(), make_key_scheme(settings)),
        throttle_(make_throttle_limits(settings)),
        quota_([this](const AccountId& account, store::CounterPeriod period, Instant at) {
          return load_counter(store_->directory(), account, period, at);
        }),
        runtime_(static_cast<std::size_t>(settings.io_threads)),
        queue_executor_(runtime_.add_thread("queue")),
        queue_({queue_executor_, *store_, clock_, random_,
                relay::make_transport_factory(queue_executor_, store_->spool(),
                                              {.hostname = effective_hostname(settings),
                                               .simulator_domain = settings.simulator_domain})},
               make_queue_settings(settings), routes_.get()),
        submission_{*store_, authenticator_, quota_, usage_, [this] { return routes_.get(); },
                    [this](const store::DueEntry& due) { message_committed(http::Door::Smtp, due); }, clock_, random_,
                    make_submission_settings(settings), signer_.get()},
        http_submission_(submission_),
        handler_(submission_, throttle_,
                 [this](std::string_view token, relay::RefusalOf what) { refused_over_smtp(token, what); }),
        smtp_(runtime_.io_executors(), handler_, make_server_options(settings)),
        metrics_(clock_),
        write_behind_(*store_, quota_, usage_),
        maintenance_(*store_, clock_, {}),
        store_watch_(*store_) {}

  Result<void> listen();
  void start();
  void reload(const Settings& settings);
  void stop();

 private:
  Result<void> open_http();
  Result<void> reload_listeners(const Settings& settings);
  std::vector<http::GaugeReading> read_gauges() const;
  void message_committed(http::Door door, const store::DueEntry& due) {
    metrics_.count_submission(door);
    queue_.accepted(due);
    if (http_) http_->notify_events();
  }
  void refused_over_smtp(std::string_view token, relay::RefusalOf what) {
    metrics_.count_refusal(http::Door::Smtp, token);
    if (what == relay::RefusalOf::Credential) metrics_.count_auth_failure(http::Door::Smtp);
  }

  Settings settings_;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<store::Store> store_;
  relay::KeySeal seal_;
  std::unique_ptr<relay::DkimSigner> signer_;
  RouteHolder routes_;
  auth::Authenticator authenticator_;
  auth::AuthThrottle throttle_;
  relay::QuotaTable quota_;
  auth::UsageTracker usage_;
  net::Runtime runtime_;
  net::Executor queue_executor_;
  relay::Queue queue_;
  net::TaskGroup queue_task_;
  relay::SubmissionContext submission_;
  relay::SubmissionContext http_submission_;  // the same, counted at the other door
  relay::SmtpSubmission handler_;
  smtp::Server smtp_;
  std::vector<ListenerSettings> listening_;  // as they were bound, in the order of smtp_'s
  http::Metrics metrics_;
  std::unique_ptr<HttpService> http_;        // nullptr: no listener asks for it
  WriteBehind write_behind_;
  relay::Maintenance maintenance_;
  relay::StoreWatch store_watch_;
};

std::vector<http::GaugeReading> Daemon::read_gauges() const {
  std::vector<http::GaugeReading> gauges = {
      {"postern_smtp_connections", "Open SMTP connections.", static_cast<double>(smtp_.connection_count())}};
  const auto usage = store_->spool().usage();
  if (!usage) return gauges;
  gauges.push_back({"postern_queue_messages", "Messages that wait for a delivery attempt.", static_cast<double>(usage->queued)});
  gauges.push_back({"postern_spool_messages", "Messages kept, settled ones too.", static_cast<double>(usage->messages)});
  gauges.push_back({"postern_spool_used_bytes", "Live pages of the spool.", static_cast<double>(usage->used_octets)});
  gauges.push_back({"postern_spool_free_disk_bytes", "Free space on the spool's disk.",
                    static_cast<double>(usage->free_disk_octets)});
  return gauges;
}

Result<void> Daemon::open_http() {
  auto http = HttpService::create(settings_, {.runtime = runtime_,
                                              .store = *store_,
                                              .authenticator = authenticator_,
                                              .throttle = throttle_,
                                              .usage = usage_,
                                              .submission = http_submission_,
                                              .metrics = metrics_,
                                              .clock = clock_,
                                              .random = random_,
                                              .seal = seal_});
  if (!http) return http.error();
  http_ = std::move(*http);
  http_submission_.wake_queue = [this](const store::DueEntry& due) { message_committed(http::Door::Http, due); };
  metrics_.set_gauges([this] { return read_gauges(); });
  return http_->listen();
}

Result<void> Daemon::listen() {
  for (const ListenerSettings& listener : settings_.listeners) {
    if (!can_bind(listener.address)) continue;
    auto options = make_listener_options(settings_, listener);
    if (!options) return options.error();
    const Result<void> bound = smtp_.listen(std::move(*options), make_smtp_config(settings_, listener));
    if (!bound) return bound.error();
    listening_.push_back(listener);
    log::write(log::Level::Info, "listening", {{"address", listener.address}, {"port", listener.port}, {"tls", listener.tls}});
  }
  return settings_.http_listeners.empty() ? Result<void>() : open_http();
}

void Daemon::start() {
  runtime_.start();
  queue_task_.start(queue_executor_, queue_.make_task());
  write_behind_.start();
  maintenance_.start();
  store_watch_.start();
  smtp_.start();
  if (http_) http_->start();
}

// All or none of a kind: a certificate that cannot be loaded leaves its listeners as they were.
Result<void> Daemon::reload_listeners(const Settings& settings) {
  auto contexts = load_certificates(settings, settings.listeners, listening_);
  if (!contexts) return contexts.error();
  if (http_) {
    if (auto reloaded = http_->reload(settings); !reloaded) return reloaded;
  }
  for (auto& [listener, context] : *contexts) smtp_.set_tls(listener, std::move(context));
  smtp_.set_admission_limits(make_server_options(settings).admission);
  return {};
}

void Daemon::reload(const Settings& settings) {
  if (const auto loaded = reload_listeners(settings); !loaded) {
    log::write(log::Level::Error, "reload_failed", {{"what", "certificates"}, {"error", loaded.error().message()}});
    return;
  }
  auto table = std::make_shared<const relay::RouteTable>(make_routes(settings));
  routes_.set(table);
  queue_.replace_routes(table);
  log::write(log::Level::Info, "reloaded", {{"routes", std::uint64_t{table->routes().size()}}});
}

// The reverse of start(): no mail comes in any more, then none goes out, then what is counted is written.
void Daemon::stop() {
  if (http_) http_->stop();
  smtp_.drain(std::chrono::seconds(settings_.shutdown_grace_seconds));
  queue_task_.drain(kQueueGrace);
  maintenance_.stop();
  write_behind_.stop();
  store_watch_.stop();
  // A delivery that was still connecting ends with its thread; then nothing uses the store. Completions of its last commits
  // are posted to executors that stand still but live.
  runtime_.stop();
  http_.reset();
  store_.reset();
}

Error failed_to_start(const std::string& what, const Error& error) {
  log::write(log::Level::Error, "start_failed", {{"what", what}, {"error", error.message()}});
  log::stop();
  return Error(error.code(), what + ": " + (error.context().empty() ? error.message() : error.context()));
}

void reload(Daemon& daemon, const std::filesystem::path& config_file) {
  notify_reloading();
  log::reopen();  // whatever becomes of the rest: who rotates the log waits for it
  const ConfigLoad load = load_config(config_file);
  for (const ConfigProblem& problem : load.problems) {
    log::write(problem.is_warning ? log::Level::Warning : log::Level::Error, "config_problem",
               {{"problem", format_problem(problem)}});
  }
  if (load.is_usable()) {
    daemon.reload(load.settings);
  } else {
    log::write(log::Level::Error, "reload_failed",
               {{"what", "configuration"}, {"error", "it is not usable: what was in force stays"}});
  }
  notify_systemd("READY=1");
}

}  // namespace

Result<void> run_server(const Settings& settings, const std::filesystem::path& config_file) {
  harden_process();
  block_signals();
  log::Setup log_setup = make_log_setup(settings);
  // The journal writes the time itself.
  log_setup.with_time = !log_setup.path.empty() || std::getenv("JOURNAL_STREAM") == nullptr;
  log::start(log_setup);

  auto store = store::Store::open(make_store_options(settings, true));
  if (!store) return failed_to_start("the store cannot be opened", store.error());
  const auto seal = open_seal(settings, (*store)->directory());
  if (!seal) return failed_to_start("the signing keys cannot be sealed", seal.error());
  auto signer = make_signer((*store)->directory(), *seal);
  if (!signer) return failed_to_start("DKIM signing cannot be set up", signer.error());
  Daemon daemon(settings, std::move(*store), *seal, std::move(*signer));
  if (const auto bound = daemon.listen(); !bound) return failed_to_start("cannot listen", bound.error());
  // From here on no new file of the configuration is opened but by a reload.
  daemon.start();
  log::write(log::Level::Info, "started", {{"hostname", effective_hostname(settings)}});
  notify_systemd("READY=1");

  while (next_signal() == SIGHUP) reload(daemon, config_file);

  notify_systemd("STOPPING=1");
  log::write(log::Level::Info, "stopping", {});
  release_signals();
  daemon.stop();
  log::write(log::Level::Info, "stopped", {});
  log::stop();
  return {};
}

}  // namespace postern::app
