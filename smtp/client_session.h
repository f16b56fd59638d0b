// The client's side of an SMTP session with a next hop: connect, (STARTTLS), (AUTH), then transactions one after another.
// Same shape as smtp/session: bytes and answers in, steps out; no socket, clock, log. The peer is not trusted: replies are
// bounded in line length, lines and count; anything that is not a reply is a protocol error, never executed, never kept raw.
#pragma once

#include "core/envelope.h"
#include "core/ip_address.h"
#include "core/result.h"
#include "core/secret.h"
#include "core/status.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace postern::smtp {

enum class ClientTls { None, IfOffered, Required, Implicit };

enum class Direction {
  Sent,
  SentAhead,  // the next transaction's commands, behind the content of this one
  Received,
};

struct ClientConfig {
  std::string hostname;         // for EHLO
  ClientTls tls = ClientTls::IfOffered;
  std::string user_name;        // AUTH (PLAIN, else LOGIN) if not empty
  Secret password;
  bool verifies_peer = false;            // the handshake fails unless chain and host name are in order (RFC 8689 needs to know)
  bool allows_auth_without_tls = false;  // loopback next hops only
  std::optional<IpAddress> source{};     // that the connection leaves from; nullopt: the machine chooses
  // Told all octets within TLS as they pass, passwords among them: for a trace of a dialogue without AUTH. Empty: nobody is.
  std::function<void(Direction, std::string_view)> transcript{};
};

// What the next hop said it can do, after the last EHLO.
struct ClientCapabilities {
  bool pipelining = false;
  bool size = false;
  std::uint64_t max_octets = 0;  // 0: no limit said
  bool eight_bit_mime = false;
  bool smtputf8 = false;
  bool require_tls = false;
  bool dsn = false;
  bool starttls = false;
  bool auth_plain = false;
  bool auth_login = false;
  bool enhanced_status_codes = false;
};

// One transaction: the envelope's recipients at `recipients`, in that order.
struct ClientTransaction {
  const Envelope* envelope = nullptr;   // outlives the transaction
  std::vector<std::uint32_t> recipients;
  std::uint64_t content_octets = 0;     // before dot-stuffing; exact
  bool is_trial = false;                // ends when all RCPT are answered; who was taken has our own 250
};

// The next hop's word on one recipient: its RCPT refusal, or the reply to end-of-data. Always filled in when the transaction
// is over; where the connection broke, a 4yz of ours (4.4.2 …) that says at which stage.
struct ClientRecipientStatus {
  std::uint32_t recipient = 0;
  Status status;
  bool is_own_word = false;  // the peer did not say it
};

struct ClientNeedInput {};             // flush output, read, then received() or peer_gone()
struct ClientStartTls {};              // flush output, handshake as client, then tls_started() or tls_failed()
struct ClientReady {};                 // greeting, EHLO, TLS and AUTH are done, or the last transaction is: begin() or quit()
struct ClientNeedContent {};           // flush output, then content() with the next piece, or content_failed()
struct ClientClosed {};                // flush output, close: see failure()

using ClientStep = std::variant<ClientNeedInput, ClientStartTls, ClientReady, ClientNeedContent, ClientClosed>;

class ClientSession {
 public:
  // With ClientTls::Implicit the shell has done the handshake before the first next().
  explicit ClientSession(ClientConfig config);
  ClientSession(ClientSession&&) noexcept;
  ~ClientSession();

  ClientStep next();

  std::span<char> input_space();
  void received(std::size_t count);
  void peer_gone();
  void timed_out();
  void tls_started();
  void tls_failed(std::string_view reason);

  // After ClientReady. Where a transaction was begun behind the last one, it is that one.
  void begin(ClientTransaction transaction);
  void quit();
  // After ClientNeedContent: stuffs and queues a piece of any size; `is_last` ends the data (a missing final CRLF is added). A hop
  // that offers CHUNKING gets DATA too: with PIPELINING a chunk saves no round trip, since it must not go out before a recipient
  // was taken (bench/README.md has what it cost).
  // Content holds CRLF line ends only; a bare CR or LF in it is a bug of ours and aborts the connection, never leaves.
  void content(std::string_view piece, bool is_last);
  // The spool cannot give the content: the connection is dropped without ending the data.
  void content_failed();
  // After the last content() and before what it queued is flushed: the next transaction's MAIL, RCPT and DATA leave right behind
  // the final dot (RFC 2920 §3.1). The transaction under way ends as ever; begin() is then called with `next`, or the connection is
  // closed, since QUIT would be content. False, and nothing happens: the peer does not offer PIPELINING, would not take one of the
  // recipients, or they are too many for one group.
  bool begin_behind(const ClientTransaction& next);
  // Of what output() ends with: the commands that begin_behind() queued.
  std::size_t octets_begun_behind() const;
  // Between begin_behind() and its begin(), while the connection stands.
  bool is_begun_behind() const;

  std::string_view output() const;
  void output_sent();

  const ClientCapabilities& capabilities() const;
  bool is_tls() const;
  // After the transaction, at ClientReady or ClientClosed: one entry for each recipient of begin().
  const std::vector<ClientRecipientStatus>& results() const;
  std::vector<ClientRecipientStatus> take_results();  // the same, once
  // Why the connection could not be brought to Ready, or broke; nullopt while it is fine or after an orderly QUIT.
  const std::optional<Status>& failure() const;
  // Of the last transaction: MAIL was refused, by whatever code.
  bool was_mail_refused() const;
  // Of the last transaction: it was refused for AUTH or TLS that the peer wants first, or as out of step, and not for the message.
  bool was_unfit() const;
  // The connection was not brought to Ready because of STARTTLS: it is required and not offered, its reply, the handshake, or what
  // came right behind it.
  bool has_failed_at_tls() const;
  // Replies read so far. A deadline holds for a reply, not for an octet: the shell moves it when this moves.
  std::uint64_t reply_count() const;
  // For logs: "connect", "greeting", "EHLO", "STARTTLS", "AUTH", "RSET", "MAIL", "RCPT", "DATA", "content",
  // "end-of-data", "QUIT". HELO counts as "EHLO".
  std::string_view stage() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace postern::smtp
