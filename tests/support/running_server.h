// An SMTP server on a free port of 127.0.0.1 with a scripted handler behind it; drained when the object goes.
#pragma once

#include "net/runtime.h"
#include "smtp/server.h"
#include "tests/support/scripted_handler.h"
#include "tests/support/test_certs.h"

#include <chrono>

namespace postern::test {

struct ServerPlan {
  smtp::Config config;
  HandlerScript script;
  smtp::ServerOptions options;
};

class RunningServer {
 public:
  explicit RunningServer(ServerPlan plan = {})
      : handler(plan.script), server(runtime.io_executors(), handler, plan.options) {
    server.set_tls(net::TlsServerContext::load(test_certs().good().certificate, test_certs().good().key).value());
    if (plan.config.hostname.empty()) plan.config.hostname = TestCerts::kServerName;
    server.listen({.address = "127.0.0.1", .port = 0, .config = plan.config}).value();
    runtime.start();
    server.start();
  }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;
  ~RunningServer() { stop(); }

  void stop(std::chrono::steady_clock::duration grace = std::chrono::seconds{20}) {
    if (is_stopped_) return;
    is_stopped_ = true;
    server.drain(grace);
  }
  std::uint16_t port() const { return server.ports().front(); }

  net::Runtime runtime{2};
  ScriptedHandler handler;
  smtp::Server server;

 private:
  bool is_stopped_ = false;
};

}  // namespace postern::test
