// Framing, content and the order of steps. What each verb does stands in session_commands.cc, AUTH in session_auth.cc.
#include "smtp/session.h"

#include "core/check.h"
#include "smtp/line_reader.h"
#include "smtp/session_impl.h"

#include <utility>

namespace postern::smtp {

Session::Session(const Config& config, std::optional<TlsFacts> tls)
    : impl_(std::make_unique<Impl>(config, std::move(tls))) {
  impl_->output.append("220 ").append(config.hostname).append(" ESMTP Postern\r\n");
}

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::Session(Session&&) noexcept = default;
Session::~Session() = default;

Session Session::refused(const Config& config, const Status& status) {
  auto impl = std::make_unique<Impl>(config, std::nullopt);
  append_reply(impl->output, status);
  impl->end_session("CONNECT", true);
  return Session(std::move(impl));
}

void Session::opened_at(Instant instant) { impl_->opened_at = instant; }

Step Session::next() { return impl_->next(); }
std::span<char> Session::input_space() { return impl_->input_space(); }
void Session::received(std::size_t count) { impl_->received(count); }

void Session::peer_gone() {
  // The product has been told already where AbandonMessage is under way.
  if (impl_->question == Impl::Question::Abandon) impl_->must_abandon = false;
  impl_->question = Impl::Question::None;
  impl_->asked.reset();
  impl_->output.clear();
  const bool is_orderly = impl_->is_closing && impl_->closes_orderly;
  impl_->end_session(impl_->stage, is_orderly);
}

void Session::timed_out() {
  impl_->take(Impl::Question::Input);
  impl_->hang_up(replies::k421_4_4_2_timeout);
  impl_->closes_orderly = false;
}

void Session::shut_down() {
  impl_->is_draining = true;
  if (impl_->question == Impl::Question::Input) impl_->question = Impl::Question::None;
}

void Session::tls_started(TlsFacts facts) {
  impl_->take(Impl::Question::Tls);
  impl_->tls = std::move(facts);
  impl_->forget_client();
}

void Session::answer(const AuthenticateAnswer& answer) {
  impl_->take(Impl::Question::Authenticate);
  impl_->take_auth_answer(answer.verdict);
}

void Session::answer(const JudgeAnswer& answer) {
  if (impl_->question == Impl::Question::Sender) {
    impl_->take(Impl::Question::Sender);
    impl_->take_sender_answer(answer.verdict);
    return;
  }
  impl_->take(Impl::Question::Recipient);
  impl_->take_recipient_answer(answer.verdict);
}

void Session::answer(const OpenAnswer& answer) {
  impl_->take(Impl::Question::Open);
  impl_->take_open_answer(answer);
}

void Session::answer(const CommitAnswer& answer) {
  impl_->take(Impl::Question::Commit);
  impl_->take_commit_answer(answer.verdict);
}

void Session::content_drained() { impl_->take(Impl::Question::Drain); }

void Session::abandoned() {
  impl_->take(Impl::Question::Abandon);
  impl_->must_abandon = false;
}

std::string_view Session::output() const { return impl_->output; }
void Session::output_sent() {
  impl_->transcript.server_said(impl_->output);
  impl_->output.clear();
}
std::string Session::transcript() const { return impl_->transcript.text_with(impl_->output); }
void Session::forget_transcript() { impl_->transcript.stop(); }
unsigned Session::hellos() const { return impl_->hellos; }
std::vector<std::string_view> Session::take_refusals() { return std::exchange(impl_->noted, {}); }
bool Session::has_refusals() const { return !impl_->noted.empty(); }
std::string_view Session::helo_name() const { return impl_->helo_name; }
bool Session::said_ehlo() const { return impl_->said_ehlo; }
const std::optional<TlsFacts>& Session::tls() const { return impl_->tls; }
bool Session::is_authenticated() const { return impl_->is_authenticated; }
bool Session::is_reading_content() const { 
  return impl_->phase == Impl::Phase::Content || impl_->phase == Impl::Phase::Chunk;
}
std::string_view Session::stage() const { return impl_->stage; }

Session::Impl::Impl(const Config& c, std::optional<TlsFacts> facts) : config(c), tls(std::move(facts)) {}

Step Session::Impl::next() {
  static_assert(std::variant_size_v<Step> == static_cast<std::size_t>(Question::None));
  POSTERN_CHECK(question == Question::None);
  for (;;) {
    std::optional<Step> step = advance();
    if (!step) continue;
    question = static_cast<Question>(step->index());
    return std::move(*step);
  }
}

void Session::Impl::take(Question given) {
  POSTERN_CHECK(question == given);
  question = Question::None;
}

std::optional<Step> Session::Impl::advance() {
  if (asked) return std::exchange(asked, std::nullopt);
  if (must_abandon) return AbandonMessage{};
  if (is_closing) return Close{stage, closes_orderly};
  if (phase == Phase::Content) return read_content();
  if (phase == Phase::Chunk) return read_chunk();
  if (is_draining && !transaction) {
    append_reply(output, refusal_status(Refusal::ShuttingDown));
    end_session(stage, true);
    return std::nullopt;
  }
  return read_line();
}

// Interprets one line.
std::optional<Step> Session::Impl::read_line() {
  const std::string_view waiting = input_.view();
  const bool is_response = phase == Phase::AuthResponse;
  if (!is_response && !waiting.empty() && !is_first_octet_of_command(waiting.front())) {
    hang_up(replies::k502_5_5_1_not_smtp);
    return std::nullopt;
  }
  const LineResult read = smtp::read_line(waiting, kMaxAuthLineOctets, searched_);
  if (read.status == LineStatus::NeedMore) {
    searched_ = waiting.size();
    return NeedInput{};
  }
  if (read.status != LineStatus::Line) {
    hang_up(read.status == LineStatus::TooLong ? replies::k500_5_5_6_line_too_long : replies::k500_5_5_2_bad_line);
    return std::nullopt;
  }
  searched_ = 0;
  input_.consume(read.consumed);
  if (is_response) {
    run_auth_response(read.line);
  } else {
    run_command(read.line);
  }
  // The line may hold an API key, a mistyped AUTH too: no line stays in memory.
  input_.wipe(read.line);
  return std::nullopt;
}

std::optional<Step> Session::Impl::read_content() {
  if (input_.size() == 0) return NeedInput{};
  Transaction& t = *transaction;
  const ContentReader::Piece piece = t.content.read(input_.view());
  input_.consume(piece.consumed);
  switch (piece.progress) {
    case ContentReader::Progress::BareNewline:
      hang_up_on_bare_newline();
      return std::nullopt;
    case ContentReader::Progress::EndOfData:
      finish_content();
      return std::nullopt;
    case ContentReader::Progress::NeedMore:
      break;
  }
  if (t.content.octets() > config.max_message_octets) refuse_content(Refusal::MessageTooBig);
  refuse_unfit_content(t.content.has_nul(), t.content.has_long_line());
  if (t.sink != nullptr && !piece.content.empty() && !t.sink->append(piece.content)) return DrainContent{};
  return std::nullopt;
}

// The message will not be taken, but its data is read to the end so that the dialogue stays in step. The product lets go of
// what it has at once.
void Session::Impl::refuse_content(Refusal refusal, std::string_view detail) {
  Transaction& t = *transaction;
  if (t.content_refusal) return;
  note(refusal);
  t.content_refusal = refusal_status(refusal, detail);
  t.sink = nullptr;
  t.is_known = false;
  must_abandon = true;
}

void Session::Impl::refuse_unfit_content(bool has_nul, bool has_long_line) {
  if (has_nul) return refuse_content(Refusal::InvalidMessage, "the message holds a NUL");
  if (has_long_line) refuse_content(Refusal::InvalidMessage, "the message holds a line longer than 65,536 octets");
}

void Session::Impl::finish_content() {
  phase = Phase::Commands;
  stage = "END-OF-DATA";
  transcript.client_did("(content)");
  if (!transaction->content_refusal) {
    asked = CommitMessage{};
    return;
  }
  const Status refusal = *std::move(transaction->content_refusal);
  end_transaction();
  say(refusal);
}

void Session::Impl::hang_up_on_bare_newline() {
  note(Refusal::BareNewline);
  append_reply(output, refusal_status(Refusal::BareNewline));
  end_session(stage, true);
}

std::span<char> Session::Impl::input_space() {
  POSTERN_CHECK(question == Question::Input);
  const bool is_content = phase == Phase::Content || phase == Phase::Chunk;
  // A line that is longer than the small buffer gets the large one.
  const bool wants_large = was_filled_ || input_.size() >= kCommandReadOctets;
  const std::size_t small = is_content ? kContentReadOctets : kCommandReadOctets;
  const std::span<char> space = input_.space(wants_large ? kReadOctets : small);
  offered_ = space.size();
  return space;
}

void Session::Impl::received(std::size_t count) {
  take(Question::Input);
  POSTERN_CHECK(count > 0);
  input_.commit(count);
  was_filled_ = count == offered_;
}

void Session::Impl::say(const FixedReply& reply) {
  append_reply(output, reply);
  if (reply.code < 400) return;
  note(token_of(reply));
  count_error();
}

void Session::Impl::say(const Status& status) {
  append_reply(output, status);
  if (status.code >= 400) count_error();
}

void Session::Impl::refuse(Refusal refusal, std::string_view detail) {
  note(refusal);
  say(refusal_status(refusal, detail));
}

void Session::Impl::object(const Objection& objection) {
  if (objection.reply) return say(*objection.reply);
  refuse(objection.refusal, objection.detail);
}

void Session::Impl::note(std::string_view token) {
  if (noted.size() < kMaxNotedRefusals) noted.push_back(token);
}

void Session::Impl::say_accepted(const Verdict& verdict, const FixedReply& otherwise) {
  if (verdict.has_status()) return append_reply(output, verdict.status());
  append_reply(output, otherwise);
}

// A refusal by the product's rules is no error of the client: a batch for a sandbox, or one that runs into its rate, must get
// every answer. It counts as junk where no message comes of it.
void Session::Impl::say_refused(const Verdict& verdict) {
  append_reply(output, verdict.status());
  if (verdict.ends_session()) end_session(stage, true);
}

void Session::Impl::count_error() {
  if (++errors_ > config.max_errors && !is_closing) hang_up(replies::k421_4_7_0_too_many_errors);
}

void Session::Impl::count_junk() {
  if (++junk_ > config.max_junk && !is_closing) hang_up(replies::k421_4_7_0_too_much_junk);
}

void Session::Impl::hang_up(const FixedReply& reply) {
  note(token_of(reply));
  append_reply(output, reply);
  end_session(stage, true);
}

void Session::Impl::end_session(std::string_view at, bool orderly) {
  stage = at;
  is_closing = true;
  closes_orderly = orderly;
  end_transaction();
}

void Session::Impl::end_transaction() {
  if (transaction && transaction->is_known) must_abandon = true;
  transaction.reset();
  phase = Phase::Commands;
}

// RFC 3207 §4.2: nothing that was learnt in the clear counts under TLS; what was sent along with STARTTLS is dropped unread.
void Session::Impl::forget_client() {
  end_transaction();
  input_.clear();
  searched_ = 0;
  helo_name.clear();
  said_ehlo = false;
  is_authenticated = false;
}

}  // namespace postern::smtp
