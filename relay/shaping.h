// Shaping: how much mail at once a large provider takes, as values, and which of its replies ask for less. A provider is known by
// the names of its mail hosts. Read from a file (app/shaping_file), checked as a whole, compiled once; relay/provider_shaper keeps
// to it.
#pragma once

#include "core/clock.h"
#include "core/result.h"
#include "core/status.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::relay {

// 0: no bound.
struct ShapingLimits {
  std::uint32_t max_connections = 0;  // at once, to all hosts of the provider together
  std::uint32_t connects_per_minute = 0;
  std::uint32_t messages_per_connection = 0;
  std::uint32_t messages_per_minute = 0;

  friend bool operator==(const ShapingLimits&, const ShapingLimits&) = default;
};
// The stricter of both, bound by bound.
ShapingLimits stricter(const ShapingLimits& one, const ShapingLimits& other);
// "5 connections, 50 messages each"; "no bounds".
std::string describe_limits(const ShapingLimits& limits);

struct ShapingProvider {
  std::string name;             // of metrics and logs; "other" is everybody's who is none of these
  std::vector<std::string> mx;  // ".google.com": hosts below it; "mx.example.net": this one. Lower case
  ShapingLimits limits = {};
  std::size_t line = 0;  // in its file, for what is wrong with it
};

struct ShapingRule {
  std::string provider = {};  // empty: any
  std::string says = {};      // RE2 without regard to letter case, anywhere in "421 4.7.28 text"
  bool suspends = false;           // nothing goes there; else `slow` holds beside the usual limits
  ShapingLimits slow = {};
  Duration duration{0};
  std::uint32_t times_an_hour = 1;  // how often it has to be said within an hour; 1: at once
  std::size_t line = 0;
};

struct ShapingFile {
  ShapingLimits usual;  // of each domain whose hosts are no provider's
  std::vector<ShapingProvider> providers;
  std::vector<ShapingRule> rules;
};

struct ShapingProblem {
  std::size_t line = 0;
  std::string what;
};
// What would not do what it says: providers without hosts or behind others', rules for no provider, rules behind others that say
// all that they say, patterns that are none.
std::vector<ShapingProblem> check_shaping(const ShapingFile& file);

// Compiled; any thread.
class Shaping {
 public:
  static constexpr std::size_t kNoProvider = ~std::size_t{0};

  // `file` is checked.
  explicit Shaping(ShapingFile file);
  ~Shaping();

  // By the name of a mail host, in lower case.
  std::size_t find_provider(std::string_view host) const;
  std::size_t find_named(std::string_view name) const;
  std::string_view name_of(std::size_t provider) const;
  const ShapingLimits& limits_of(std::size_t provider) const;
  const ShapingFile& file() const { return file_; }
  // Those that apply to the provider and are said; their places among file().rules, in order. Time linear in the text.
  std::vector<std::size_t> rules_said(std::size_t provider, const Status& status) const;

 private:
  struct Patterns;

  ShapingFile file_;
  std::unique_ptr<Patterns> patterns_;
};

}  // namespace postern::relay
