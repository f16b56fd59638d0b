// Framing, content and the order of steps. What each verb does stands in session_commands.cc.
#include "smtp/session.h"

#include "core/bytes.h"
#include "core/check.h"
#include "smtp/limits.h"
#include "smtp/line_reader.h"
#include "smtp/session_impl.h"

#include <string.h>

namespace postern::smtp {

Session::Impl::Impl(const Config& c, std::optional<TlsFacts> t) : config(c), tls(std::move(t)) {}

Step Session::Impl::ask(Step step, Question what) {
  question = what;
  return step;
}

Step Session::Impl::next() {
  POSTERN_CHECK(question == Question::None);
  for (;;) {
    if (asked) {
      Step step = std::move(*asked);
      asked.reset();
      static constexpr Question kQuestions[] = {Question::Input,  Question::Tls,   Question::Authenticate, Question::Sender,
                                                Question::Recipient, Question::Open, Question::Drain, Question::Commit,
                                                Question::Abandon, Question::Closed};
      question = kQuestions[step.index()];
      return step;
    }
    if (must_abandon) return ask(AbandonMessage{}, Question::Abandon);
    if (is_draining && !transaction && !is_closing && phase == Phase::Commands) {
      say(refusal_status(Refusal::ShuttingDown));
      end_session(stage, true);
      continue;
    }
    if (is_closing) return ask(Close{stage, closes_orderly}, Question::Closed);
    if (auto step = phase == Phase::Content ? read_content() : read_commands()) return std::move(*step);
  }
}

// Interprets one line. nullopt: state changed, look again.
std::optional<Step> Session::Impl::read_commands() {
  const bool is_auth = phase == Phase::AuthResponse || starts_with_ignoring_case(unread(), "AUTH ");
  const LineResult read = read_line(unread(), is_auth ? kMaxAuthLineOctets : kMaxCommandOctets, searched_);
  if (read.status == LineStatus::NeedMore) {
    searched_ = end_ - begin_;
    return ask(NeedInput{}, Question::Input);
  }
  if (read.status != LineStatus::Line) {
    hang_up(read.status == LineStatus::TooLong ? replies::k500_5_5_6_line_too_long : replies::k500_5_5_2_bad_line);
    return std::nullopt;
  }
  if (phase == Phase::AuthResponse) {
    run_auth_response(read.line);
  } else {
    run_command(read.line);
  }
  // A line of AUTH holds the key: it does not stay in memory.
  if (is_auth && read.consumed <= end_ - begin_) explicit_bzero(input_.data() + begin_, read.consumed);
  consume(std::min(read.consumed, end_ - begin_));
  return std::nullopt;
}

std::optional<Step> Session::Impl::read_content() {
  if (begin_ == end_) return ask(NeedInput{}, Question::Input);
  Transaction& t = *transaction;
  bool has_room = true;
  auto progress = ContentReader::Progress::NeedMore;
  while (begin_ < end_ && progress == ContentReader::Progress::NeedMore) {
    const ContentReader::Piece piece = t.content.read(unread());
    progress = piece.progress;
    if (t.sink != nullptr && !t.content_refusal && t.content.octets() <= config.max_message_octets && !piece.content.empty()) {
      has_room = t.sink->append(piece.content) && has_room;
    }
    consume(piece.consumed);
    if (t.content.octets() > config.max_message_octets) refuse_content(refusal_status(Refusal::MessageTooBig));
  }
  if (progress == ContentReader::Progress::BareNewline) {
    say(refusal_status(Refusal::BareNewline));
    end_session("DATA", true);
    return std::nullopt;
  }
  if (progress == ContentReader::Progress::EndOfData) {
    finish_content();
    return std::nullopt;
  }
  if (!has_room && t.sink != nullptr) return ask(DrainContent{}, Question::Drain);
  return std::nullopt;
}

// The message will not be taken, but its data is read to the end so that the dialogue stays in step. The product lets go of
// what it has at once.
void Session::Impl::refuse_content(const Status& status) {
  Transaction& t = *transaction;
  if (t.content_refusal) return;
  t.content_refusal = status;
  t.sink = nullptr;
  must_abandon = t.is_accepted;
  t.is_accepted = false;
}

void Session::Impl::finish_content() {
  Transaction& t = *transaction;
  phase = Phase::Commands;
  stage = "END-OF-DATA";
  if (t.content.has_nul() || t.content.has_long_line()) refuse_content(to_status(replies::k554_5_6_0_bad_content));
  if (t.content_refusal) {
    say(*t.content_refusal);
    end_transaction();
    return;
  }
  asked = CommitMessage{};
}

std::span<char> Session::Impl::input_space() {
  const std::size_t wanted = phase == Phase::Content ? kReadOctets : kCommandReadOctets;
  if (begin_ == end_) begin_ = end_ = 0;
  // An AUTH line or pipelined commands may need more than one read; the line limits bound the growth.
  if (begin_ > 0 && end_ == input_.size()) {
    std::copy(input_.begin() + static_cast<std::ptrdiff_t>(begin_), input_.begin() + static_cast<std::ptrdiff_t>(end_), input_.begin());
    end_ -= begin_;
    begin_ = 0;
  }
  const bool is_idle_and_large = end_ == 0 && phase != Phase::Content && input_.size() > kCommandReadOctets;
  if (is_idle_and_large) std::vector<char>(wanted).swap(input_);
  if (end_ == input_.size() || input_.size() < wanted) input_.resize(std::max(wanted, end_ + kCommandReadOctets));
  return {input_.data() + end_, std::min(input_.size() - end_, kReadOctets)};
}

void Session::Impl::received(std::size_t count) {
  POSTERN_CHECK(question == Question::Input && count > 0 && end_ + count <= input_.size());
  end_ += count;
  question = Question::None;
}

void Session::Impl::consume(std::size_t count) {
  begin_ += count;
  searched_ = 0;
}

void Session::Impl::count_error() {
  if (++errors_ <= config.max_errors || is_closing) return;
  append_reply(output, replies::k421_4_7_0_too_many_errors);
  end_session(stage, true);
}

void Session::Impl::say(const Reply& reply) {
  append_reply(output, reply);
  if (reply.code == 421) end_session(stage, true);
  if (reply.code >= 400 && reply.code != 421) count_error();
}

void Session::Impl::say(const Status& status) {
  append_reply(output, status);
  if (status.code == 421) end_session(stage, true);
  if (status.code >= 400 && status.code != 421) count_error();
}

void Session::Impl::hang_up(const Reply& reply) {
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
  if (transaction && transaction->is_accepted) must_abandon = true;
  transaction.reset();
  phase = Phase::Commands;
}

// RFC 3207 §4.2: nothing that was learnt in the clear counts under TLS.
void Session::Impl::forget_client() {
  end_transaction();
  explicit_bzero(input_.data(), input_.size());
  begin_ = end_ = searched_ = 0;
  helo_name.clear();
  said_ehlo = is_greeted = false;
}

Session::Session(const Config& config, std::optional<TlsFacts> tls)
    : impl_(std::make_unique<Impl>(config, std::move(tls))) {
  impl_->output = "220 " + config.hostname + " ESMTP Postern\r\n";
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

Step Session::next() { return impl_->next(); }
std::span<char> Session::input_space() { return impl_->input_space(); }
void Session::received(std::size_t count) { impl_->received(count); }

void Session::peer_gone() {
  impl_->question = Impl::Question::None;
  impl_->asked.reset();
  impl_->output.clear();
  const bool is_after_quit = impl_->is_closing;
  impl_->end_session(impl_->stage, is_after_quit);
}

void Session::timed_out() {
  POSTERN_CHECK(impl_->question == Impl::Question::Input);
  impl_->question = Impl::Question::None;
  impl_->hang_up(replies::k421_4_4_2_timeout);
  impl_->closes_orderly = false;
}

void Session::shut_down() {
  impl_->is_draining = true;
  if (impl_->question == Impl::Question::Input) impl_->question = Impl::Question::None;
}

void Session::tls_started(TlsFacts facts) {
  POSTERN_CHECK(impl_->question == Impl::Question::Tls);
  impl_->question = Impl::Question::None;
  impl_->tls = std::move(facts);
  impl_->forget_client();
}

void Session::answer(AuthenticateAnswer answer) {
  POSTERN_CHECK(impl_->question == Impl::Question::Authenticate);
  impl_->question = Impl::Question::None;
  impl_->take_auth_answer(answer.verdict);
}

void Session::answer(JudgeAnswer answer) {
  const bool is_sender = impl_->question == Impl::Question::Sender;
  POSTERN_CHECK(is_sender || impl_->question == Impl::Question::Recipient);
  impl_->question = Impl::Question::None;
  if (is_sender) {
    impl_->take_sender_answer(answer.verdict);
  } else {
    impl_->take_recipient_answer(answer.verdict);
  }
}

void Session::answer(OpenAnswer answer) {
  POSTERN_CHECK(impl_->question == Impl::Question::Open);
  impl_->question = Impl::Question::None;
  impl_->take_open_answer(answer);
}

void Session::answer(CommitAnswer answer) {
  POSTERN_CHECK(impl_->question == Impl::Question::Commit);
  impl_->question = Impl::Question::None;
  impl_->take_commit_answer(answer.verdict);
}

void Session::content_drained() {
  POSTERN_CHECK(impl_->question == Impl::Question::Drain);
  impl_->question = Impl::Question::None;
}

void Session::abandoned() {
  POSTERN_CHECK(impl_->question == Impl::Question::Abandon);
  impl_->question = Impl::Question::None;
  impl_->must_abandon = false;
}

std::string_view Session::output() const { return impl_->output; }
void Session::output_sent() { impl_->output.clear(); }
std::string_view Session::helo_name() const { return impl_->helo_name; }
bool Session::said_ehlo() const { return impl_->said_ehlo; }
const std::optional<TlsFacts>& Session::tls() const { return impl_->tls; }
bool Session::is_authenticated() const { return impl_->is_authenticated; }
bool Session::is_reading_content() const { return impl_->phase == Impl::Phase::Content; }
std::string_view Session::stage() const { return impl_->stage; }

}  // namespace postern::smtp
