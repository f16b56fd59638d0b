#include "relay/shaping.h"

#include "core/bytes.h"

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>
#include <set>

namespace postern::relay {
namespace {

constexpr std::size_t kMaxSaidOctets = 1'024;  // of a reply, as relay/failure_class

std::uint32_t lower_bound_of(std::uint32_t one, std::uint32_t other) {
  if (one == 0 || other == 0) return std::max(one, other);
  return std::min(one, other);
}

RE2::Options said_options() {
  RE2::Options options;
  options.set_case_sensitive(false);
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_log_errors(false);
  return options;
}

bool is_host_of(std::string_view pattern, std::string_view host) {
  return pattern.starts_with('.') ? host.ends_with(pattern) : host == pattern;
}

// Every host of `pattern` is one of `other`.
bool is_within(std::string_view pattern, std::string_view other) {
  return pattern == other || (other.starts_with('.') && pattern.ends_with(other));
}

bool are_all_within(const ShapingProvider& provider, const std::vector<const ShapingProvider*>& others) {
  return std::ranges::all_of(provider.mx, [&](const std::string& pattern) {
    return std::ranges::any_of(others, [&](const ShapingProvider* other) {
      return std::ranges::any_of(other->mx, [&](const std::string& before) { return is_within(pattern, before); });
    });
  });
}

void check_provider(const ShapingProvider& provider, const std::vector<const ShapingProvider*>& before,
                    std::vector<ShapingProblem>& problems) {
  const auto fail = [&](std::string what) { problems.push_back({provider.line, "provider " + provider.name + ": " + what}); };
  if (provider.mx.empty()) return fail("no mail host is its: name some as mx");
  if (std::ranges::any_of(before, [&](const ShapingProvider* other) { return other->name == provider.name; })) {
    return fail("there is another one of that name above");
  }
  if (are_all_within(provider, before)) fail("its mail hosts are all those of providers above, so that it never applies");
}

// Whatever `rule` is said by fires `before` as well, and for as long at least.
bool is_shadowed_by(const ShapingRule& rule, const ShapingRule& before) {
  const bool is_any = before.says.empty() || before.says == "." || before.says == ".*" || before.says == rule.says;
  const bool is_its = before.provider.empty() || before.provider == rule.provider;
  return is_any && is_its && before.suspends && before.times_an_hour <= rule.times_an_hour && before.duration >= rule.duration;
}

void check_rule(const ShapingRule& rule, const ShapingFile& file, std::vector<ShapingProblem>& problems) {
  const auto fail = [&](std::string what) { problems.push_back({rule.line, "rule " + rule.says + ": " + what}); };
  const bool has_provider = std::ranges::find(file.providers, rule.provider, &ShapingProvider::name) != file.providers.end();
  if (!rule.provider.empty() && !has_provider) fail("there is no provider " + rule.provider);
  const RE2 pattern(rule.says, said_options());
  if (rule.says.empty() || !pattern.ok()) fail("is no regular expression: " + pattern.error());
  if (!rule.suspends && rule.slow == ShapingLimits{}) fail("neither suspends nor slows down");
  if (rule.duration <= Duration{0}) fail("lasts for no time");
  for (const ShapingRule& before : file.rules) {
    if (&before == &rule) break;
    if (!is_shadowed_by(rule, before)) continue;
    fail("the rule of line " + std::to_string(before.line) + " says all of that");
    break;
  }
}

}  // namespace

ShapingLimits stricter(const ShapingLimits& one, const ShapingLimits& other) {
  return {.max_connections = lower_bound_of(one.max_connections, other.max_connections),
          .connects_per_minute = lower_bound_of(one.connects_per_minute, other.connects_per_minute),
          .messages_per_connection = lower_bound_of(one.messages_per_connection, other.messages_per_connection),
          .messages_per_minute = lower_bound_of(one.messages_per_minute, other.messages_per_minute)};
}

std::string describe_limits(const ShapingLimits& limits) {
  std::string text;
  const auto add = [&text](std::uint32_t bound, std::string_view what) {
    if (bound != 0) text += (text.empty() ? "" : ", ") + std::to_string(bound) + " " + std::string(what);
  };
  add(limits.max_connections, "connections");
  add(limits.connects_per_minute, "connects a minute");
  add(limits.messages_per_connection, "messages a connection");
  add(limits.messages_per_minute, "messages a minute");
  return text.empty() ? "no bounds" : text;
}

std::vector<ShapingProblem> check_shaping(const ShapingFile& file) {
  std::vector<ShapingProblem> problems;
  std::vector<const ShapingProvider*> before;
  for (const ShapingProvider& provider : file.providers) {
    check_provider(provider, before, problems);
    before.push_back(&provider);
  }
  for (const ShapingRule& rule : file.rules) check_rule(rule, file, problems);
  return problems;
}

struct Shaping::Patterns {
  explicit Patterns(const std::vector<ShapingRule>& rules) : set(said_options(), RE2::UNANCHORED) {
    for (const ShapingRule& rule : rules) set.Add(rule.says, nullptr);
    is_usable = !rules.empty() && set.Compile();
  }
  RE2::Set set;
  bool is_usable = false;
};

Shaping::Shaping(ShapingFile file) : file_(std::move(file)), patterns_(std::make_unique<Patterns>(file_.rules)) {}
Shaping::~Shaping() = default;

std::size_t Shaping::find_provider(std::string_view host) const {
  const auto found = std::ranges::find_if(file_.providers, [host](const ShapingProvider& provider) {
    return std::ranges::any_of(provider.mx, [host](const std::string& pattern) { return is_host_of(pattern, host); });
  });
  return found == file_.providers.end() ? kNoProvider : static_cast<std::size_t>(found - file_.providers.begin());
}

std::size_t Shaping::find_named(std::string_view name) const {
  const auto found =
      std::ranges::find(file_.providers, name, [](const ShapingProvider& provider) { return std::string_view(provider.name); });
  return found == file_.providers.end() ? kNoProvider : static_cast<std::size_t>(found - file_.providers.begin());
}

std::string_view Shaping::name_of(std::size_t provider) const {
  return provider < file_.providers.size() ? std::string_view(file_.providers[provider].name) : "other";
}

const ShapingLimits& Shaping::limits_of(std::size_t provider) const {
  return provider < file_.providers.size() ? file_.providers[provider].limits : file_.usual;
}

std::vector<std::size_t> Shaping::rules_said(std::size_t provider, const Status& status) const {
  std::vector<std::size_t> said;
  if (!patterns_->is_usable) return said;
  std::vector<int> matches;
  patterns_->set.Match(format_status(status).substr(0, kMaxSaidOctets), &matches);
  std::ranges::sort(matches);
  for (const int match : matches) {
    const auto index = static_cast<std::size_t>(match);
    const std::string& wanted = file_.rules[index].provider;
    if (wanted.empty() || wanted == name_of(provider)) said.push_back(index);
  }
  return said;
}

}  // namespace postern::relay
