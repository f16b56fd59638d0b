// A fluent script for the pure server session: send octets, expect replies and steps, give answers.
//
//   SessionScript(config).expect_reply("220 ").send("EHLO client.example\r\n").expect_reply("250-")...
//
// send() feeds until the session asks a question, closes, or has taken all; what is left goes in when the question was
// answered. Each failed expectation is a test failure that shows the dialogue so far.
#pragma once

#include "smtp/session.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::test {

// Keeps what it is given; can claim to be full.
class RecordingSink final : public smtp::ContentSink {
 public:
  bool append(std::string_view content) override;

  std::string content;
  std::size_t pieces = 0;
  std::size_t full_after_pieces = 0;  // not 0: append() says full at every piece from that one on
};

// A listener that allows AUTH in the clear, small limits, host mail.example.
smtp::Config script_config();
// The same, but AUTH only under TLS.
smtp::Config tls_config();

class SessionScript {
 public:
  explicit SessionScript(smtp::Config config = script_config(), std::optional<smtp::TlsFacts> tls = std::nullopt);

  SessionScript& send(std::string_view octets);
  // The next line of output begins with `prefix`. Lines are taken one by one, without CRLF.
  SessionScript& expect_reply(std::string_view prefix);
  SessionScript& expect_no_reply();
  SessionScript& expect_closed();

  template <class StepType>
  SessionScript& expect_step() {
    EXPECT_TRUE(std::holds_alternative<StepType>(*step_)) << "another step: " << step_->index() << '\n' << log_;
    return *this;
  }
  template <class StepType>
  const StepType& step() const { return std::get<StepType>(*step_); }

  template <class Answer>
  SessionScript& answer(Answer given) {
    session_->answer(std::move(given));
    return resume();
  }
  // A positive answer to whatever is asked; expects that something is.
  SessionScript& accept();
  // A refusal of whatever is asked that takes a verdict.
  SessionScript& refuse(std::uint16_t code, EnhancedCode enhanced, std::string text, bool ends_session = false);

  // EHLO and AUTH PLAIN, accepted; all replies taken.
  SessionScript& log_in();
  // MAIL, RCPT and DATA, accepted; all replies taken.
  SessionScript& start_message();
  SessionScript& peer_gone();
  SessionScript& timed_out();
  SessionScript& shut_down();

  smtp::Session& session() { return *session_; }
  RecordingSink& sink() { return sink_; }
  bool has_question() const;
  bool is_closed() const { return std::holds_alternative<smtp::Close>(*step_); }
  // All output so far.
  const std::string& output() const { return output_; }
  std::size_t abandoned() const { return abandoned_; }

 private:
  SessionScript& resume();
  void advance();
  void feed();
  void take_output();

  std::unique_ptr<smtp::Config> config_;
  RecordingSink sink_;
  std::optional<smtp::Session> session_;
  std::optional<smtp::Step> step_;
  std::string unsent_;
  std::string output_;
  std::size_t taken_ = 0;  // octets of output_ that expectations have passed
  std::size_t abandoned_ = 0;
  std::string log_;
};

// "AUTH PLAIN <base64>\r\n" for a user and an obviously false key.
std::string auth_plain_line(std::string_view user = "app", std::string_view key = "not-a-key");

}  // namespace postern::test
