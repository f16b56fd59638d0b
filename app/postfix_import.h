// `postern import postfix`: Postfix's main.cf (postconf(5)) as a configuration of ours, with a comment on everything that it could
// not take over. No password gets into it.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace postern::app {

struct PostfixImport {
  std::string toml;
  std::size_t taken = 0;  // settings of main.cf that have a counterpart
  std::size_t left = 0;   // settings that a comment speaks of
};

// The text of a file that main.cf names (a table's source, not what postmap made of it); nullopt: it cannot be read.
using FileReader = std::function<std::optional<std::string>(const std::string& path)>;

// Settings that are not written have Postfix's default and say nothing. Bounded by the texts: 1,000 routes at most.
PostfixImport import_postfix(std::string_view main_cf, const FileReader& read_file);

}  // namespace postern::app
