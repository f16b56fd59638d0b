// See dialog_player.h. The session is driven as the shell does it; questions are answered from the file's A: lines, else
// positively.
#include "tests/support/dialog_player.h"

#include "core/bytes.h"
#include "core/time_format.h"
#include "smtp/session.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <optional>

namespace postern::test {
namespace {

using Kind = DialogLine::Kind;

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

// "550 5.7.1 text" → Status. The files are ours: what is malformed shows as code 0, which no reply line matches.
Status parse_status(std::string_view text) {
  Status status;
  status.code = static_cast<std::uint16_t>(parse_unsigned(text.substr(0, 3)).value_or(0));
  text.remove_prefix(std::min<std::size_t>(text.size(), 4));
  const std::size_t space = text.find(' ');
  status.enhanced = parse_enhanced_code(text.substr(0, space));
  if (status.enhanced) text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  status.text = text;
  return status;
}

class Player final : private smtp::ContentSink {
 public:
  Player(const Dialog& dialog, const Chunker& chunker)
      : dialog_(dialog), chunker_(chunker), session_(dialog.config, initial_tls(dialog)) {
    for (const DialogLine& line : dialog.lines) {
      if (line.kind != Kind::Answer) continue;
      const std::size_t space = line.text.find(' ');
      answers_[line.text.substr(0, space)].push_back(line.text.substr(space + 1));
    }
  }

  Transcript play() {
    advance();
    for (const DialogLine& line : dialog_.lines) play_line(line);
    feed();
    finish();
    return std::move(transcript_);
  }

 private:
  static std::optional<smtp::TlsFacts> initial_tls(const Dialog& dialog) {
    if (!dialog.starts_in_tls) return std::nullopt;
    return smtp::TlsFacts{"TLSv1.3", "TLS_AES_256_GCM_SHA384"};
  }

  void play_line(const DialogLine& line) {
    if (line.kind == Kind::Client) {
      if (!has_sent_) expect_no_more_replies(line);
      has_sent_ = true;
      unsent_ += line.text;
      return;
    }
    feed();
    has_sent_ = false;
    switch (line.kind) {
      case Kind::Client:
      case Kind::Answer: return;
      case Kind::Server: return expect_reply(line);
      case Kind::Question: return expect_question(line);
      case Kind::Content: expected_content_ += line.text + "\r\n"; return;
      case Kind::Closed: return expect_closed(line);
      case Kind::PeerGone: return act([this] { session_.peer_gone(); });
      case Kind::TimedOut: return act([this] { session_.timed_out(); });
      case Kind::ShutDown: return act([this] { session_.shut_down(); });
    }
  }

  void act(const std::function<void()>& input) {
    input();
    advance();
  }

  // Gives the session what the client has sent, piece by piece.
  void feed() {
    while (!unsent_.empty() && !transcript_.is_closed) {
      const std::span<char> space = session_.input_space();
      const std::size_t count = std::min({space.size(), unsent_.size(), chunker_(unsent_.size())});
      std::memcpy(space.data(), unsent_.data(), count);
      unsent_.erase(0, count);
      session_.received(count);
      advance();
    }
    unsent_.clear();
  }

  // To the next NeedInput or Close.
  void advance() {
    bool is_waiting = false;
    while (!is_waiting) {
      const smtp::Step step = session_.next();
      is_waiting = std::visit([this](const auto& s) { return perform(s); }, step);
    }
    transcript_.output += session_.output();
    session_.output_sent();
  }

  bool perform(const smtp::NeedInput&) { return true; }
  bool perform(const smtp::Close&) {
    transcript_.is_closed = true;
    return true;
  }
  bool perform(const smtp::StartTls&) {
    ask("tls");
    // The rest of what was sent in the clear goes to the handshake, which is no concern of the session.
    unsent_.clear();
    session_.tls_started({"TLSv1.3", "TLS_AES_256_GCM_SHA384"});
    return false;
  }
  bool perform(const smtp::Authenticate& step) {
    ask("auth " + step.credential.mechanism + ' ' + step.credential.user_name + ' ' +
        std::string(step.credential.password.reveal()));
    session_.answer(smtp::AuthenticateAnswer{verdict("auth")});
    return false;
  }
  bool perform(const smtp::JudgeSender& step) {
    ask("sender " + format_path(*step.reverse_path) + describe(*step.parameters));
    session_.answer(smtp::JudgeAnswer{verdict("sender")});
    return false;
  }
  bool perform(const smtp::JudgeRecipient& step) {
    ask("recipient " + format_path(step.recipient->mailbox) + describe(*step.recipient));
    session_.answer(smtp::JudgeAnswer{verdict("recipient")});
    return false;
  }
  bool perform(const smtp::OpenMessage& step) {
    ask("open " + std::to_string(step.envelope->recipients.size()));
    const smtp::Verdict given = verdict("open");
    content_.clear();
    if (given.is_accepted()) {
      session_.answer(smtp::OpenAnswer{this, std::nullopt});
    } else {
      session_.answer(smtp::OpenAnswer{nullptr, given});
    }
    return false;
  }
  bool perform(const smtp::DrainContent&) {
    session_.content_drained();
    return false;
  }
  bool perform(const smtp::CommitMessage&) {
    ask("commit");
    const smtp::Verdict given = verdict("commit");
    if (given.is_accepted()) transcript_.messages.push_back(content_);
    session_.answer(smtp::CommitAnswer{given});
    return false;
  }
  bool perform(const smtp::AbandonMessage&) {
    ask("abandon");
    session_.abandoned();
    return false;
  }

  bool append(std::string_view content) override {
    content_ += content;
    return true;
  }

  static std::string describe(const Hold& hold) {
    const auto* const seconds = std::get_if<std::chrono::seconds>(&hold);
    return seconds ? std::to_string(seconds->count()) : format_rfc3339(std::get<Instant>(hold));
  }
  static std::string describe(const EnvelopeParameters& p) {
    std::string text;
    if (p.declared_size) text += " SIZE=" + std::to_string(*p.declared_size);
    if (p.body == BodyType::EightBitMime) text += " BODY=8BITMIME";
    if (p.smtputf8) text += " SMTPUTF8";
    if (p.require_tls) text += " REQUIRETLS";
    if (p.ret != DsnReturn::Unspecified) text += p.ret == DsnReturn::Full ? " RET=FULL" : " RET=HDRS";
    if (!p.envid.empty()) text += " ENVID=" + p.envid;
    if (p.hold) text += " HOLD=" + describe(*p.hold);
    return text;
  }
  static std::string describe(const Recipient& r) {
    std::string text;
    if (r.notify.is_given) text += " NOTIFY=";
    if (r.notify.never) text += "never ";
    if (r.notify.success) text += "success ";
    if (r.notify.failure) text += "failure ";
    if (r.notify.delay) text += "delay ";
    if (text.ends_with(' ')) text.pop_back();
    if (!r.orcpt.empty()) text += " ORCPT=" + r.orcpt;
    return text;
  }

  void ask(std::string question) { transcript_.questions.push_back(std::move(question)); }

  // "refuse 550 5.7.1 text", "close 550 …" (refuse and end the session), "accept 250 2.6.0 text"
  smtp::Verdict verdict(const std::string& kind) {
    auto& waiting = answers_[kind];
    if (waiting.empty()) return smtp::Verdict::accept();
    const std::string text = waiting.front();
    waiting.pop_front();
    const std::size_t space = text.find(' ');
    if (space == std::string::npos) return smtp::Verdict::accept();
    const Status status = parse_status(std::string_view(text).substr(space + 1));
    if (text.starts_with("accept")) return smtp::Verdict::accept_with(status);
    return smtp::Verdict::refuse(status, text.starts_with("close"));
  }

  void problem(const DialogLine& line, const std::string& what) {
    transcript_.problems.push_back("line " + std::to_string(line.number) + ": " + what);
  }

  void expect_reply(const DialogLine& line) {
    const std::size_t end = transcript_.output.find("\r\n", seen_output_);
    if (end == std::string::npos) return problem(line, "no reply, expected " + line.text);
    const std::string reply = transcript_.output.substr(seen_output_, end - seen_output_);
    seen_output_ = end + 2;
    if (!matches_reply(line.text, reply)) problem(line, "expected " + line.text + ", got " + reply);
  }

  // The greeting may wait unread: a client is free to talk early.
  void expect_no_more_replies(const DialogLine& line) {
    if (seen_output_ == 0 || seen_output_ == transcript_.output.size()) return;
    problem(line, "unexpected reply before it: " + transcript_.output.substr(seen_output_));
    seen_output_ = transcript_.output.size();
  }

  void expect_question(const DialogLine& line) {
    if (seen_questions_ >= transcript_.questions.size()) return problem(line, "no question, expected " + line.text);
    const std::string& question = transcript_.questions[seen_questions_++];
    if (!matches_reply(line.text, question)) problem(line, "expected " + line.text + ", asked " + question);
  }

  void expect_closed(const DialogLine& line) {
    expects_closed_ = true;
    if (!transcript_.is_closed) problem(line, "expected the server to close");
  }

  void finish() {
    const DialogLine end{Kind::Closed, "", dialog_.lines.empty() ? 0 : dialog_.lines.back().number + 1};
    expect_no_more_replies(end);
    if (transcript_.is_closed && !expects_closed_) problem(end, "the server closed");
    if (dialog_.has(Kind::Question) && seen_questions_ < transcript_.questions.size()) {
      problem(end, "also asked: " + transcript_.questions[seen_questions_]);
    }
    std::string content;
    for (const std::string& message : transcript_.messages) content += message;
    if (dialog_.has(Kind::Content) && content != expected_content_) problem(end, "other content: " + escape_for_log(content));
  }

  const Dialog& dialog_;
  const Chunker& chunker_;
  smtp::Session session_;
  Transcript transcript_;
  std::map<std::string, std::deque<std::string>> answers_;
  std::string unsent_;
  std::string content_;
  std::string expected_content_;
  std::size_t seen_output_ = 0;
  std::size_t seen_questions_ = 0;
  bool has_sent_ = false;
  bool expects_closed_ = false;
};

}  // namespace

Transcript play_dialog(const Dialog& dialog, const Chunker& chunker) { return Player(dialog, chunker).play(); }

}  // namespace postern::test
