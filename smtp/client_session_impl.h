// Inside of ClientSession. Every command sent is remembered in `awaited_` until its reply came, so pipelined and lock-step
// dialogues are one code path: the front says what a reply answers. Three files define the members:
//   client_session.cc      input, output, replies, failure
//   client_opening.cc      greeting, EHLO, STARTTLS, AUTH
//   client_transaction.cc  MAIL, RCPT, DATA, content, end-of-data
#pragma once

#include "smtp/client_session.h"
#include "smtp/dot_stuffer.h"
#include "smtp/reply_parser.h"

#include <array>
#include <deque>

namespace postern::smtp {

// One read. Replies are short; the largest honest EHLO fits.
inline constexpr std::size_t kClientReadOctets = 4'096;
// Commands sent at one go. With every reply about as long as its command this stays below the smallest default socket
// buffers, so that neither side can wait for the other to read (RFC 2920 §3.1).
inline constexpr std::size_t kMaxGroupOctets = 16'384;
// A longer command goes without its initial response (RFC 4954 §4; RFC 5321 §4.5.3.1.4).
inline constexpr std::size_t kMaxCommandOctets = 512;

class ClientSession::Impl {
 public:
  explicit Impl(ClientConfig config);
  ~Impl();

  ClientStep next();
  std::span<char> input_space() { return buffer_; }
  void received(std::size_t count);
  void peer_gone();
  void timed_out();
  void tls_started();
  void tls_failed(std::string_view reason);
  void begin(ClientTransaction transaction);
  void quit();
  void content(std::string_view piece, bool is_last);
  void content_failed();
  bool begin_behind(const ClientTransaction& next);
  std::size_t octets_begun_behind() const { return octets_begun_behind_; }
  bool is_begun_behind() const { return is_begun_behind_; }
  std::string_view output() const { return output_; }
  void output_sent();
  const ClientCapabilities& capabilities() const { return capabilities_; }
  bool is_tls() const { return is_tls_; }
  const std::vector<ClientRecipientStatus>& results() const { return results_; }
  std::vector<ClientRecipientStatus> take_results() { return std::exchange(results_, {}); }
  const std::optional<Status>& failure() const { return failure_; }
  std::uint64_t reply_count() const { return reply_count_; }
  bool was_mail_refused() const { return is_mail_refused_; }
  bool was_unfit() const { return is_unfit_; }
  bool has_failed_at_tls() const { return has_failed_at_tls_; }
  std::string_view stage() const { return stage_; }

 private:
  enum class Phase { Dialog, Handshake, Ready, Content, Closed };
  enum class Command {
    Greeting, Ehlo, Helo, StartTls, AuthPlain, AuthUserName, AuthPassword, AuthResult,
    Rset, Mail, Rcpt, Data, EndOfData, LoneDot, Quit,
  };
  struct Awaited {
    Command command;
    std::size_t index;  // Rcpt: into results_
  };
  enum class Manner { WithQuit, Abrupt };
  enum class Speaker { Us, Peer };
  enum class Ending { Complete, NeedsReset };

  // Replies and failure.
  void await_reply(Command command, std::size_t index = 0);
  void send(Command command, std::string_view line);
  void read_reply();
  void on_reply(const Reply& reply);
  void handle(const Awaited& awaited, const Reply& reply);
  void fail(Status status, Manner manner, Speaker speaker = Speaker::Us);
  void fail_protocol(std::string_view what);
  std::string_view possible_duplicate() const;

  // Opening.
  void on_greeting(const Reply& reply);
  void on_ehlo(const Reply& reply);
  void on_helo(const Reply& reply);
  void on_starttls(const Reply& reply);
  void say_hello();
  void hello_done();
  void authenticate();
  void begin_auth_plain();
  void on_auth_challenge(Command command, const Reply& reply);
  void on_auth_result(const Reply& reply);
  void refuse_opening(const Reply& reply, EnhancedCode fallback);
  void send_secret(Command command, std::string_view prefix, std::string_view encoded);
  std::string encoded_plain_response() const;
  Reply without_credentials(const Reply& reply) const;

  // Transaction.
  void advance_transaction();
  void send_next_command();
  bool is_trial_over() const;
  std::size_t first_unsent() const;
  void on_rset(const Reply& reply);
  void on_mail(const Reply& reply);
  void on_rcpt(std::size_t index, const Reply& reply);
  void on_data(const Reply& reply);
  void on_end_of_data(const Reply& reply);
  void take_up(ClientTransaction transaction);
  void refuse_unsendable();
  bool is_sendable(const ClientTransaction& transaction) const;
  void settle_rest(const Status& status, Speaker speaker = Speaker::Peer);
  Status refusal_of(const Reply& reply);
  bool has_unsettled() const;
  void finish_transaction(Ending ending);

  ClientConfig config_;
  Phase phase_ = Phase::Dialog;
  std::deque<Awaited> awaited_;
  std::string_view stage_ = "connect";
  std::optional<Status> failure_;
  ClientCapabilities capabilities_;
  bool is_tls_ = false;
  bool was_starttls_refused_ = false;

  std::array<char, kClientReadOctets> buffer_;
  std::string_view input_;  // into buffer_, not yet read
  ReplyParser parser_;
  std::uint64_t reply_count_ = 0;
  std::uint64_t replies_before_tls_ = 0;
  bool has_failed_at_tls_ = false;
  std::string output_;
  bool is_output_secret_ = false;

  // Of the transaction under way, or the last one.
  ClientTransaction transaction_;
  std::vector<ClientRecipientStatus> results_;  // code 0: not settled
  DotStuffer stuffer_;
  std::size_t next_recipient_ = 0;  // the first whose RCPT was not sent
  bool is_in_transaction_ = false;
  bool is_mail_sent_ = false;
  bool is_mail_refused_ = false;
  bool is_data_sent_ = false;
  bool is_unfit_ = false;
  std::size_t octets_begun_behind_ = 0;
  bool is_begun_behind_ = false;  // the next one's commands are out, see begin_behind()
  bool needs_reset_ = false;      // the peer may still hold an unfinished transaction
};

// A refusal that is about the connection or our configuration, as a 4yz: messages wait for it, they do not bounce. The
// peer's words are kept.
Status deferral_from(const Reply& reply, std::string_view stage, EnhancedCode fallback);

}  // namespace postern::smtp
