// Cuts the connection after every line of every dialogue that can be played on the wire: nothing may be committed that the
// client had not ended, whatever was opened must be abandoned, and the log must name the stage.
#include "tests/support/captured_log.h"
#include "tests/support/running_server.h"
#include "tests/support/wire_player.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

namespace postern::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class NetworkFault : public testing::TestWithParam<std::string> {};

// Alternately an orderly end and a reset.
void cut(TestClient& client, std::size_t after) {
  if (after % 2 == 0) {
    client.close();
  } else {
    client.reset();
  }
}

// Whether the client's octets hold the end of a message: the dot, or all of a last chunk (RFC 3030 §2).
bool has_ended_message(const std::string& sent) {
  if (sent.find("\r\n.\r\n") != std::string::npos) return true;
  const std::regex last_chunk("bdat +0*([0-9]{1,18}) +last *\r\n", std::regex::icase);
  for (std::sregex_iterator found(sent.begin(), sent.end(), last_chunk), end; found != end; ++found) {
    const auto begin = static_cast<std::size_t>(found->position() + found->length());
    if (sent.size() - begin >= std::stoull((*found)[1].str())) return true;
  }
  return false;
}

TEST_P(NetworkFault, LeavesNothingBehind) {
  const Dialog dialog = std::get<Dialog>(load_dialog(GetParam()));
  CapturedLog log;
  {
    RunningServer running({.config = dialog.config, .script = {}, .options = {}});
    for (std::size_t after = 1; after <= dialog.lines.size(); ++after) {
      const std::size_t committed_before = running.handler.count("committed");
      TestClient client(running.port());
      const WireTranscript transcript = play_on_wire(dialog, client, after);
      cut(client, after);
      ASSERT_TRUE(running.handler.wait_for("destroyed", after)) << "after line " << after;
      if (has_ended_message(transcript.sent)) continue;
      ASSERT_EQ(running.handler.count("committed"), committed_before) << "after line " << after;
    }
    EXPECT_EQ(running.handler.count("opened"), dialog.lines.size());
    // Each message that was opened was either committed or abandoned (and a sender alone may be abandoned too).
    EXPECT_LE(running.handler.count("message"), running.handler.count("commit") + running.handler.count("abandon"));
  }
  const std::string text = log.finish();
  // A client that talks before it is greeted may be past that when it is lost.
  if (dialog.lines.front().kind == DialogLine::Kind::Server) {
    EXPECT_THAT(text, HasSubstr("connection_lost after=CONNECT"));
  }
  EXPECT_THAT(text, Not(HasSubstr("connection_lost after=\"\"")));
}

INSTANTIATE_TEST_SUITE_P(Dialogs, NetworkFault, testing::ValuesIn(find_wire_dialogs(POSTERN_DIALOG_FOLDER)), name_of_dialog);

struct StageCase {
  const char* name;
  std::vector<std::string> sent;  // each is sent once the reply to the one before has come
  const char* stage;
  std::size_t abandons;           // transactions that the product must hear the end of
};

class LossStage : public testing::TestWithParam<StageCase> {};

TEST_P(LossStage, IsNamedInTheLog) {
  CapturedLog log;
  {
    ServerPlan plan;
    plan.config.tls = smtp::TlsMode::None;
    plan.config.allows_auth_without_tls = true;
    RunningServer running(plan);
    TestClient client(running.port());
    client.read_reply();
    for (const std::string& line : GetParam().sent) ASSERT_NE(client.command(line), "") << line;
    client.reset();
    ASSERT_TRUE(running.handler.wait_for("destroyed"));
    EXPECT_EQ(running.handler.count("abandon"), GetParam().abandons);
    EXPECT_EQ(running.handler.count("commit"), GetParam().stage == std::string("END-OF-DATA") ? 1U : 0U);
  }
  EXPECT_THAT(log.finish(), HasSubstr(std::string("connection_lost after=") + GetParam().stage + " peer=127.0.0.1"));
}

const std::string kEhlo = "EHLO client.example";
const std::string kAuth = "AUTH PLAIN AHVzZXIAbm90LWEtcmVhbC1rZXk=";
const std::string kMail = "MAIL FROM:<a@example.test>";
const std::string kRcpt = "RCPT TO:<b@example.test>";

INSTANTIATE_TEST_SUITE_P(
    Stages, LossStage,
    testing::Values(StageCase{"Connect", {}, "CONNECT", 0}, StageCase{"Ehlo", {kEhlo}, "EHLO", 0},
                    StageCase{"Auth", {kEhlo, kAuth}, "AUTH", 0}, StageCase{"Mail", {kEhlo, kAuth, kMail}, "MAIL", 1},
                    StageCase{"Rcpt", {kEhlo, kAuth, kMail, kRcpt}, "RCPT", 1},
                    StageCase{"Data", {kEhlo, kAuth, kMail, kRcpt, "DATA"}, "DATA", 1},
                    StageCase{"EndOfData", {kEhlo, kAuth, kMail, kRcpt, "DATA", "hi\r\n."}, "END-OF-DATA", 0}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace postern::test
