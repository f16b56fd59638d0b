// Checks that look at more than one key, or at a key's grammar. Used by app/config.
#pragma once

#include "app/config.h"
#include "app/settings.h"

#include <compare>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace postern::app {

// A key of a table. Problems turns it into the key's own line, or the table's where the key is not written.
struct Place {
  std::size_t table_line = kTopTable;
  std::string key;

  static constexpr std::size_t kTopTable = 0;
  friend auto operator<=>(const Place&, const Place&) = default;
};

// Lines of tables that environment variables made (app/config_environment) begin here: no file is so long.
inline constexpr std::size_t kVariableLines = 10'000'000;

// Collects what is wrong with one file, and with the environment variables that stand in for it.
class Problems {
 public:
  explicit Problems(const std::filesystem::path& file) : file_(file), folder_(file.parent_path()) {}

  // `variable`: the environment variable that gave the value; empty: the file did.
  void remember(const Place& place, std::size_t line, const std::string& variable);
  void add(const Place& place, std::string what, std::string advice);
  void warn(const Place& place, std::string what, std::string advice);
  void add_of_variable(const std::string& variable, std::string what, std::string advice);
  void warn_of_variable(const std::string& variable, std::string what, std::string advice);
  // The file, or a variable, gives the key a value, be it an empty one.
  bool is_written(const Place& place) const { return lines_.contains(place); }
  const std::filesystem::path& folder() const { return folder_; }
  // In the order of their lines.
  std::vector<ConfigProblem> take();

 private:
  void push(const Place& place, std::string what, std::string advice, bool is_warning);

  std::map<Place, std::size_t> lines_;
  std::map<Place, std::string> variables_;
  std::filesystem::path file_;
  std::filesystem::path folder_;
  std::vector<ConfigProblem> problems_;
};

// An address of this machine itself, or "localhost".
bool is_loopback_host(std::string_view host);

// Also brings route domains and the simulator's into their normal form.
void check_settings(Settings& settings, Problems& problems);

}  // namespace postern::app
