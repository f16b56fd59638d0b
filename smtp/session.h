// The server's side of one SMTP submission session (RFC 5321, 6409, 4954, 3207): consumes bytes and answers, produces replies
// and steps. No socket, clock, log or randomness: see smtp/connection.cc for the shell that drives it.
//
// Protocol of use: call next(), do what the step says, give back exactly the input that the step names, call next() again.
// After Close nothing more is called. A session is used by one thread at a time.
#pragma once

#include "smtp/config.h"
#include "smtp/session_types.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postern::smtp {

class Session {
 public:
  // `config` must outlive the session. With TlsMode::Implicit the shell has done the handshake already: pass its facts.
  // The greeting is in the output buffer at once.
  explicit Session(const Config& config, std::optional<TlsFacts> tls = std::nullopt);
  // When the connection was opened, by the shell's clock: the protocol has none. Before anything is received.
  void opened_at(Instant instant);
  // A session that says one refusal (421) instead of its greeting and closes: shutting down, too many connections.
  static Session refused(const Config& config, const Status& status);

  Session(Session&&) noexcept;
  ~Session();

  // The one thing to do now. Calling it again without giving back the input is a bug and aborts.
  Step next();

  // Room for the next read, after NeedInput: at least 1 octet, at most kReadOctets; valid until received().
  std::span<char> input_space();
  // After NeedInput: `count` octets of input_space() were filled. Requires 1 <= count <= input_space().size().
  void received(std::size_t count);
  // At any time: the peer ended the stream or it failed. Takes back the question that is outstanding. next() gives
  // AbandonMessage if a transaction was under way, then Close. Replies not yet sent are dropped.
  void peer_gone();
  // At any time a NeedInput is outstanding: a deadline passed. Says 421 4.4.2, then as peer_gone().
  void timed_out();
  // At any time a NeedInput is outstanding: the server drains. Takes the NeedInput back: call next(). Between transactions it says
  // 421 shutting_down and closes; within one it does so as soon as the transaction has ended.
  void shut_down();
  // After StartTls. Input that came before it was discarded (RFC 3207 §4.2).
  void tls_started(TlsFacts facts);

  void answer(const AuthenticateAnswer& answer);
  void answer(const JudgeAnswer& answer);  // to JudgeSender and JudgeRecipient
  void answer(const OpenAnswer& answer);
  void answer(const CommitAnswer& answer);
  void content_drained();
  void abandoned();

  // Replies not yet sent. The shell sends them all and calls output_sent() before NeedInput, StartTls and Close are acted on.
  // It is bounded (kMaxOutputOctets) by what one input buffer of commands can ask for.
  std::string_view output() const;
  void output_sent();

  // The tokens of what the session itself refused since the last call, in order; literals. What the product refused it knows.
  std::vector<std::string_view> take_refusals();
  bool has_refusals() const;

  // What was said so far, what is to be sent included (smtp/transcript.h). Kept until somebody says that nobody wants it.
  std::string transcript() const;
  void forget_transcript();
  // How often EHLO or HELO was answered.
  unsigned hellos() const;

  // For logs and the trace header; views into the session, until the next input.
  std::string_view helo_name() const;
  bool said_ehlo() const;
  const std::optional<TlsFacts>& tls() const;
  bool is_authenticated() const;
  // True while mail data is being read: the shell then demands a minimum rate instead of a command deadline.
  bool is_reading_content() const;
  // Stage name for "lost after …": "CONNECT", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "END-OF-DATA" …
  std::string_view stage() const;

 private:
  class Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace postern::smtp
