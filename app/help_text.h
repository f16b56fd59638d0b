// `postern help WORD`: what a word of Postern means, from the tables that the program itself works by: keys of the configuration,
// tokens of refusals, names of metrics, facts of the log, classes of failures.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace postern::app {

struct HelpEntry {
  std::string word;
  std::string kind;  // "key of the configuration", "token of a refusal" …
  std::string text;  // lines for people
};

// Everything that the word stands for; a variable of the environment stands for its key, and case counts for nothing. Empty: no
// table has it.
std::vector<HelpEntry> find_help(std::string_view word);
// A word that somebody may have meant; empty: none is near.
std::string nearest_help(std::string_view word);

}  // namespace postern::app
