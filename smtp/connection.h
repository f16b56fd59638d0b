// Connection: one client's SMTP session on a net::Stream. It moves octets and questions between the session (which knows the
// protocol), the stream and the product's conversation, and keeps the time. It decides nothing about mail.
#pragma once

#include "core/log.h"
#include "core/metrics.h"
#include "net/admission.h"
#include "net/peer.h"
#include "net/stream.h"
#include "net/task_group.h"
#include "net/tls_context.h"
#include "smtp/session.h"
#include "smtp/submission_handler.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

namespace postern::smtp {

// How long a client may take. Each deadline is for a whole command, not for the next octet: a client that sends an octet a
// minute gains nothing.
struct ConnectionTimeouts {
  // RFC 5321 §4.5.3.2.7.
  std::chrono::seconds command{300};
  // From the connection to a successful AUTH, TLS handshakes included. Deviation: RFC 5321 §4.5.3.2.7 gives strangers 300 s for
  // each command; whoever has not said its key yet gets less of our memory.
  std::chrono::seconds before_auth{60};
  std::chrono::seconds tls_handshake{30};
  // For our replies to be taken: they are small, only a client that does not read needs longer.
  std::chrono::seconds write{60};
  // Mail data: this rate on average once the grace is over. The slowest modem was faster.
  std::uint64_t content_octets_per_second = 500;
  std::chrono::seconds content_grace{60};
  // Between two reads of mail data (RFC 5321 §4.5.3.2.5), and for all of it.
  std::chrono::seconds content_block{180};
  std::chrono::seconds content_in_all{3600};
  // For the client to close its side after we hung up on it.
  std::chrono::seconds linger{2};
};

// What a listener's connections share. All of it outlives them.
struct ConnectionContext {
  const Config& config;
  SubmissionHandler& handler;
  ConnectionTimeouts timeouts;
};

class Connection final : public net::Task {
 public:
  // `tls` is needed unless config.tls is None; `admitted` ends with the connection.
  Connection(net::asio::ip::tcp::socket socket, const net::Peer& peer, const ConnectionContext& context,
             std::optional<net::TlsServerContext> tls, std::unique_ptr<net::AdmittedPeer> admitted);
  ~Connection() override;

  net::Awaitable<void> run() override;
  // Says 421 and closes as soon as no transaction is open.
  void stop() override;
  void cancel() override;

 private:
  enum class Next { GoOn, End };

  net::Awaitable<void> converse();
  net::Awaitable<Next> interfere(Interference wanted);
  net::Awaitable<bool> start_implicit_tls();
  void open_session(std::optional<TlsFacts> tls);
  net::Awaitable<Next> perform(NeedInput);
  net::Awaitable<Next> perform(StartTls);
  net::Awaitable<Next> perform(Authenticate question);
  net::Awaitable<Next> perform(JudgeSender question);
  net::Awaitable<Next> perform(JudgeRecipient question);
  net::Awaitable<Next> perform(OpenMessage question);
  net::Awaitable<Next> perform(DrainContent);
  net::Awaitable<Next> perform(CommitMessage);
  net::Awaitable<Next> perform(AbandonMessage);
  net::Awaitable<Next> perform(Close end);

  net::Awaitable<Next> read();
  net::Awaitable<Result<void>> flush();
  net::Awaitable<Result<void>> handshake();
  void set_read_deadline();
  // A read that failed: what the session must know.
  void take_failure(const Error& error);
  void lose(const Error& error);
  SessionFacts facts() const;
  TlsFacts tls_facts() const;
  log::Level closing_level() const;
  void log_opened() const;
  void log_lost(std::string_view stage) const;
  void log_closed() const;

  const ConnectionContext& context_;
  const net::Peer peer_;
  std::unique_ptr<net::AdmittedPeer> admitted_;
  const metrics::Counted counted_;
  std::optional<net::TlsServerContext> tls_;
  net::Stream stream_;
  std::optional<Session> session_;
  std::unique_ptr<Conversation> conversation_;

  using Clock = std::chrono::steady_clock;
  Clock::time_point began_ = Clock::now();
  Clock::time_point command_began_{};       // or the mail data
  std::uint64_t content_octets_ = 0;        // of the mail data being read
  std::uint64_t received_octets_ = 0;
  std::uint64_t committed_ = 0;
  std::optional<Error> loss_;
  bool has_progressed_ = true;              // a command was answered since the last read
  bool was_reading_content_ = false;
  bool is_reading_ = false;
  bool is_stopping_ = false;
  bool is_session_told_ = false;            // that we are stopping
  bool is_cancelled_ = false;
};

// Says one 421 and hangs up: for connections that were turned away.
class RefusedConnection final : public net::Task {
 public:
  // `token`: of the status, a literal.
  RefusedConnection(net::asio::ip::tcp::socket socket, const net::Peer& peer, const ConnectionContext& context, Status status,
                    std::string_view token);

  net::Awaitable<void> run() override;
  void stop() override {}
  void cancel() override;

 private:
  const ConnectionContext& context_;
  const net::Peer peer_;
  net::Stream stream_;
  Status status_;
  std::string_view token_;
};

}  // namespace postern::smtp
