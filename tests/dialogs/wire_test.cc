// Plays the dialogues that need no script of the product over TCP, with real handshakes, against a running server.
#include "tests/support/running_server.h"
#include "tests/support/wire_player.h"

#include <gtest/gtest.h>

#include <filesystem>

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

std::vector<std::string> playable() {
  std::vector<std::string> paths = find_dialogs(POSTERN_DIALOG_FOLDER);
  std::erase_if(paths, [](const std::string& path) {
    const auto loaded = load_dialog(path);
    return !std::holds_alternative<Dialog>(loaded) || !std::get<Dialog>(loaded).is_playable_on_the_wire();
  });
  return paths;
}

std::string name_of(const testing::TestParamInfo<std::string>& info) {
  const std::filesystem::path path(info.param);
  return path.parent_path().filename().string() + "_" + path.stem().string();
}

INSTANTIATE_TEST_SUITE_P(All, DialogsOnWire, testing::ValuesIn(playable()), name_of);

}  // namespace
}  // namespace postern::test
