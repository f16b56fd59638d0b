// Any octets into the server session, whole and split: the same replies, questions and end, on every split. The first octet of
// the input chooses the listener, the split and how the questions are answered.
#include "smtp/limits.h"
#include "smtp/session.h"
#include "tests/fuzz/fuzz.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace postern::fuzz {
namespace {

class Sink final : public smtp::ContentSink {
 public:
  bool append(std::string_view content) override {
    octets += content.size();
    return ++pieces % 3 != 0;
  }
  std::size_t octets = 0;
  std::size_t pieces = 0;
};

struct Run {
  std::string output;
  std::string steps;  // a letter a step; NeedInput and DrainContent depend on the split and are left out
};

// Positive but for every n-th question.
Verdict judge(std::size_t question, std::size_t every) {
  if (every == 0 || question % every != 0) return Verdict::accept();
  return Verdict::refuse({550, EnhancedCode{5, 7, 1}, "no"});
}

Run play(const smtp::Config& config, std::string_view input, std::size_t piece, std::size_t every) {
  Run run;
  Sink sink;
  std::size_t questions = 0;
  smtp::Session session(config);
  for (;;) {
    const smtp::Step step = session.next();
    POSTERN_CHECK(session.output().size() <= smtp::kMaxOutputOctets);
    if (std::holds_alternative<smtp::NeedInput>(step)) {
      run.output += session.output();
      session.output_sent();
      if (input.empty()) {
        session.peer_gone();
        continue;
      }
      const std::span<char> space = session.input_space();
      const std::size_t count = std::min({space.size(), input.size(), piece});
      POSTERN_CHECK(count > 0);
      std::memcpy(space.data(), input.data(), count);
      input.remove_prefix(count);
      session.received(count);
      continue;
    }
    if (std::holds_alternative<smtp::DrainContent>(step)) {
      session.content_drained();
      continue;
    }
    run.steps += static_cast<char>('a' + step.index());
    ++questions;
    if (std::holds_alternative<smtp::Close>(step)) break;
    if (std::holds_alternative<smtp::StartTls>(step)) {
      input = {};  // what follows is the handshake's
      session.tls_started({"TLSv1.3", "x"});
    } else if (std::holds_alternative<smtp::Authenticate>(step)) {
      session.answer(smtp::AuthenticateAnswer{judge(questions, every)});
    } else if (std::holds_alternative<smtp::JudgeSender>(step) || std::holds_alternative<smtp::JudgeRecipient>(step)) {
      session.answer(smtp::JudgeAnswer{judge(questions, every)});
    } else if (std::holds_alternative<smtp::OpenMessage>(step)) {
      session.answer(smtp::OpenAnswer{&sink, std::nullopt});
    } else if (std::holds_alternative<smtp::CommitMessage>(step)) {
      session.answer(smtp::CommitAnswer{judge(questions, every)});
    } else {
      session.abandoned();
    }
  }
  run.output += session.output();
  return run;
}

// Each reply line: three digits, a blank or hyphen, printable octets, CRLF.
void check_output(std::string_view output) {
  while (!output.empty()) {
    const std::size_t end = output.find("\r\n");
    POSTERN_CHECK(end != std::string_view::npos && end >= 4 && end <= 510);
    const std::string_view line = output.substr(0, end);
    POSTERN_CHECK(line[0] >= '2' && line[0] <= '5' && (line[3] == ' ' || line[3] == '-'));
    for (const char c : line) POSTERN_CHECK(c >= ' ' && c <= '~');
    output.remove_prefix(end + 2);
  }
}

}  // namespace

void run(std::string_view input) {
  if (input.empty()) return;
  const auto choice = static_cast<unsigned char>(input.front());
  input.remove_prefix(1);
  smtp::Config config;
  config.hostname = "mail.example";
  config.allows_auth_without_tls = (choice & 1) == 0;
  config.max_message_octets = (choice & 2) == 0 ? 1'000'000 : 50;
  config.max_recipients = 3;
  const std::size_t every = (choice >> 2) & 7;
  const std::size_t piece = 1 + (choice >> 5);
  // What comes behind STARTTLS is lost with its read, so only one split shows the same.
  const Run split = play(config, input, piece, every);
  check_output(split.output);
  if (split.steps.find('b') != std::string::npos) return;
  const Run whole = play(config, input, input.size(), every);
  POSTERN_CHECK(whole.steps == split.steps);
  check_output(whole.output);
}

}  // namespace postern::fuzz
