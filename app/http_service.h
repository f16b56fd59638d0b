// HttpService: the HTTP half of the daemon: what its endpoints work with, its listeners, the live streams and the webhooks.
#pragma once

#include "app/settings.h"
#include "auth/auth_throttle.h"
#include "auth/authenticator.h"
#include "auth/usage_tracker.h"
#include "core/clock.h"
#include "core/random.h"
#include "core/result.h"
#include "domains/key_seal.h"
#include "net/runtime.h"
#include "store/store.h"
#include "submission/context.h"

#include <chrono>
#include <memory>

namespace postern::api {
class Metrics;
}
namespace postern::app {

// All outlive the service.
struct HttpServiceParts {
  net::Runtime& runtime;  // not started yet
  store::Store& store;
  const auth::Authenticator& authenticator;
  auth::AuthThrottle& throttle;
  auth::UsageTracker& usage;
  const submission::SubmissionContext& submission;
  api::Metrics& metrics;
  const Clock& clock;
  Random& random;
  const domains::KeySeal& seal;
};

// Used from the main thread.
class HttpService {
 public:
  // Opens what it needs beside the store: the resolver, the session tokens' keys, the authorities that webhooks' certificates are
  // checked against. Fails with the reason.
  static Result<std::unique_ptr<HttpService>> create(const Settings& settings, const HttpServiceParts& parts);
  ~HttpService();

  // Binds; nothing is accepted before start().
  Result<void> listen();
  void start();
  // Takes over certificates, connection limits and the routes' SPF; a certificate that cannot be loaded leaves every listener as it
  // was. True: another certificate is shown.
  Result<bool> reload(const Settings& settings);
  // The beginning of the end: no connection is accepted, requests under way go on, streams end, webhooks begin nothing.
  void close();
  // No request and no stream from here on; webhooks under way end, what they had not delivered is delivered after the next start.
  // After close(); blocks.
  void drain(std::chrono::steady_clock::duration grace);
  // A message was committed. Any thread.
  void notify_events();

 private:
  class Impl;
  explicit HttpService(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace postern::app
