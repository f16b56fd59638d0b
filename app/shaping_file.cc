#include "app/shaping_file.h"

#include "app/toml_reader.h"
#include "core/bytes.h"
#include "core/time_format.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>

namespace postern::app {
namespace {

constexpr std::uintmax_t kMaxShapingOctets = 1U << 20;
constexpr std::size_t kMaxProviders = 1'000;
constexpr std::size_t kMaxRules = 1'000;
constexpr std::size_t kMaxNameOctets = 64;
constexpr Duration kLongestRule = std::chrono::days(1);

class ShapingReader {
 public:
  ShapingReader(const std::filesystem::path& file, ShapingLoad& load) : file_(file.string()), load_(load) {}

  void read(const std::vector<TomlTable>& tables) {
    for (const TomlTable& table : tables) {
      if (table.name == "provider") {
        read_provider(table);
      } else if (table.name == "rule") {
        read_rule(table);
      } else if (!table.name.empty()) {
        fail(table.line, "[[" + table.name + "]]", "is none of [[provider]] and [[rule]]");
      } else {
        for (const TomlEntry& entry : table.entries) {
          if (!read_limit(entry, load_.shaping.usual)) fail_unknown(entry);
        }
      }
    }
    if (load_.shaping.providers.size() > kMaxProviders) fail(0, {}, "has more than 1000 providers");
    if (load_.shaping.rules.size() > kMaxRules) fail(0, {}, "has more than 1000 rules");
  }
  void fail(std::size_t line, std::string key, std::string what) {
    load_.problems.push_back({file_, line, std::move(key), std::move(what), {}, false});
  }

 private:
  void fail_unknown(const TomlEntry& entry) { fail(entry.line, entry.key, "is not a key of this table"); }

  std::string text_of(const TomlEntry& entry) {
    if (const auto* text = std::get_if<std::string>(&entry.value)) return *text;
    fail(entry.line, entry.key, "must be text");
    return {};
  }
  std::uint32_t number_of(const TomlEntry& entry) {
    const auto* number = std::get_if<std::int64_t>(&entry.value);
    if (number != nullptr && *number >= 0 && *number <= std::numeric_limits<std::uint32_t>::max()) {
      return static_cast<std::uint32_t>(*number);
    }
    fail(entry.line, entry.key, "must be a whole number, not below 0");
    return 0;
  }
  bool read_limit(const TomlEntry& entry, relay::ShapingLimits& limits) {
    std::uint32_t* const bound = entry.key == "max_connections"           ? &limits.max_connections
                                 : entry.key == "connects_per_minute"     ? &limits.connects_per_minute
                                 : entry.key == "messages_per_connection" ? &limits.messages_per_connection
                                 : entry.key == "messages_per_minute"     ? &limits.messages_per_minute
                                                                          : nullptr;
    if (bound != nullptr) *bound = number_of(entry);
    return bound != nullptr;
  }
  void read_provider(const TomlTable& table) {
    relay::ShapingProvider provider;
    provider.line = table.line;
    for (const TomlEntry& entry : table.entries) {
      if (entry.key == "name") {
        provider.name = text_of(entry);
      } else if (entry.key == "mx") {
        const auto* list = std::get_if<std::vector<std::string>>(&entry.value);
        if (list == nullptr) fail(entry.line, entry.key, "must be a list of names of mail hosts");
        for (const std::string& name : list == nullptr ? std::vector<std::string>() : *list) {
          if (name.size() < 2 || name == ".") fail(entry.line, entry.key, "has a name that is none");
          provider.mx.push_back(to_ascii_lower(name));
        }
      } else if (!read_limit(entry, provider.limits)) {
        fail_unknown(entry);
      }
    }
    if (provider.name.empty() || provider.name == "other" || provider.name.size() > kMaxNameOctets) {
      fail(table.line, "name", "must be there, and be none of \"other\" and what has more than 64 octets");
    }
    load_.shaping.providers.push_back(std::move(provider));
  }
  void read_rule(const TomlTable& table) {
    relay::ShapingRule rule;
    rule.line = table.line;
    std::string action;
    for (const TomlEntry& entry : table.entries) {
      if (entry.key == "provider") {
        rule.provider = text_of(entry);
      } else if (entry.key == "says") {
        rule.says = text_of(entry);
      } else if (entry.key == "do") {
        action = text_of(entry);
      } else if (entry.key == "for") {
        read_duration(entry, rule.duration);
      } else if (entry.key == "times_an_hour") {
        rule.times_an_hour = std::clamp(number_of(entry), 1U, 1'000U);
      } else if (!read_limit(entry, rule.slow)) {
        fail_unknown(entry);
      }
    }
    rule.suspends = action == "suspend";
    if (!rule.suspends && action != "slow") fail(table.line, "do", "must be \"suspend\" or \"slow\"");
    load_.shaping.rules.push_back(std::move(rule));
  }
  void read_duration(const TomlEntry& entry, Duration& duration) {
    const auto parsed = parse_duration(text_of(entry));
    if (parsed && *parsed > Duration{0} && *parsed <= kLongestRule) {
      duration = *parsed;
    } else {
      fail(entry.line, entry.key, "must be a time up to 24h, such as \"30m\"");
      duration = std::chrono::minutes(1);  // so that it is said once
    }
  }

  std::string file_;
  ShapingLoad& load_;
};

}  // namespace

ShapingLoad parse_shaping(std::string_view text, const std::filesystem::path& file) {
  ShapingLoad load;
  ShapingReader reader(file, load);
  const auto read = read_toml(text);
  if (const auto* problem = std::get_if<TomlProblem>(&read)) {
    reader.fail(problem->line, {}, problem->what + "; nothing below it was looked at");
    return load;
  }
  reader.read(std::get<std::vector<TomlTable>>(read));
  if (!load.problems.empty()) return load;
  for (const relay::ShapingProblem& problem : relay::check_shaping(load.shaping)) reader.fail(problem.line, {}, problem.what);
  return load;
}

ShapingLoad load_shaping(const std::filesystem::path& file) {
  std::error_code error;
  const auto octets = std::filesystem::file_size(file, error);
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  const bool is_read = !error && octets <= kMaxShapingOctets && stream && (octets == 0 || text << stream.rdbuf());
  if (is_read) return parse_shaping(text.str(), file);
  ShapingLoad load;
  ShapingReader(file, load).fail(0, {}, error ? error.message() : "cannot be read, or is larger than 1 MiB");
  return load;
}

Result<std::shared_ptr<const relay::Shaping>> make_shaping(const Settings& settings) {
  if (settings.shaping_file.empty()) return std::shared_ptr<const relay::Shaping>();
  ShapingLoad load = load_shaping(settings.shaping_file);
  if (!load.problems.empty()) return Error(ErrorCode::Malformed, format_problem(load.problems.front()));
  return std::make_shared<const relay::Shaping>(std::move(load.shaping));
}

}  // namespace postern::app
