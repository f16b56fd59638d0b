// What the endpoints work with. All of it outlives every request; every member may be used from any thread.
#pragma once

#include "api/account_turns.h"
#include "auth/account_admin.h"
#include "auth/auth_throttle.h"
#include "auth/authenticator.h"
#include "auth/key_admin.h"
#include "auth/password_throttle.h"
#include "core/clock.h"
#include "core/random.h"
#include "core/result.h"
#include "core/secret.h"
#include "events/attachment_links.h"
#include "events/event_ids.h"
#include "http/forwarded.h"
#include "net/worker_pool.h"
#include "store/store.h"
#include "submission/context.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace postern::auth {
class UserAdmin;
class SessionTokens;
class BrowserSessions;
class AddressProofs;
}  // namespace postern::auth
namespace postern::domains {
class DomainAdmin;
}
namespace postern::events {
class EventHub;
class WebhookAdmin;
class WebhookAttempts;
}  // namespace postern::events
namespace postern::relay {
class DialogueBook;
class RunClock;
}
namespace postern::reception {
struct ReceptionContext;
}
namespace postern::api {

struct ServiceState;

// Where clients submit: a listener, for who writes their configuration.
struct SmtpPlace {
  std::string host;  // empty: by whatever name the API was reached
  std::uint16_t port = 0;
  std::string tls;             // "none", "starttls", "implicit"
  bool takes_clear_auth = false;  // AUTH without TLS too, where that is on loopback
};

struct ApiSettings {
  std::string hostname;
  bool signup_is_open = false;
  store::Plan signup_plan = *auth::plan_named("starter");  // of accounts that make themselves
  std::uint64_t max_message_octets = 52'428'800;
  std::size_t max_recipients = 1000;
  std::uint32_t requests_per_second = 100;  // of an account's keys, and of its people; those that send mail apart
  std::vector<std::string> cors_origins = {};  // whose pages may call the API; "*": anybody's
  http::TrustedProxies proxies{};
  Secret metrics_token{};  // empty: /metrics is for this machine
  std::vector<std::string> hosts = {};  // by which browsers may call, lower case; beside addresses and localhost
  std::vector<SmtpPlace> smtp_places = {};  // as configured
};

// Of the four workers: who asks for what is slow leaves the others half of them.
inline constexpr std::size_t kJobsAtOnce = 2;
inline constexpr std::size_t kWaitingJobs = 64;      // of one account; one more is 503
inline constexpr std::size_t kSlowJobsAtOnce = 1;    // of one account among the domain workers
inline constexpr std::size_t kRunWaits = 250;        // of one account that are held: a pipeline's runs wait side by side

// How far this machine is in what it shares with others.
struct ClusterStanding {
  std::uint64_t version = 0;
  bool is_followed = false;                        // it hears of the others' changes now
  std::optional<std::chrono::milliseconds> age{};  // since all that was acknowledged is in force here; nullopt: never yet
};

// All machines of the cluster.
struct ClusterNodes {
  struct Node {
    std::string name;
    bool is_this_one = false;
    std::uint64_t version = 0;
    std::chrono::milliseconds silent_for{0};
    bool is_silent = false;  // for so long that nobody waits for it
  };
  std::uint64_t latest = 0;
  std::vector<Node> nodes;
};

struct ApiContext {
  store::Store& store;
  net::WorkerPool& workers;          // what blocks for a moment: reads, composing and parsing
  net::WorkerPool& write_workers;    // what waits for a sync: every admin class, every directory write
  // Apart, so that who asks for what is slow keeps nobody else waiting:
  net::WorkerPool& password_workers;  // sign-up and login, which strangers ask for; a hash is some tens of milliseconds
  net::WorkerPool& domain_workers;    // DNS look-ups, as slow as somebody's name server, and DKIM keys
  const auth::Authenticator& authenticator;
  auth::AuthThrottle& throttle;
  auth::PasswordThrottle& password_throttle;
  auth::UsageTracker& usage;
  auth::AccountAdmin& accounts;
  auth::KeyAdmin& keys;
  auth::UserAdmin& users;
  auth::AddressProofs& proofs;
  auth::SessionTokens& tokens;
  auth::BrowserSessions& browsers;
  domains::DomainAdmin& domains;
  events::WebhookAdmin& webhooks;
  events::EventHub& event_hub;               // wakes live streams and webhooks when the spool has new events
  const submission::SubmissionContext& submission;
  const Clock& clock;
  Random& random;
  ApiSettings settings;
  events::EventIds event_ids{};
  events::AttachmentLinks attachment_links{};
  events::WebhookAttempts* webhook_attempts = nullptr;  // nullptr: nothing is known of them
  relay::DialogueBook* dialogues = nullptr;             // nullptr: what was said to next hops is not kept
  relay::RunClock* run_clock = nullptr;                 // nullptr: no run has one
  std::function<ClusterStanding()> cluster{};           // empty: one machine
  std::function<Result<ClusterNodes>()> nodes{};        // likewise; asks the database, and blocks
  const reception::ReceptionContext* reception = nullptr;  // nullptr: nothing is brought in
  const ServiceState* service = nullptr;  // set by the dispatcher
  AccountTurns turns{kJobsAtOnce, kWaitingJobs};             // at `workers`
  AccountTurns write_turns{kJobsAtOnce, kWaitingJobs};       // at `write_workers`
  AccountTurns slow_turns{kSlowJobsAtOnce, kWaitingJobs};    // at `domain_workers`
  AccountTurns wait_turns{kRunWaits, 0};                     // requests that are held until a run has some mail
  AccountTurns look_turns{kJobsAtOnce, kRunWaits};           // their looks, at `workers`
};

}  // namespace postern::api
