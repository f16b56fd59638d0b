// See session_script.h.
#include "tests/support/session_script.h"

#include "core/base64.h"

#include <algorithm>
#include <cstring>

namespace postern::test {

bool RecordingSink::append(std::string_view piece) {
  content += piece;
  ++pieces;
  return full_after_pieces == 0 || pieces < full_after_pieces;
}

smtp::Config script_config() {
  smtp::Config config;
  config.hostname = "mail.example";
  config.allows_auth_without_tls = true;
  return config;
}

smtp::Config tls_config() {
  smtp::Config config = script_config();
  config.allows_auth_without_tls = false;
  return config;
}

std::string auth_plain_line(std::string_view user, std::string_view key) {
  std::string message(1, '\0');
  message.append(user).append(1, '\0').append(key);
  return "AUTH PLAIN " + encode_base64(message) + "\r\n";
}

SessionScript::SessionScript(smtp::Config config, std::optional<smtp::TlsFacts> tls)
    : config_(std::make_unique<smtp::Config>(std::move(config))) {
  session_.emplace(*config_, std::move(tls));
  resume();
}

SessionScript& SessionScript::send(std::string_view octets) {
  log_.append("C: ").append(octets);
  unsent_ += octets;
  feed();
  return *this;
}

void SessionScript::feed() {
  while (!unsent_.empty() && std::holds_alternative<smtp::NeedInput>(*step_)) {
    const std::span<char> space = session_->input_space();
    const std::size_t count = std::min(space.size(), unsent_.size());
    std::memcpy(space.data(), unsent_.data(), count);
    unsent_.erase(0, count);
    session_->received(count);
    advance();
  }
}

SessionScript& SessionScript::resume() {
  advance();
  feed();
  return *this;
}

void SessionScript::advance() {
  step_ = session_->next();
  // Nothing that a script has to answer; it is counted.
  while (std::holds_alternative<smtp::AbandonMessage>(*step_)) {
    ++abandoned_;
    session_->abandoned();
    step_ = session_->next();
  }
  take_output();
}

void SessionScript::take_output() {
  log_ += session_->output();
  output_ += session_->output();
  session_->output_sent();
}

SessionScript& SessionScript::expect_reply(std::string_view prefix) {
  const std::size_t end = output_.find("\r\n", taken_);
  if (end == std::string::npos) {
    ADD_FAILURE() << "no reply, expected " << prefix << "\n" << log_;
    return *this;
  }
  const std::string line = output_.substr(taken_, end - taken_);
  taken_ = end + 2;
  EXPECT_TRUE(line.starts_with(prefix)) << "expected " << prefix << ", got " << line << "\n" << log_;
  return *this;
}

SessionScript& SessionScript::expect_no_reply() {
  EXPECT_EQ(output_.substr(taken_), "") << log_;
  return *this;
}

SessionScript& SessionScript::expect_closed() {
  EXPECT_TRUE(is_closed()) << log_;
  return expect_no_reply();
}

SessionScript& SessionScript::accept() {
  if (std::holds_alternative<smtp::Authenticate>(*step_)) {
    return answer(smtp::AuthenticateAnswer{smtp::Verdict::accept()});
  }
  if (std::holds_alternative<smtp::JudgeSender>(*step_) || std::holds_alternative<smtp::JudgeRecipient>(*step_)) {
    return answer(smtp::JudgeAnswer{smtp::Verdict::accept()});
  }
  if (std::holds_alternative<smtp::OpenMessage>(*step_)) return answer(smtp::OpenAnswer{&sink_, std::nullopt});
  if (std::holds_alternative<smtp::CommitMessage>(*step_)) {
    return answer(smtp::CommitAnswer{smtp::Verdict::accept_with({250, EnhancedCode{2, 6, 0}, "Queued as m1"})});
  }
  if (std::holds_alternative<smtp::DrainContent>(*step_)) {
    session_->content_drained();
    return resume();
  }
  if (std::holds_alternative<smtp::StartTls>(*step_)) {
    unsent_.clear();
    session_->tls_started({"TLSv1.3", "TLS_AES_256_GCM_SHA384"});
    return resume();
  }
  ADD_FAILURE() << "nothing was asked: " << step_->index() << "\n" << log_;
  return *this;
}

SessionScript& SessionScript::refuse(std::uint16_t code, EnhancedCode enhanced, std::string text, bool ends_session) {
  const smtp::Verdict verdict = smtp::Verdict::refuse({code, enhanced, std::move(text)}, ends_session);
  if (std::holds_alternative<smtp::Authenticate>(*step_)) return answer(smtp::AuthenticateAnswer{verdict});
  if (std::holds_alternative<smtp::OpenMessage>(*step_)) return answer(smtp::OpenAnswer{nullptr, verdict});
  if (std::holds_alternative<smtp::CommitMessage>(*step_)) return answer(smtp::CommitAnswer{verdict});
  return answer(smtp::JudgeAnswer{verdict});
}

bool SessionScript::has_question() const {
  return !std::holds_alternative<smtp::NeedInput>(*step_) && !std::holds_alternative<smtp::Close>(*step_);
}

SessionScript& SessionScript::log_in() {
  send("EHLO client.example\r\n").send(auth_plain_line()).expect_step<smtp::Authenticate>().accept();
  EXPECT_TRUE(session_->is_authenticated()) << log_;
  taken_ = output_.size();
  return *this;
}

SessionScript& SessionScript::start_message() {
  send("MAIL FROM:<app@sender.example>\r\n").accept();
  send("RCPT TO:<user@recipient.example>\r\n").accept();
  send("DATA\r\n").accept();
  EXPECT_TRUE(session_->is_reading_content()) << log_;
  taken_ = output_.size();
  return *this;
}

SessionScript& SessionScript::peer_gone() {
  session_->peer_gone();
  return resume();
}

SessionScript& SessionScript::timed_out() {
  session_->timed_out();
  return resume();
}

SessionScript& SessionScript::shut_down() {
  session_->shut_down();
  return resume();
}

}  // namespace postern::test
