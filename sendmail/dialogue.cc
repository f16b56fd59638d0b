#include "sendmail/dialogue.h"

#include "smtp/session.h"

#include <utility>
#include <variant>

namespace postern::sendmail {
namespace {

// Whole in memory: it is one message at a time of one program on this machine.
class LetterSink final : public smtp::ContentSink {
 public:
  bool append(std::string_view content) override {
    content_.append(content);
    return true;
  }
  std::string take() { return std::exchange(content_, {}); }

 private:
  std::string content_;
};

class Dialogue {
 public:
  Dialogue(const std::string& hostname, const Line& line, const std::function<Status(Letter)>& hand_over)
      : config_{.hostname = hostname,
                .role = smtp::Role::Mx,
                .tls = smtp::TlsMode::None,
                .max_message_octets = kMaxLetterOctets,
                .max_recipients = kMaxRecipients},
        session_(config_),
        line_(line),
        hand_over_(hand_over) {}

  void run() {
    while (!is_over_) {
      smtp::Step step = session_.next();
      std::visit([this](const auto& what) { perform(what); }, step);
    }
  }

 private:
  void flush() {
    if (session_.output().empty()) return;
    if (!line_.write(session_.output())) is_over_ = true;
    session_.output_sent();
  }
  void perform(const smtp::NeedInput&) {
    flush();
    const std::size_t count = is_over_ ? 0 : line_.read(session_.input_space());
    if (count == 0) return session_.peer_gone();
    session_.received(count);
  }
  // Neither is offered, so that neither is asked for.
  void perform(const smtp::StartTls&) { session_.peer_gone(); }
  void perform(const smtp::Authenticate&) {
    session_.answer(smtp::AuthenticateAnswer{smtp::Verdict::refuse({503, EnhancedCode{5, 5, 1}, "no AUTH here"})});
  }
  void perform(const smtp::JudgeSender&) { session_.answer(smtp::JudgeAnswer{smtp::Verdict::accept()}); }
  void perform(const smtp::JudgeRecipient&) { session_.answer(smtp::JudgeAnswer{smtp::Verdict::accept()}); }
  void perform(const smtp::OpenMessage& question) {
    letter_ = Letter{};
    letter_.sender = question.envelope->reverse_path;
    for (const Recipient& recipient : question.envelope->recipients) letter_.recipients.push_back(recipient.mailbox);
    session_.answer(smtp::OpenAnswer{.sink = &sink_, .refusal = std::nullopt});
  }
  void perform(const smtp::DrainContent&) { session_.content_drained(); }
  void perform(const smtp::CommitMessage&) {
    letter_.content = sink_.take();
    const Status said = hand_over_(std::move(letter_));
    const bool is_taken = said.is_positive();
    session_.answer(smtp::CommitAnswer{is_taken ? smtp::Verdict::accept_with(said) : smtp::Verdict::refuse(said)});
  }
  void perform(const smtp::AbandonMessage&) {
    sink_.take();
    session_.abandoned();
  }
  void perform(const smtp::Close&) {
    flush();
    is_over_ = true;
  }

  smtp::Config config_;
  smtp::Session session_;
  const Line& line_;
  const std::function<Status(Letter)>& hand_over_;
  LetterSink sink_;
  Letter letter_;
  bool is_over_ = false;
};

}  // namespace

void run_dialogue(const std::string& hostname, const Line& line, const std::function<Status(Letter)>& hand_over) {
  Dialogue(hostname, line, hand_over).run();
}

}  // namespace postern::sendmail
