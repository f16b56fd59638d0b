// HttpService: the HTTP half of the daemon: what its endpoints work with, its listeners, the live streams.
#pragma once

#include "app/event_service.h"
#include "app/settings.h"
#include "auth/auth_throttle.h"
#include "auth/authenticator.h"
#include "auth/usage_tracker.h"
#include "core/clock.h"
#include "core/random.h"
#include "core/result.h"
#include "domains/key_seal.h"
#include "net/inherited_listeners.h"
#include "net/runtime.h"
#include "relay/dialogue.h"
#include "relay/run_clock.h"
#include "store/store.h"
#include "submission/context.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace postern::reception {
struct ReceptionContext;
}
namespace postern::app {

class ClusterNode;  // app/cluster_node.h

// All outlive the service.
struct HttpServiceParts {
  net::Runtime& runtime;  // not started yet
  store::Store& store;
  const auth::Authenticator& authenticator;
  auth::AuthThrottle& throttle;
  auth::UsageTracker& usage;
  const submission::SubmissionContext& submission;
  relay::RunClock& run_clock;
  relay::DialogueBook& dialogues;
  dns::Resolver& resolver;
  EventService& events;
  const Clock& clock;
  Random& random;
  const domains::KeySeal& seal;
  ClusterNode* cluster;  // null: one machine
  const reception::ReceptionContext& reception;
};

// Used from the main thread.
class HttpService {
 public:
  // Opens what it needs beside the store: the session tokens' keys. Fails with the reason.
  static Result<std::unique_ptr<HttpService>> create(const Settings& settings, const HttpServiceParts& parts);
  ~HttpService();

  // Binds; nothing is accepted before start().
  // On sockets of `inherited` where those listen there already.
  Result<void> listen(net::InheritedListeners& inherited);
  // See net::Server::descriptors().
  std::vector<std::pair<std::string, int>> descriptors() const;
  void start();
  // Takes over certificates, connection limits and the routes' SPF; a certificate that cannot be loaded leaves every listener as it
  // was. True: another certificate is shown.
  Result<bool> reload(const Settings& settings);
  // The beginning of the end: no connection is accepted, requests under way go on, streams end.
  void close();
  // No request and no stream from here on. After close(); blocks.
  void drain(std::chrono::steady_clock::duration grace);

 private:
  class Impl;
  explicit HttpService(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace postern::app
