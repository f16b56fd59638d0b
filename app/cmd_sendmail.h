// `postern sendmail`, and this program under the name sendmail or mailq: the one command whose words are not ours, and whose exit
// status is one of sysexits.h, which cron and PHP know.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace postern::app {

// What stands behind `postern sendmail`, or behind the name sendmail or mailq. nullopt: another command, or --help.
std::optional<std::vector<std::string>> sendmail_words(int argc, const char* const* argv);

// Reads standard input where the words say so. Returns the exit status.
int run_sendmail(const std::vector<std::string>& words, std::ostream& out, std::ostream& err);

}  // namespace postern::app
