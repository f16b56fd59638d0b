#include "sandbox/script.h"

#include "sandbox/glob.h"

#include <algorithm>
#include <array>

namespace postern::sandbox {
namespace {

constexpr std::array<std::pair<Stage, std::string_view>, 8> kStages = {{{Stage::Connect, "connect"},
                                                                        {Stage::Ehlo, "ehlo"},
                                                                        {Stage::Auth, "auth"},
                                                                        {Stage::Mail, "mail"},
                                                                        {Stage::Rcpt, "rcpt"},
                                                                        {Stage::Data, "data"},
                                                                        {Stage::Content, "content"},
                                                                        {Stage::Delivery, "delivery"}}};
constexpr Duration kRateWindow = std::chrono::minutes(1);

// FNV-1a, and a mix that carries every octet into every bit (the finaliser of splitmix64).
class Mixer {
 public:
  explicit Mixer(std::uint64_t seed) : value_(0xcbf29ce484222325ULL ^ seed) {}
  Mixer& add(std::string_view text) {
    for (const char octet : text) add_octet(static_cast<unsigned char>(octet));
    add_octet(0);
    return *this;
  }
  Mixer& add(std::uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8) add_octet((number >> shift) & 0xff);
    return *this;
  }
  std::uint64_t mixed() const {
    std::uint64_t z = value_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

 private:
  void add_octet(std::uint64_t octet) { value_ = (value_ ^ octet) * 0x100000001b3ULL; }
  std::uint64_t value_;
};

}  // namespace

std::string_view stage_name(Stage stage) {
  return std::ranges::find(kStages, stage, &std::pair<Stage, std::string_view>::first)->second;
}

std::optional<Stage> parse_stage(std::string_view name) {
  for (const auto& [stage, text] : kStages) {
    if (text == name) return stage;
  }
  return std::nullopt;
}

bool Script::counts_messages_at(Stage stage) const {
  return std::ranges::any_of(rules, [stage](const ScriptRule& rule) {
    return rule.stage == stage && (rule.message || rule.chance < 1);
  });
}

double chance_of(std::uint64_t seed, std::size_t rule, const ScriptQuestion& question) {
  const std::uint64_t mixed = Mixer(seed)
                                  .add(rule)
                                  .add(static_cast<std::uint64_t>(question.stage))
                                  .add(question.from)
                                  .add(question.to)
                                  .add(question.attempt)
                                  .add(question.message)
                                  .mixed();
  return static_cast<double>(mixed >> 11) * 0x1p-53;
}

std::size_t ScriptState::count_recent(const ScriptQuestion& question) {
  std::deque<Instant>& recent = recent_[question.stage];
  while (!recent.empty() && recent.front() <= question.at - kRateWindow) recent.pop_front();
  if (recent.size() == kMaxRecent) recent.pop_front();
  recent.push_back(question.at);
  return recent.size();
}

// Beyond the bound every pair is new each time.
std::uint32_t ScriptState::count_attempt(const ScriptQuestion& question) {
  if (question.stage != Stage::Rcpt) return question.attempt;
  const std::pair key{std::string(question.from), std::string(question.to)};
  if (attempts_.size() == kMaxPairs && !attempts_.contains(key)) return 1;
  return ++attempts_[key];
}

bool ScriptState::fits(const ScriptRule& rule, std::size_t index, const ScriptQuestion& question, std::size_t recent,
                       std::uint64_t seed) {
  if (rule.stage != question.stage) return false;
  if (rule.to && !fits_glob(*rule.to, question.to)) return false;
  if (rule.from && !fits_glob(*rule.from, question.from)) return false;
  if (rule.attempt && !rule.attempt->holds(question.attempt)) return false;
  if (rule.message && !rule.message->holds(question.message)) return false;
  if (rule.above && recent <= *rule.above) return false;
  if (rule.times > 0 && used_[index] >= rule.times) return false;
  return rule.chance >= 1 || chance_of(seed, index, question) < rule.chance;
}

std::uint32_t ScriptState::used(std::size_t rule) const {
  const auto found = used_.find(rule);
  return found == used_.end() ? 0 : found->second;
}

std::optional<std::size_t> ScriptState::decide(const Script& script, ScriptQuestion question, std::uint64_t seed) {
  question.attempt = count_attempt(question);
  const std::size_t recent = count_recent(question);
  for (std::size_t i = 0; i < script.rules.size(); ++i) {
    if (!fits(script.rules[i], i, question, recent, seed)) continue;
    ++used_[i];
    return i;
  }
  return std::nullopt;
}

}  // namespace postern::sandbox
