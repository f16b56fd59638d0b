// An SMTP server on a free port of 127.0.0.1 with a scripted handler behind it; drained when the object goes.
#pragma once

#include "net/runtime.h"
#include "smtp/server.h"
#include "tests/support/scripted_handler.h"
#include "tests/support/test_certs.h"

#include <chrono>
#include <vector>

namespace postern::test {

struct ServerPlan {
  smtp::Config config;
  HandlerScript script;
  smtp::ServerOptions options;
  std::vector<IpNetwork> proxy_networks{};  // of every listener
  std::vector<CertificateFiles> listeners{test_certs().good()};  // one for each, all of one configuration
};

inline net::TlsServerContext load_context(const CertificateFiles& files) {
  return net::TlsServerContext::load(files.certificate, files.key).value();
}

class RunningServer {
 public:
  explicit RunningServer(ServerPlan plan = {})
      : handler(plan.script), server(runtime.io_executors(), handler, plan.options) {
    if (plan.config.hostname.empty()) plan.config.hostname = TestCerts::kServerName;
    for (const CertificateFiles& files : plan.listeners) {
      server.listen({.address = "127.0.0.1", .tls = load_context(files), .proxy_networks = plan.proxy_networks}, plan.config)
          .value();
    }
    runtime.start();
    server.start();
  }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;
  ~RunningServer() { stop(); }

  void stop(std::chrono::steady_clock::duration grace = std::chrono::seconds{120}) {
    if (is_stopped_) return;
    is_stopped_ = true;
    server.drain(grace);
  }
  std::uint16_t port(std::size_t listener = 0) const { return server.ports()[listener]; }

  net::Runtime runtime{2};
  ScriptedHandler handler;
  smtp::Server server;

 private:
  bool is_stopped_ = false;
};

}  // namespace postern::test
