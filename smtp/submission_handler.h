// The questions that the SMTP shell may ask of the product. One handler for the server, one conversation per connection.
// Shell side: this header knows Asio's awaitable, the protocol core does not include it.
#pragma once

#include "core/clock.h"
#include "core/ip_address.h"
#include "net/awaitable.h"
#include "smtp/session_types.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace postern::smtp {

struct PeerFacts {
  IpAddress address;
  std::uint16_t port = 0;
  std::uint16_t local_port = 0;
};

// What the session knows by the time a message is opened; for the trace header and the record.
struct SessionFacts {
  std::string_view helo_name;
  bool said_ehlo = false;
  const std::optional<TlsFacts>* tls = nullptr;
};

// What the script of a test run wants of the connection before an answer goes out.
struct Interference {
  enum class Hangup { None, Fin, Rst };  // the end of the connection instead of the answer
  Duration delay{0};
  Hangup hangup = Hangup::None;

  bool is_any() const { return delay > Duration{0} || hangup != Hangup::None; }
};

// One connection's questions. Called on the connection's thread, one at a time; may outlive no part of the connection.
// Destroying it abandons whatever is open.
class Conversation {
 public:
  virtual ~Conversation() = default;

  // Before the greeting, and once EHLO or HELO came: said instead of the answer, and the end of the connection. For the scripts of
  // test runs; nobody else refuses there.
  virtual std::optional<Status> judge_connection() { return std::nullopt; }
  virtual std::optional<Status> judge_hello(std::string_view helo_name [[maybe_unused]]) { return std::nullopt; }
  virtual net::Awaitable<AuthenticateAnswer> authenticate(const Credential& credential, SessionFacts facts) = 0;
  virtual Verdict judge_sender(const JudgeSender& question) = 0;
  virtual Verdict judge_recipient(const JudgeRecipient& question) = 0;
  // False: judge_recipient() needs what another machine has to say; it waits for that first, some seconds at most.
  virtual bool is_ready_for_recipient() { return true; }
  virtual net::Awaitable<void> ready_for_recipient() { co_return; }
  virtual OpenAnswer open_message(const OpenMessage& question, SessionFacts facts) = 0;
  virtual net::Awaitable<void> drain_content() = 0;
  virtual net::Awaitable<CommitAnswer> commit_message() = 0;
  // The transaction that judge_sender accepted ends without a commit, whether or not its message was opened.
  virtual void abandon_message() = 0;
  // After an accepted authenticate(): whether anybody will want the session's transcript.
  virtual bool wants_transcript() const { return false; }
  // After an accepted commit_message(), with its reply.
  virtual void keep_transcript(std::string transcript [[maybe_unused]]) {}
  // Asked for after each question, once.
  virtual Interference take_interference() { return {}; }
};

class SubmissionHandler {
 public:
  virtual ~SubmissionHandler() = default;
  // Any I/O thread. The handler outlives every conversation.
  virtual std::unique_ptr<Conversation> open_conversation(const PeerFacts& peer) = 0;
  // The protocol itself refused something of a peer: syntax, order, size, too many connections. `token`: a literal. Any I/O thread.
  virtual void refused(const IpAddress& peer, std::string_view token) = 0;
};

}  // namespace postern::smtp
