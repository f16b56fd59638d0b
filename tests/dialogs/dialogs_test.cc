// Plays every .dialog file below this folder into the pure session. Nothing needs to be registered: the folder is searched.
#include "core/bytes.h"
#include "tests/support/dialog_player.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <string>

namespace postern::test {
namespace {

constexpr int kRandomSplits = 20;

class Dialogs : public testing::TestWithParam<std::string> {};

void expect_same(const Transcript& one, const Transcript& other, const std::string& how) {
  EXPECT_EQ(one.output, other.output) << how;
  EXPECT_EQ(one.questions, other.questions) << how;
  EXPECT_EQ(one.messages, other.messages) << how;
  EXPECT_EQ(one.is_closed, other.is_closed) << how;
}

TEST_P(Dialogs, GoAsTheFileSaysOnEverySplit) {
  const auto loaded = load_dialog(GetParam());
  ASSERT_TRUE(std::holds_alternative<Dialog>(loaded)) << std::get<std::string>(loaded);
  const Dialog& dialog = std::get<Dialog>(loaded);

  const Transcript whole = play_dialog(dialog, [](std::size_t left) { return left; });
  for (const std::string& problem : whole.problems) ADD_FAILURE() << GetParam() << ": " << problem;

  expect_same(whole, play_dialog(dialog, [](std::size_t) { return std::size_t{1}; }), "octet by octet");
  std::mt19937 random(11);
  for (int round = 0; round < kRandomSplits; ++round) {
    const auto split = [&random](std::size_t left) { return 1 + random() % std::min<std::size_t>(left, 40); };
    expect_same(whole, play_dialog(dialog, split), "random split " + std::to_string(round));
  }
}

std::string name_of(const testing::TestParamInfo<std::string>& info) {
  const std::filesystem::path path(info.param);
  std::string name = path.parent_path().filename().string() + "_" + path.stem().string();
  for (char& c : name) {
    if (!is_ascii_alnum(c)) c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, Dialogs, testing::ValuesIn(find_dialogs(POSTERN_DIALOG_FOLDER)), name_of);

}  // namespace
}  // namespace postern::test
