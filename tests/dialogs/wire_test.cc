// Plays the dialogues that need no script of the product over TCP, with real handshakes, against a running server.
#include "tests/support/running_server.h"
#include "tests/support/wire_player.h"

#include <gtest/gtest.h>

namespace postern::test {
namespace {

class DialogsOnWire : public testing::TestWithParam<std::string> {};

TEST_P(DialogsOnWire, GoAsTheFileSays) {
  const Dialog dialog = std::get<Dialog>(load_dialog(GetParam()));
  RunningServer running({.config = dialog.config, .script = {}, .options = {}});
  TestClient client(running.port());
  const WireTranscript transcript = play_on_wire(dialog, client, dialog.lines.size());
  for (const std::string& problem : transcript.problems) ADD_FAILURE() << problem;
  client.close();
  EXPECT_TRUE(running.handler.wait_for("destroyed"));
}

INSTANTIATE_TEST_SUITE_P(All, DialogsOnWire, testing::ValuesIn(find_wire_dialogs(POSTERN_DIALOG_FOLDER)), name_of_dialog);

}  // namespace
}  // namespace postern::test
