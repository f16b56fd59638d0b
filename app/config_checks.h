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

// Collects what is wrong with one file.
class Problems {
 public:
  explicit Problems(const std::filesystem::path& file) : file_(file), folder_(file.parent_path()) {}

  void remember_line(const Place& place, std::size_t line) { lines_[place] = line; }
  void add(const Place& place, std::string what, std::string advice);
  void warn(const Place& place, std::string what, std::string advice);
  // The file gives the key a value, be it an empty one.
  bool is_written(const Place& place) const { return lines_.contains(place); }
  const std::filesystem::path& folder() const { return folder_; }
  // In the order of their lines.
  std::vector<ConfigProblem> take();

 private:
  void push(const Place& place, std::string what, std::string advice, bool is_warning);

  std::map<Place, std::size_t> lines_;
  std::filesystem::path file_;
  std::filesystem::path folder_;
  std::vector<ConfigProblem> problems_;
};

// An address of this machine itself, or "localhost".
bool is_loopback_host(std::string_view host);

// Also brings route domains and the simulator's into their normal form.
void check_settings(Settings& settings, Problems& problems);

}  // namespace postern::app
