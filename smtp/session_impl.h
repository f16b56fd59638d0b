// The session's inside, shared by session.cc (framing, content and the order of steps), session_commands.cc (a function a
// verb), session_chunks.cc (BDAT) and session_auth.cc (AUTH).
#pragma once

#include "core/refusals.h"
#include "smtp/chunk_reader.h"
#include "smtp/command.h"
#include "smtp/content_reader.h"
#include "smtp/input_buffer.h"
#include "smtp/limits.h"
#include "smtp/replies.h"
#include "smtp/sasl.h"
#include "smtp/session.h"
#include "smtp/transcript.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace postern::smtp {

// From MAIL to the reply to end-of-data, RSET, EHLO, STARTTLS or the end. One object, destroyed whole.
struct Transaction {
  Envelope envelope;
  Recipient candidate;           // the recipient being judged
  std::uint32_t judged = 0;      // recipients asked about, accepted or not
  bool is_known = false;         // the product accepted the sender: it must hear of the end
  ContentReader content;         // of DATA
  ChunkReader chunks;            // of BDAT
  bool is_chunked = false;       // BDAT was said: no more recipients, no DATA (RFC 3030 §2)
  ContentSink* sink = nullptr;   // null: the content is read and dropped
  std::optional<Status> content_refusal;  // found while reading; said at end-of-data
};

// Why a command gets nowhere: a fixed reply, or a refusal of the table with words of its own.
struct Objection {
  Objection(const FixedReply& fixed) : reply(&fixed) {}
  Objection(Refusal row, std::string_view words = {}) : refusal(row), detail(words) {}

  const FixedReply* reply = nullptr;
  Refusal refusal{};           // where there is no reply
  std::string_view detail;
};

// The chunk under way.
struct Chunk {
  ChunkArgument argument;
  std::uint64_t left = 0;         // octets still to come
  std::optional<Status> refusal;  // the octets are dropped, then this is said; noted already
};

class Session::Impl {
 public:
  // What the session waits for. In the order of Step's alternatives, but for None.
  enum class Question { Input, Tls, Authenticate, Sender, Recipient, Open, Drain, Commit, Abandon, Closed, None };
  enum class Phase { Commands, AuthResponse, Content, Chunk };

  Impl(const Config& config, std::optional<TlsFacts> tls);

  // session.cc
  Step next();
  // Requires: `asked` is what the session waits for. From here on it waits for nothing.
  void take(Question asked);
  void received(std::size_t count);
  std::span<char> input_space();
  void say(const FixedReply& reply);
  // A refusal of the session's own, by the table; `detail` in place of its words.
  void refuse(Refusal refusal, std::string_view detail = {});
  void object(const Objection& objection);
  // For take_refusals(): a refusal that the product does not know of.
  void note(std::string_view token);
  void note(Refusal refusal) { note(refusal_row(refusal).token); }
  // Says it and closes, whatever its code.
  void hang_up(const FixedReply& reply);
  void end_session(std::string_view at, bool orderly);
  void end_transaction();
  void forget_client();

  // session_commands.cc
  void run_command(std::string_view line);
  void take_sender_answer(const Verdict& verdict);
  void take_recipient_answer(const Verdict& verdict);
  void take_open_answer(const OpenAnswer& answer);
  void take_commit_answer(const Verdict& verdict);

  // session_auth.cc
  void run_auth_response(std::string_view line);
  void take_auth_answer(const Verdict& verdict);

  const Config& config;
  std::optional<TlsFacts> tls;
  Instant opened_at{};
  std::string helo_name;
  bool said_ehlo = false;
  bool is_authenticated = false;
  std::string_view stage = "CONNECT";
  Phase phase = Phase::Commands;
  Question question = Question::None;
  std::optional<Step> asked;  // what a command asks for: next() yields it
  std::unique_ptr<Transaction> transaction;
  std::optional<SaslExchange> sasl;
  std::string output;
  Transcript transcript;
  unsigned hellos = 0;
  std::vector<std::string_view> noted;  // tokens, literals
  bool is_closing = false;
  bool closes_orderly = true;
  bool must_abandon = false;
  bool is_draining = false;   // the server: close as soon as the transaction is over

 private:
  // Each does one thing: nullopt means that the state changed and next() looks again.
  std::optional<Step> advance();
  std::optional<Step> read_line();
  std::optional<Step> read_content();
  void refuse_content(Refusal refusal, std::string_view detail = {});
  void refuse_unfit_content(bool has_nul, bool has_long_line);
  void finish_content();
  void hang_up_on_bare_newline();

  void say(const Status& status);
  void say_accepted(const Verdict& verdict, const FixedReply& otherwise);
  void say_refused(const Verdict& verdict);
  void count_error();
  void count_junk();

  std::optional<Objection> objection_to(const VerbRow& row) const;
  void run_verb(const Command& command);
  void say_hello(std::string_view name, bool is_ehlo);
  void start_tls();
  void mail(std::string_view argument);
  void rcpt(std::string_view argument);
  std::variant<Recipient, Objection> parse_recipient(std::string_view argument) const;
  void data();
  // Why mail data cannot begin now, by DATA or BDAT; null if it can. Requires a transaction.
  const FixedReply* refuse_content_early() const;

  // session_chunks.cc
  void bdat(std::string_view argument);
  std::optional<Status> refuse_chunk_early(std::uint64_t octets);
  void take_chunked_open_answer(const OpenAnswer& answer);
  std::optional<Step> read_chunk();
  void finish_chunk();

  void authenticate(std::string_view argument);
  void take_sasl(SaslOutcome outcome);
  void fail_authentication(const Status& status);

  InputBuffer input_;
  std::optional<Chunk> chunk_;   // while phase is Chunk
  std::size_t offered_ = 0;      // room of the read under way
  bool was_filled_ = false;      // by the last read: more waits, or comes
  std::size_t searched_ = 0;     // octets that wait, from the first, known to hold no LF
  std::uint32_t errors_ = 0;     // since the last committed message
  std::uint32_t junk_ = 0;       // the same
  std::uint32_t auth_failures_ = 0;
};

}  // namespace postern::smtp
