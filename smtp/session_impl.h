// The session's inside, shared by session.cc (framing and steps) and session_commands.cc (a function a verb).
#pragma once

#include "core/refusals.h"
#include "smtp/command.h"
#include "smtp/content_reader.h"
#include "smtp/replies.h"
#include "smtp/sasl.h"
#include "smtp/session.h"

#include <optional>
#include <string>
#include <vector>

namespace postern::smtp {

// From MAIL to the reply to end-of-data, RSET, EHLO, STARTTLS or the end. One object, destroyed whole.
struct Transaction {
  Envelope envelope;
  Recipient candidate;      // the recipient being judged
  bool is_accepted = false; // the product accepted the sender and knows of it: it must hear of the end
  ContentReader content;
  ContentSink* sink = nullptr;
  std::optional<Status> content_refusal;  // found while reading; said at end-of-data
};

class Session::Impl {
 public:
  Impl(const Config& config, std::optional<TlsFacts> tls);

  enum class Question { None, Input, Tls, Authenticate, Sender, Recipient, Open, Drain, Commit, Abandon, Closed };
  enum class Phase { Commands, AuthResponse, Content };

  // session.cc
  Step next();
  std::span<char> input_space();
  void received(std::size_t count);
  void end_session(std::string_view stage, bool orderly);
  void say(const Reply& reply);
  void say(const Status& status);
  void hang_up(const Reply& reply);
  void end_transaction();
  void forget_client();

  // session_commands.cc
  void run_command(std::string_view line);
  void run_auth_response(std::string_view line);
  void take_auth_answer(const Verdict& verdict);
  void take_sender_answer(const Verdict& verdict);
  void take_recipient_answer(const Verdict& verdict);
  void take_open_answer(const OpenAnswer& answer);
  void take_commit_answer(const Verdict& verdict);

  const Config& config;
  std::optional<TlsFacts> tls;
  std::string helo_name;
  bool said_ehlo = false;
  bool is_greeted = false;
  bool is_authenticated = false;
  std::string_view stage = "CONNECT";
  Phase phase = Phase::Commands;
  Question question = Question::None;
  std::optional<Step> asked;  // a question that a command raised, for next() to yield
  std::optional<Transaction> transaction;
  std::optional<SaslExchange> sasl;
  std::string output;
  bool is_closing = false;
  bool closes_orderly = true;
  bool must_abandon = false;
  bool is_draining = false;   // the server: close as soon as the transaction is over

 private:
  std::optional<Step> read_commands();
  std::optional<Step> read_content();
  Step ask(Step step, Question what);
  void finish_content();
  void refuse_content(const Status& status);
  std::string_view unread() const { return std::string_view(input_.data() + begin_, end_ - begin_); }
  void consume(std::size_t count);
  void count_error();

  void say_hello(const Command& command, bool is_ehlo);
  void start_tls();
  void authenticate(std::string_view argument);
  void take_sasl(SaslOutcome outcome);
  void fail_authentication(const Status& status);
  void mail(std::string_view argument);
  void rcpt(std::string_view argument);
  void say_path_error(PathError error, Refusal syntax);
  void data();
  bool is_in_order(const VerbRow& row);

  std::vector<char> input_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t searched_ = 0;     // octets from begin_ known to hold no LF
  std::uint32_t errors_ = 0;
  std::uint32_t junk_ = 0;
  std::uint32_t auth_failures_ = 0;
};

}  // namespace postern::smtp
