// Plays a client's octets into the server session, answers its questions, and checks what holds for every client: questions come in
// the order of RFC 5321 and RFC 4954, replies are whole printable lines.
#pragma once

#include "core/check.h"
#include "smtp/limits.h"
#include "smtp/session.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace postern::fuzz {

struct SessionRun {
  std::string output;
  std::string steps;  // a letter a step; NeedInput and DrainContent depend on the split and are left out
};

// What the session may ask for, going by what it was told.
class QuestionOrder {
 public:
  explicit QuestionOrder(bool allows_auth_without_tls) : may_authenticate_(allows_auth_without_tls) {}

  void asked(const smtp::Step& step) {
    if (std::holds_alternative<smtp::StartTls>(step)) POSTERN_CHECK(!is_tls_ && !has_sender_);
    if (std::holds_alternative<smtp::Authenticate>(step)) POSTERN_CHECK(may_authenticate_ && !is_authenticated_);
    if (std::holds_alternative<smtp::JudgeSender>(step)) POSTERN_CHECK(is_authenticated_ && !has_sender_);
    if (std::holds_alternative<smtp::JudgeRecipient>(step)) POSTERN_CHECK(has_sender_ && !is_open_);
    if (std::holds_alternative<smtp::OpenMessage>(step)) POSTERN_CHECK(has_sender_ && has_recipient_ && !is_open_);
    if (std::holds_alternative<smtp::CommitMessage>(step)) POSTERN_CHECK(is_open_);
    if (std::holds_alternative<smtp::AbandonMessage>(step)) POSTERN_CHECK(has_sender_);
  }
  // RFC 3207 §4.2: what was known of the client is forgotten.
  void tls_started() {
    is_tls_ = may_authenticate_ = true;
    is_authenticated_ = false;
  }
  void authenticated(bool is_accepted) { is_authenticated_ = is_accepted; }
  void sender_judged(bool is_accepted) { has_sender_ = is_accepted; }
  void recipient_judged(bool is_accepted) { has_recipient_ = has_recipient_ || is_accepted; }
  void opened() { is_open_ = true; }
  void transaction_ended() { has_sender_ = has_recipient_ = is_open_ = false; }

 private:
  bool may_authenticate_;
  bool is_tls_ = false;
  bool is_authenticated_ = false;
  bool has_sender_ = false;
  bool has_recipient_ = false;
  bool is_open_ = false;
};

class SessionPlayer {
 public:
  // `flights`: what the client sends; one ends with the handshake that STARTTLS begins, whatever is left of it. `piece`: octets
  // of each read at most. `every`: each n-th question is refused; 0: none.
  SessionPlayer(const smtp::Config& config, std::vector<std::string> flights, std::size_t piece, std::size_t every)
      : session_(config), order_(config.allows_auth_without_tls), flights_(std::move(flights)), piece_(piece), every_(every) {}

  SessionRun play() {
    for (;;) {
      const smtp::Step step = session_.next();
      POSTERN_CHECK(session_.output().size() <= smtp::kMaxOutputOctets);
      if (std::holds_alternative<smtp::NeedInput>(step)) {
        send();
      } else if (std::holds_alternative<smtp::DrainContent>(step)) {
        session_.content_drained();
      } else {
        run_.steps += static_cast<char>('a' + step.index());
        ++questions_;
        if (std::holds_alternative<smtp::Close>(step)) break;
        order_.asked(step);
        answer(step);
      }
    }
    run_.output += session_.output();
    check_output();
    return run_;
  }

 private:
  class Sink final : public smtp::ContentSink {
   public:
    bool append(std::string_view) override { return ++pieces_ % 3 != 0; }

   private:
    std::size_t pieces_ = 0;
  };

  void send() {
    run_.output += session_.output();
    session_.output_sent();
    while (flight_ < flights_.size() && sent_ == flights_[flight_].size()) begin_flight();
    if (flight_ == flights_.size()) return session_.peer_gone();
    const std::string_view rest = std::string_view(flights_[flight_]).substr(sent_);
    const std::span<char> space = session_.input_space();
    const std::size_t count = std::min({space.size(), rest.size(), piece_});
    POSTERN_CHECK(count > 0);
    std::memcpy(space.data(), rest.data(), count);
    sent_ += count;
    session_.received(count);
  }

  void begin_flight() {
    ++flight_;
    sent_ = 0;
  }

  smtp::Verdict judge() const {
    if (every_ == 0 || questions_ % every_ != 0) return smtp::Verdict::accept();
    return smtp::Verdict::refuse({550, EnhancedCode{5, 7, 1}, "no"});
  }

  void answer(const smtp::Step& step) {
    const smtp::Verdict verdict = judge();
    if (std::holds_alternative<smtp::StartTls>(step)) {
      if (flight_ < flights_.size()) begin_flight();
      order_.tls_started();
      session_.tls_started({"TLSv1.3", "x"});
    } else if (std::holds_alternative<smtp::Authenticate>(step)) {
      order_.authenticated(verdict.is_accepted());
      session_.answer(smtp::AuthenticateAnswer{verdict});
    } else if (std::holds_alternative<smtp::JudgeSender>(step)) {
      order_.sender_judged(verdict.is_accepted());
      session_.answer(smtp::JudgeAnswer{verdict});
    } else if (std::holds_alternative<smtp::JudgeRecipient>(step)) {
      order_.recipient_judged(verdict.is_accepted());
      session_.answer(smtp::JudgeAnswer{verdict});
    } else if (std::holds_alternative<smtp::OpenMessage>(step)) {
      order_.opened();
      session_.answer(smtp::OpenAnswer{&sink_, std::nullopt});
    } else if (std::holds_alternative<smtp::CommitMessage>(step)) {
      order_.transaction_ended();
      session_.answer(smtp::CommitAnswer{verdict});
    } else {
      order_.transaction_ended();
      session_.abandoned();
    }
  }

  // Each reply line: three digits, a blank or hyphen, printable octets, CRLF.
  void check_output() const {
    std::string_view output = run_.output;
    while (!output.empty()) {
      const std::size_t end = output.find("\r\n");
      POSTERN_CHECK(end != std::string_view::npos && end >= 4 && end <= 510);
      const std::string_view line = output.substr(0, end);
      POSTERN_CHECK(line[0] >= '2' && line[0] <= '5' && (line[3] == ' ' || line[3] == '-'));
      for (const char c : line) POSTERN_CHECK(c >= ' ' && c <= '~');
      output.remove_prefix(end + 2);
    }
  }

  smtp::Session session_;
  QuestionOrder order_;
  Sink sink_;
  SessionRun run_;
  std::vector<std::string> flights_;
  std::size_t flight_ = 0;
  std::size_t sent_ = 0;  // of the flight
  std::size_t piece_;
  std::size_t every_;
  std::size_t questions_ = 0;
};

// The listener that the octet of an input chooses: its lowest two bits. The rest of the octet is free.
inline smtp::Config listener_from(std::uint8_t choice) {
  smtp::Config config;
  config.hostname = "mail.example";
  config.allows_auth_without_tls = (choice & 1U) == 0;
  config.max_message_octets = (choice & 2U) == 0 ? 1'000'000 : 50;
  config.max_recipients = 3;
  return config;
}

}  // namespace postern::fuzz
