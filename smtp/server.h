// Server: the SMTP listeners.
#pragma once

#include "net/server.h"
#include "smtp/connection.h"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace postern::smtp {

struct ServerOptions {
  net::AdmissionLimits admission;  // for all listeners together
  ConnectionTimeouts timeouts;
};

class Server final : public net::Server {
 public:
  // `handler` outlives the server. Drained, a connection ends its transaction and says 421.
  Server(std::vector<net::Executor> executors, SubmissionHandler& handler, const ServerOptions& options);
  ~Server() override;

  // Binds; nothing is accepted before start(). Requires: options.tls, unless config.tls is None.
  Result<void> listen(net::ListenerOptions options, Config config);

 private:
  struct Contexts;

  std::unique_ptr<net::Task> serve(net::Arrival arrival, std::unique_ptr<net::AdmittedPeer> admitted) override;
  std::unique_ptr<net::Task> turn_away(net::Arrival arrival, net::TurnedAway why) override;
  std::string farewell(std::size_t listener) const override;
  const ConnectionContext& context_for(const net::Arrival& arrival) const;

  SubmissionHandler& handler_;
  const ConnectionTimeouts timeouts_;
  std::vector<std::unique_ptr<Contexts>> contexts_;  // of each listener
};

}  // namespace postern::smtp
