// Reads as the contents page of the daemon: what is built, in which order it starts, and in which it stops.
#include "app/server.h"

#include "app/cluster_node.h"
#include "app/config.h"
#include "app/config_values.h"
#include "app/event_service.h"
#include "app/http_service.h"
#include "app/listening.h"
#include "app/process.h"
#include "app/queue_settings.h"
#include "app/route_holder.h"
#include "app/settings_change.h"
#include "app/shaping_file.h"
#include "app/signing.h"
#include "app/tls_reporting.h"
#include "app/version.h"
#include "app/write_behind.h"
#include "auth/auth_throttle.h"
#include "auth/authenticator.h"
#include "core/log.h"
#include "core/metrics.h"
#include "core/operator_log.h"
#include "dns/unbound_resolver.h"
#include "domains/dkim_signer.h"
#include "domains/key_seal.h"
#include "net/runtime.h"
#include "net/task_group.h"
#include "lab/script_text.h"
#include "relay/queue.h"
#include "relay/run_catch_up.h"
#include "reception/return_reader.h"
#include "reception/smtp_reception.h"
#include "relay/transports.h"
#include "smtp/server.h"
#include "store/maintenance.h"
#include "store/notebook.h"
#include "store/store.h"
#include "store/store_watch.h"
#include "submission/smtp_submission.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace postern::app {
namespace {

// Behind shutdown_grace_seconds: for what is counted to be written, and for threads to end that nothing keeps.
constexpr std::chrono::seconds kLastResort{5};
// Between two looks whether every thread still runs: longer than any work on one of them.
constexpr std::chrono::milliseconds kLookEvery{10'000};

metrics::Gauge started_at("process_start_time_seconds", "When the process started, in seconds since the epoch.");
metrics::Gauge build_info("postern_build_info", "1, with the version in its label.", {{"version", {std::string(kVersion)}}});

std::uint64_t load_counter(const store::Directory& directory, const AccountId& account, store::CounterPeriod period, Instant at) {
  const auto count = directory.counter(account, period, at);
  return count ? *count : 0;
}

submission::LongLines make_long_lines(const Settings& s) {
  if (s.long_lines == "pass") return submission::LongLines::Pass;
  return s.long_lines == "refuse" ? submission::LongLines::Refuse : submission::LongLines::Encode;
}

submission::SubmissionSettings make_submission_settings(const Settings& s) {
  return {.hostname = effective_hostname(s),
          .simulator_domain = s.simulator_domain,
          .max_received_fields = static_cast<std::uint32_t>(s.max_received_fields),
          .capture_retention = std::chrono::hours(s.capture_retention_hours),
          .shows_client = s.trace_client == "show",
          .long_lines = make_long_lines(s),
          .run_ports = make_run_ports(s),
          .longest_hold = std::chrono::days(s.max_hold_days)};
}

smtp::ServerOptions make_smtp_options(const Settings& s) {
  smtp::ServerOptions options;
  options.admission = {.total = static_cast<std::size_t>(s.max_connections),
                       .per_address = static_cast<std::size_t>(s.max_connections_per_address)};
  options.timeouts.command = std::chrono::seconds(s.command_timeout_seconds);
  options.timeouts.before_auth = std::chrono::seconds(s.preauth_timeout_seconds);
  options.timeouts.content_octets_per_second = static_cast<std::uint64_t>(s.data_min_octets_per_second);
  return options;
}

smtp::ServerOptions make_mx_options(const Settings& s) {
  smtp::ServerOptions options = make_smtp_options(s);
  options.admission = {.total = static_cast<std::size_t>(s.mx_max_connections),
                       .per_address = static_cast<std::size_t>(s.mx_max_connections_per_address)};
  return options;
}

reception::ReceptionSettings make_reception_settings(const Settings& s) {
  return {.hostname = effective_hostname(s),
          .retention = std::chrono::hours(s.inbound_retention_hours),
          .max_received_fields = static_cast<std::uint32_t>(s.max_received_fields),
          .messages_per_second = static_cast<std::uint32_t>(s.inbound_messages_per_second),
          .greylist_delay = std::chrono::seconds(s.inbound_greylist_seconds),
          .check_limit = std::chrono::seconds(s.inbound_check_seconds)};
}

// Signed with a key that only this store has.
struct SignedWays { domains::ReturnPaths return_paths; domains::UnsubscribeLinks unsubscribe_links; };
Result<SignedWays> make_signed_ways(const Settings& settings, store::Store& store) {
  SystemRandom random;
  const auto key = store.spool().event_id_key(random);
  if (!key) return key.error();
  return SignedWays{{key->octets, settings.return_path_domain, std::chrono::days(settings.return_path_days)},
                    {key->octets, make_public_url(settings)}};
}

// What is only remembered keeps no mail from being sent.
std::unique_ptr<store::Notebook> open_notebook(const Settings& settings) {
  auto notebook = store::Notebook::open(settings.data_dir);
  if (notebook) return std::move(*notebook);
  log::write(log::Level::Warning, "notebook_not_opened", {{"error", notebook.error().message()}});
  return nullptr;
}

// The SMTP listeners of one role.
struct SmtpDoor {
  smtp::Server server;
  std::vector<ListenerSettings> bound{};  // in the order of the server's
  ShownCertificates shown{};
};

class Daemon {
 public:
  Daemon(const Settings& settings, std::unique_ptr<store::Store> store, std::unique_ptr<ClusterNode> cluster,
         const domains::KeySeal& seal,
         std::unique_ptr<domains::DkimSigner> signer, std::unique_ptr<dns::Resolver> resolver,
         std::unique_ptr<store::Notebook> notebook, std::shared_ptr<const relay::Shaping> shaping,
         const SignedWays& signed_ways)
      : settings_(settings),
        store_(std::move(store)),
        cluster_(std::move(cluster)),
        notebook_(std::move(notebook)),
        tls_results_(notebook_ ? relay::make_tls_results(*notebook_) : nullptr),
        resolver_(std::move(resolver)),
        return_paths_(signed_ways.return_paths),
        seal_(seal),
        signer_(std::move(signer)),
        routes_(make_route_table(settings)),
        shapers_(std::make_shared<relay::ProviderShapers>(std::move(shaping))),
        authenticator_(store_->directory(), make_key_scheme(settings)),
        throttle_(make_throttle_limits(settings)),
        quota_([this](const AccountId& account, store::CounterPeriod period, Instant at) {
          return load_counter(store_->directory(), account, period, at);
        }, cluster_ ? &cluster_->quotas() : nullptr),
        runtime_(static_cast<std::size_t>(settings.io_threads)),
        queue_executor_(runtime_.add_thread("queue")),
        runs_(store_->spool(), lab::compile_script),
        run_clock_(*store_, runs_, random_, make_run_clock_settings(settings)),
        catch_up_(*store_, run_clock_, [this] { events_->notify(); }),
        queue_({queue_executor_, *store_, clock_, random_,
                relay::make_transport_factory(queue_executor_, store_->spool(),
                                              {.hostname = effective_hostname(settings),
                                               .simulator_domain = settings.simulator_domain,
                                               .signer = signer_.get(),
                                               .resolver = resolver_.get(),
                                               .mx_rules = make_plan_rules(settings),
                                               .clock = &clock_,
                                               .return_paths = &return_paths_,
                                               .notebook = notebook_.get(),
                                               .tls_results = tls_results_,
                                               .runs = &runs_,
                                               .shapers = shapers_,
                                               .dialogues = &dialogues_})},
               make_queue_settings(settings), routes_.get()),
        submission_{*store_, authenticator_, quota_, usage_, [this] { return routes_.get(); },
                    [this](const store::DueEntry& due) { message_committed(due); }, clock_, random_,
                    make_submission_settings(settings), signer_.get(), cluster_ ? &cluster_->claims() : nullptr, &runs_,
                    signed_ways.unsubscribe_links, &refusals_},
        handler_(submission_, throttle_),
        smtp_{smtp::Server(runtime_.io_executors(), handler_, make_smtp_options(settings))},
        reception_{*store_, return_paths_, *resolver_, clock_, random_, [this](bool is_unread) { mail_received(is_unread); },
                   make_reception_settings(settings)},
        mx_handler_(reception_),
        mx_{smtp::Server(runtime_.io_executors(), mx_handler_, make_mx_options(settings))},
        return_reader_(runtime_.add_thread("reception"), reception_, make_forwarding(settings), [this] { events_->notify(); }),
        write_behind_(*store_, quota_, usage_, settings.metrics_file, &runs_),
        maintenance_(*store_, clock_, {}),
        store_watch_(*store_, settings_.spool_max_octets) {}

  // Makes every thread that there will be, and all that may fail. Throws std::system_error where a thread cannot be made.
  Result<void> prepare();
  Result<void> listen();
  void start();
  // All or nothing: on failure everything is as it was.
  Result<void> reload(const Settings& settings);
  void stop();
  std::vector<std::string> find_stalled_threads() { return runtime_.find_stalled(); }

 private:
  Result<void> open_http();
  void start_tls_reports();
  void leave_with_manager(const std::vector<std::string>& dropped);
  Result<void> listen(SmtpDoor& door, const ListenerSettings& listener, net::InheritedListeners& inherited);
  void mail_received(bool is_unread) {
    if (is_unread) return_reader_.wake();
    events_->notify();
  }
  reception::ForwarderParts make_forwarding(const Settings& settings) {
    return {.store = *store_,
            .return_paths = return_paths_,
            .find_domain = make_find_domain(store_->directory(), seal_),
            .signer = signer_.get(),
            .quota = quota_,
            .clock = clock_,
            .wake_queue = [this](const store::DueEntry& due) { message_committed(due); },
            .settings = {.per_route_and_day = static_cast<std::uint64_t>(settings.forwards_per_route_and_day),
                         .per_account_and_day = static_cast<std::uint64_t>(settings.forwards_per_account_and_day)}};
  }
  Result<bool> reload_certificates(const Settings& settings);
  void message_committed(const store::DueEntry& due) {
    if (store::is_clock_lane(due.lane)) {
      catch_up_.accepted(due);
    } else {
      queue_.accepted(due);
    }
    events_->notify();
  }

  void tell_run(const AccountId& account, const std::string& run) {
    const auto told = run_clock_.tell(account, run);
    if (!told && told.error().code() != ErrorCode::NotFound) operator_log::maintenance_failed("tell webhooks", told.error());
  }

  Settings settings_;  // in force: what a reload takes over is put in
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<ClusterNode> cluster_;  // null: one machine
  std::unique_ptr<store::Notebook> notebook_;  // null: it could not be opened, and nothing is remembered
  std::shared_ptr<reports::TlsResults> tls_results_;  // the queue's thread uses it
  std::unique_ptr<dns::Resolver> resolver_;
  domains::ReturnPaths return_paths_;
  domains::KeySeal seal_;
  std::unique_ptr<domains::DkimSigner> signer_;
  RouteHolder routes_;
  std::shared_ptr<relay::ProviderShapers> shapers_;  // the queue's thread uses it
  auth::Authenticator authenticator_;
  auth::AuthThrottle throttle_;
  submission::QuotaTable quota_;
  auth::UsageTracker usage_;
  net::Runtime runtime_;
  net::Executor queue_executor_;
  relay::RunBook runs_;
  relay::DialogueBook dialogues_;
  submission::RefusalBook refusals_;
  relay::RunClock run_clock_;
  relay::RunCatchUp catch_up_;
  relay::Queue queue_;
  net::TaskGroup queue_task_;
  submission::SubmissionContext submission_;
  submission::SmtpSubmission handler_;
  SmtpDoor smtp_;
  reception::ReceptionContext reception_;
  reception::SmtpReception mx_handler_;
  SmtpDoor mx_;
  reception::ReturnReader return_reader_;
  std::unique_ptr<EventService> events_;     // made by prepare(), like:
  std::unique_ptr<HttpService> http_;        // nullptr: no listener asks for it
  WriteBehind write_behind_;
  store::Maintenance maintenance_;
  store::StoreWatch store_watch_;
};

Result<void> Daemon::open_http() {
  auto http = HttpService::create(settings_, {.runtime = runtime_,
                                              .store = *store_,
                                              .authenticator = authenticator_,
                                              .throttle = throttle_,
                                              .usage = usage_,
                                              .submission = submission_,
                                              .run_clock = run_clock_,
                                              .dialogues = dialogues_,
                                              .resolver = *resolver_,
                                              .events = *events_,
                                              .clock = clock_,
                                              .random = random_,
                                              .seal = seal_,
                                              .cluster = cluster_.get(),
                                              .reception = reception_});
  if (!http) return http.error();
  http_ = std::move(*http);
  return {};
}

Result<void> Daemon::prepare() {
  started_at.set(std::chrono::duration<double>(clock_.now().time_since_epoch()).count());
  build_info.at(0).set(1);
  auto events = EventService::create(
      settings_, {.runtime = runtime_, .store = *store_, .resolver = *resolver_, .clock = clock_, .random = random_});
  if (!events) return events.error();
  events_ = std::move(*events);
  if (!settings_.http_listeners.empty()) {
    if (auto opened = open_http(); !opened) return opened;
  }
  runtime_.start();
  run_clock_.set_listener(
      &events_->listen_to_runs([this](const AccountId& account, const std::string& run) { tell_run(account, run); }));
  catch_up_.start();
  if (notebook_) write_behind_.keep_refusals(refusals_, *notebook_);
  write_behind_.start();
  maintenance_.start();
  store_watch_.start();
  if (cluster_) cluster_->start();
  return {};
}

Result<void> Daemon::listen(SmtpDoor& door, const ListenerSettings& listener, net::InheritedListeners& inherited) {
  auto options = make_listener_options(settings_, listener);
  if (!options) return options.error();
  options->inherited = &inherited;
  if (options->tls) {
    door.shown.note(door.bound.size(), certificate_files(settings_, listener).certificate, *options->tls);
  }
  const Result<void> bound = door.server.listen(std::move(*options), make_smtp_config(settings_, listener));
  if (!bound) return bound.error();
  door.bound.push_back(listener);
  log::write(log::Level::Info, "listening",
             {{"address", listener.address}, {"port", listener.port}, {"role", listener.role}, {"tls", listener.tls}});
  return {};
}

Result<void> Daemon::listen() {
  auto inherited = net::InheritedListeners::from_environment();
  for (const ListenerSettings& listener : settings_.listeners) {
    if (!can_bind(listener.address)) continue;
    if (auto bound = listen(listener.is_mx() ? mx_ : smtp_, listener, inherited); !bound) return bound;
  }
  if (http_) {
    if (auto bound = http_->listen(inherited); !bound) return bound;
  }
  leave_with_manager(inherited.close_rest());
  smtp_.shown.tell(Door::Smtp, effective_hostname(settings_), clock_.now());
  mx_.shown.tell(Door::Mx, effective_hostname(settings_), clock_.now());
  return {};
}

// So that the next process has them, and nobody is refused in between.
void Daemon::leave_with_manager(const std::vector<std::string>& dropped) {
  for (const std::string& name : dropped) notify_systemd("FDSTOREREMOVE=1\nFDNAME=" + name);
  auto kept = smtp_.server.descriptors();
  std::ranges::move(mx_.server.descriptors(), std::back_inserter(kept));
  if (http_) std::ranges::move(http_->descriptors(), std::back_inserter(kept));
  for (const auto& [name, descriptor] : kept) notify_systemd("FDSTORE=1\nFDNAME=" + name, descriptor);
}

void Daemon::start() {
  operator_log::name_accounts([this](const AccountId& id) {
    const auto account = store_->directory().find_account(id);
    return account && *account ? (*account)->name : std::string();
  });
  queue_task_.start(queue_executor_, queue_.make_task());
  if (notebook_) start_tls_reports();
  events_->start();
  smtp_.server.start();
  mx_.server.start();
  return_reader_.wake();
  if (http_) http_->start();
}

void Daemon::start_tls_reports() {
  auto task = make_tls_reports(settings_, {.executor = queue_executor_,
                                           .store = *store_,
                                           .notebook = *notebook_,
                                           .resolver = *resolver_,
                                           .clock = clock_,
                                           .random = random_,
                                           .signer = signer_.get(),
                                           .flush = [this] { tls_results_->flush(); },
                                           .committed = [this](const store::DueEntry& due) { queue_.accepted(due); }});
  if (task) queue_task_.start(queue_executor_, std::move(task));
}

// True: another certificate is shown. One that cannot be loaded leaves every listener as it was.
Result<bool> Daemon::reload_certificates(const Settings& settings) {
  using Contexts = std::vector<std::pair<std::size_t, net::TlsServerContext>>;
  struct Loaded {
    SmtpDoor* door;
    ShownCertificates shown{};
    Contexts contexts{};
  };
  std::array<Loaded, 2> doors = {{{.door = &smtp_}, {.door = &mx_}}};
  for (Loaded& loaded : doors) {
    auto contexts = load_certificates(settings, settings.listeners, loaded.door->bound, loaded.shown);
    if (!contexts) return contexts.error();
    loaded.contexts = std::move(*contexts);
  }
  Result<bool> is_changed = false;
  if (http_) is_changed = http_->reload(settings);
  if (!is_changed) return is_changed;
  for (Loaded& loaded : doors) {
    for (auto& [listener, context] : loaded.contexts) loaded.door->server.set_tls(listener, std::move(context));
    loaded.shown.tell(loaded.door == &mx_ ? Door::Mx : Door::Smtp, effective_hostname(settings_), clock_.now());
    is_changed = (loaded.shown != std::exchange(loaded.door->shown, loaded.shown)) || *is_changed;
  }
  return is_changed;
}

// What can fail comes first.
Result<void> Daemon::reload(const Settings& settings) {
  auto table = std::make_shared<const relay::RouteTable>(make_route_table(settings));
  const auto shaping = make_shaping(settings);
  if (!shaping) return shaping.error();
  SettingsChange change = compare_settings(settings_, settings);
  const Result<bool> is_certificate_changed = reload_certificates(settings);
  if (!is_certificate_changed) return is_certificate_changed.error();
  if (*is_certificate_changed) change.taken_over.emplace_back("certificates");
  smtp_.server.set_admission_limits(make_smtp_options(settings).admission);
  mx_.server.set_admission_limits(make_mx_options(settings).admission);
  routes_.set(table);
  relay::replace_shaping(queue_executor_, shapers_, *shaping);
  queue_.replace_routes(table);
  take_over_settings(settings_, settings);
  log::write(log::Level::Info, "reloaded",
             {{"routes", std::uint64_t{settings_.routes.size()}}, {"taken_over", joined(change.taken_over)}});
  if (!change.waiting.empty()) log::write(log::Level::Warning, "restart_needed", {{"keys", joined(change.waiting)}});
  return {};
}

// No mail comes in any more and no delivery begins; what is under way has one time for all of it; then what is counted is written.
void Daemon::stop() {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(settings_.shutdown_grace_seconds);
  const auto left = [deadline] {
    return std::max(deadline - std::chrono::steady_clock::now(), std::chrono::steady_clock::duration::zero());
  };
  smtp_.server.close();
  mx_.server.close();
  if (http_) http_->close();
  events_->close();
  queue_task_.stop_all();
  if (http_) http_->drain(left());
  events_->drain(left());
  smtp_.server.drain(left());
  mx_.server.drain(left());
  queue_task_.drain(left());
  catch_up_.stop();
  maintenance_.stop();
  write_behind_.stop();
  store_watch_.stop();
  operator_log::name_accounts({});
  // A delivery that was still connecting ends with its thread; then nothing uses the store. Completions of its last commits
  // are posted to executors that stand still but live.
  runtime_.stop();
  http_.reset();
  events_.reset();
  if (cluster_) cluster_->stop();
  cluster_.reset();
  store_.reset();
}

Error failed_to_start(const std::string& what, const Error& error) {
  log::write(log::Level::Error, "start_failed", {{"what", what}, {"error", error.message()}});
  log::stop();
  return Error(error.code(), what + ": " + (error.context().empty() ? error.message() : error.context()));
}

void reload_failed(std::string_view what, std::string_view error, bool has_log_file) {
  log::write(log::Level::Error, "reload_failed", {{"what", what}, {"error", error}});
  if (has_log_file) log::tell_standard_error("postern: reload_failed: " + std::string(what) + ": " + std::string(error));
}

// The log first: who rotates it waits for that.
void reload(Daemon& daemon, const std::filesystem::path& config_file, bool has_log_file) {
  if (const auto reopened = log::reopen(); !reopened) {
    return reload_failed("log_file", reopened.error().message(), has_log_file);
  }
  const ConfigLoad load = load_config(config_file);
  for (const ConfigProblem& problem : load.problems) {
    log::write(problem.is_warning ? log::Level::Warning : log::Level::Error, "config_problem",
               {{"problem", format_problem(problem)}});
  }
  if (!load.is_usable()) {
    return reload_failed("configuration", "it is not usable: what was in force stays", has_log_file);
  }
  const auto loaded = daemon.reload(load.settings);
  if (!loaded) reload_failed("certificates", loaded.error().message(), has_log_file);
}

// SIGHUP. Whatever fails, the server serves on as it did.
void reload_guarded(Daemon& daemon, const std::filesystem::path& config_file, bool has_log_file) {
  notify_reloading();
  try {
    reload(daemon, config_file, has_log_file);
  } catch (const std::exception& failure) {
    reload_failed("resources", failure.what(), has_log_file);
  }
  notify_systemd("READY=1");
}

// Everything before the first connection; on failure nothing is left of it.
Result<std::unique_ptr<Daemon>> start_daemon(const Settings& settings) {
  const StartWatch watch;
  auto store = store::Store::open(make_store_options(settings, true));
  if (!store) return failed_to_start("the store cannot be opened", store.error());
  auto cluster = ClusterNode::open_for_server(settings, **store);
  if (!cluster) return failed_to_start("it is no node of a cluster", cluster.error());
  const auto seal = open_seal(settings, (*store)->directory());
  if (!seal) return failed_to_start("the signing keys cannot be sealed", seal.error());
  auto signer = domains::DkimSigner::create(make_find_domain((*store)->directory(), *seal));
  if (!signer) return failed_to_start("DKIM signing cannot be set up", signer.error());
  const auto signed_ways = make_signed_ways(settings, **store);
  if (!signed_ways) return failed_to_start("return paths cannot be signed", signed_ways.error());
  auto resolver = dns::open_resolver(make_resolver_settings(settings));
  if (!resolver) return failed_to_start("the DNS cannot be asked", resolver.error());
  const auto shaping = make_shaping(settings);
  if (!shaping) return failed_to_start("shaping_file cannot be used", shaping.error());
  auto daemon = std::make_unique<Daemon>(settings, std::move(*store), std::move(*cluster), *seal, std::move(*signer),
                                         std::move(*resolver), open_notebook(settings), *shaping, *signed_ways);
  if (const auto prepared = daemon->prepare(); !prepared) return failed_to_start("cannot be set up", prepared.error());
  if (const auto bound = daemon->listen(); !bound) return failed_to_start("cannot listen", bound.error());
  return daemon;
}

// With the log, which is the first to need a thread.
Result<std::unique_ptr<Daemon>> start_guarded(const Settings& settings, const log::Setup& log_setup) {
  const std::string what = "the machine does not give what the server needs";
  try {
    if (const auto started = log::start(log_setup); !started) return started.error();
    return start_daemon(settings);
  } catch (const std::bad_alloc&) {
    return failed_to_start(what, Error(ErrorCode::LimitExceeded, "no memory; limits: " + describe_limits()));
  } catch (const std::system_error& failure) {
    const std::string why = std::string("a thread cannot be made: ") + failure.what() + "; limits: " + describe_limits();
    return failed_to_start(what, Error(ErrorCode::LimitExceeded, why));
  }
}

// The manager hears WATCHDOG=1 only while every thread answers.
void look_after_threads(Daemon& daemon, bool& was_stalled) {
  const std::vector<std::string> stalled = daemon.find_stalled_threads();
  if (stalled.empty()) notify_systemd("WATCHDOG=1");
  if (!stalled.empty() && !was_stalled) log::write(log::Level::Error, "threads_stalled", {{"threads", joined(stalled)}});
  was_stalled = !stalled.empty();
}

// Until SIGTERM or SIGINT.
void serve_until_told(Daemon& daemon, const std::filesystem::path& config_file, bool has_log_file) {
  using std::chrono::steady_clock;
  const std::chrono::milliseconds wanted = watchdog_interval();
  const std::chrono::milliseconds look_every = wanted.count() > 0 ? std::min(wanted / 2, kLookEvery) : kLookEvery;
  auto next_look = steady_clock::now() + look_every;
  bool was_stalled = false;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_look - steady_clock::now());
    const std::optional<int> signal = next_signal(std::max(left, std::chrono::milliseconds(0)));
    if (signal && *signal != SIGHUP) return;
    if (signal) reload_guarded(daemon, config_file, has_log_file);
    if (steady_clock::now() < next_look) continue;
    look_after_threads(daemon, was_stalled);
    next_look = steady_clock::now() + look_every;
  }
}

}  // namespace

Result<void> run_server(const Settings& settings, const std::filesystem::path& config_file) {
  harden_process();
  block_signals();
  log::Setup log_setup = make_log_setup(settings);
  // The journal writes the time itself.
  log_setup.with_time = !log_setup.path.empty() || std::getenv("JOURNAL_STREAM") == nullptr;

  auto daemon = start_guarded(settings, log_setup);
  if (!daemon) return daemon.error();
  // From here on no new file of the configuration is opened but by a reload.
  (*daemon)->start();
  log::write(log::Level::Info, "started", {{"hostname", effective_hostname(settings)}});
  notify_systemd("READY=1");
  serve_until_told(**daemon, config_file, !log_setup.path.empty());

  notify_systemd("STOPPING=1");
  log::write(log::Level::Info, "stopping", {});
  release_signals();
  end_at_the_latest_after(std::chrono::seconds(settings.shutdown_grace_seconds) + kLastResort);
  (*daemon)->stop();
  log::write(log::Level::Info, "stopped", {});
  log::stop();
  return {};
}

}  // namespace postern::app
