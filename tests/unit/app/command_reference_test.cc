// The manual page and the completions: every command is in each of them, and nothing that a shell or man(7) would read otherwise.
#include "app/command_reference.h"

#include "app/command_line.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <functional>

namespace postern::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

CommandNode example() {
  const CommandOption config{.names = {"--config"}, .help = "the file", .choices = {}};
  const CommandOption json{.names = {"--json", "-j"}, .help = "for programs", .choices = {}, .is_flag = true};
  const CommandOption account{
      .names = {"account"}, .help = "whose", .choices = {}, .is_positional = true, .is_required = true};
  const CommandOption permission{
      .names = {"--permission"}, .help = "what it may do", .choices = {"full_access", "sending_access"}};
  const CommandNode create{"create", "Make a key; it's shown once", {account, permission}, {}};
  return {"postern", "Relay.", {config, json}, {{"key", "Keys", {}, {create}}}};
}

TEST(ManText, EscapesWhatManWouldRead) {
  EXPECT_EQ(man_text(".example.org\n'quoted' \\ --x"), "\\&.example.org\n\\&'quoted' \\e \\-\\-x");
}

TEST(ManPage, HasACommandWithItsWordsAndOptions) {
  const std::string page = make_man_page(example(), "1.2.3");
  EXPECT_THAT(page, HasSubstr(".SS \"postern key create \\fIaccount\\fR\"\nMake a key; it's shown once.\n"));
  EXPECT_THAT(page, HasSubstr("PERMISSION\\fR\nwhat it may do: full_access, sending_access\n"));
  EXPECT_THAT(page, HasSubstr("\"postern 1.2.3\""));
}

TEST(BashCompletion, OffersWhatMayStandAfterACommand) {
  const std::string text = make_bash_completion(example());
  EXPECT_THAT(text, HasSubstr("'postern key') choices='--config --help --json -j create' ;;"));
  EXPECT_THAT(text, HasSubstr("'postern key create') choices='--config --help --json --permission -j' ;;"));
}

TEST(ZshCompletion, SaysBesideEachWordWhatItIs) {
  EXPECT_THAT(make_zsh_completion(example()), HasSubstr("'create:Make a key; it'\\''s shown once'"));
}

TEST(FishCompletion, OffersOptionsAfterTheirCommandOnly) {
  const std::string text = make_fish_completion(example());
  EXPECT_THAT(text, HasSubstr("-n '__fish_seen_subcommand_from key; and __fish_seen_subcommand_from create' -l permission -x"));
  EXPECT_THAT(text, HasSubstr("complete -c postern -l json -s j -d 'for programs'\n"));
}

TEST(CommandReference, HasEveryCommandOfTheProgram) {
  const CommandNode root = describe_commands();
  const std::string man = make_man_page(root, "0");
  const std::string bash = make_bash_completion(root);
  std::size_t commands = 0;
  const std::function<void(const CommandNode&, std::string)> look = [&](const CommandNode& node, std::string words) {
    words += (words.empty() ? "" : " ") + node.name;
    EXPECT_FALSE(node.help.empty()) << words;
    EXPECT_THAT(bash, HasSubstr("'" + words + "') choices="));
    if (node.commands.empty()) {
      EXPECT_THAT(man, HasSubstr(".SS \"" + man_text(words)));
    }
    for (const CommandNode& command : node.commands) look(command, words);
    ++commands;
  };
  look(root, "");
  EXPECT_GT(commands, 60u);
  const auto docs = std::ranges::find(root.commands, "docs", &CommandNode::name);
  ASSERT_NE(docs, root.commands.end());
  EXPECT_THAT(docs->options.at(0).choices, ::testing::Contains("man"));
}

// The shell itself: with the words of a command line it completes those that fit.
TEST(BashCompletion, IsUnderstoodByBash) {
  const std::string folder = ::testing::TempDir();
  std::ofstream(folder + "/postern.bash") << make_bash_completion(describe_commands())
                                          << "COMP_WORDS=(postern --json key re); COMP_CWORD=3; _postern\n"
                                             "[[ \"${COMPREPLY[*]}\" == 'revoke' ]] || exit 1\n"
                                             "COMP_WORDS=(postern docs m); COMP_CWORD=2; _postern\n"
                                             "[[ \"${COMPREPLY[*]}\" == 'man man-configuration' ]] || exit 2\n";
  EXPECT_EQ(std::system(("bash " + folder + "/postern.bash").c_str()), 0);  // NOLINT: the test's own words
}

}  // namespace
}  // namespace postern::app
