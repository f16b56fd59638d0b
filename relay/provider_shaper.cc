#include "relay/provider_shaper.h"

#include "core/check.h"
#include "core/metrics.h"
#include "core/operator_log.h"

#include <algorithm>
#include <utility>

namespace postern::relay {
namespace {

constexpr Duration kMinute = std::chrono::minutes(1);
constexpr Duration kHour = std::chrono::hours(1);
constexpr Duration kBurst = kMinute / 10;
constexpr Duration kForConnection = std::chrono::seconds(1);  // until a connection may have become free

metrics::Gauge provider_connections("postern_provider_connections",
                                    "Open connections to mail hosts, by provider; where shaping_file is set.",
                                    {{"provider", provider_labels()}});

}  // namespace

std::vector<std::string> provider_labels() {
  return {"google", "yahoo", "outlook", "icloud",      "comcast", "mimecast",
          "orange", "gmx",   "yahoo_japan", "qq", "netease", "other"};
}

CountedConnection::CountedConnection(std::shared_ptr<ProviderShaper> shaper)
    : shaper_(std::move(shaper)), place_(provider_connections.place_of(shaper_->name())) {
  provider_connections.at(place_).add(1);
}

CountedConnection::~CountedConnection() {
  provider_connections.at(place_).add(-1);
  shaper_->connection_ended();
}

std::optional<Duration> Pace::take(std::uint32_t per_minute, Instant now) {
  if (per_minute == 0) return std::nullopt;
  const Duration interval = kMinute / per_minute;
  // A clock that was set back makes nobody wait for longer than a minute.
  if (next_ > now + kMinute) next_ = now;
  const Duration allowed = std::max(kBurst - interval, Duration{0});
  if (next_ > now + allowed) return next_ - now - allowed;
  next_ = std::max(next_, now) + interval;
  return std::nullopt;
}

std::string_view restraint_name(Restraint restraint) {
  switch (restraint) {
    case Restraint::Suspended: return "suspended";
    case Restraint::Connections: return "connections";
    case Restraint::Connects: return "connects";
    case Restraint::Messages: return "messages";
    case Restraint::WarmUp: return "warm_up";
    case Restraint::Source: return "source";
  }
  return "suspended";
}

ProviderShaper::ProviderShaper(std::shared_ptr<const Shaping> shaping, std::size_t provider, std::string source)
    : shaping_(std::move(shaping)), provider_(provider), source_(std::move(source)) {}

void ProviderShaper::use(std::shared_ptr<const Shaping> shaping, std::size_t provider) {
  shaping_ = std::move(shaping);
  provider_ = provider;
}

std::optional<Instant> ProviderShaper::suspended_until(Instant now) const {
  return suspended_until_ > now ? std::optional(suspended_until_) : std::nullopt;
}

ShapingLimits ProviderShaper::limits(Instant now) const {
  ShapingLimits limits = shaping_->limits_of(provider_);
  for (const auto& [said, slowed] : slowed_) {
    if (slowed.until > now) limits = stricter(limits, slowed.limits);
  }
  return limits;
}

std::optional<Wait> ProviderShaper::admit_message(Instant now) {
  if (const auto until = suspended_until(now)) return Wait{*until - now, Restraint::Suspended};
  const auto wait = messages_.take(limits(now).messages_per_minute, now);
  return wait ? std::optional(Wait{*wait, Restraint::Messages}) : std::nullopt;
}

std::optional<Wait> ProviderShaper::admit_connection(Instant now) {
  if (const auto until = suspended_until(now)) return Wait{*until - now, Restraint::Suspended};
  const ShapingLimits held = limits(now);
  if (held.max_connections != 0 && connections_ >= held.max_connections) return Wait{kForConnection, Restraint::Connections};
  if (const auto wait = connects_.take(held.connects_per_minute, now)) return Wait{*wait, Restraint::Connects};
  ++connections_;
  return std::nullopt;
}

void ProviderShaper::connection_ended() {
  POSTERN_CHECK(connections_ > 0);
  --connections_;
}

std::vector<ProviderShaper::Fired> ProviderShaper::heard(const Status& status, Instant now) {
  std::vector<Fired> fired;
  for (const std::size_t index : shaping_->rules_said(provider_, status)) {
    const ShapingRule& rule = shaping_->file().rules[index];
    if (rule.times_an_hour > 1) {
      std::deque<Instant>& times = said_[rule.says];
      times.push_back(now);
      if (times.size() > rule.times_an_hour) times.pop_front();
      if (times.size() < rule.times_an_hour || now - times.front() > kHour) continue;
    }
    const Instant until = now + rule.duration;
    if (rule.suspends) {
      suspended_until_ = std::max(suspended_until_, until);
    } else {
      slowed_[rule.says] = {rule.slow, until};
    }
    fired.push_back({&rule, until});
  }
  return fired;
}

void ProviderShapers::use(std::shared_ptr<const Shaping> shaping) {
  shaping_ = std::move(shaping);
  if (!shaping_) return;  // those that there are go on by the rules that they had, until the last of them is let go
  for (auto& [key, shaper] : shapers_) shaper->use(shaping_, shaping_->find_named(key.first));
}

void note_provider_word(ProviderShaper& shaper, const Status& status, Instant now) {
  for (const ProviderShaper::Fired& fired : shaper.heard(status, now)) {
    const char* const how = fired.rule->suspends ? "suspended" : "slowed";
    operator_log::provider_restrained(shaper.name(), shaper.source(), how, fired.until - now, status);
  }
}

std::shared_ptr<ProviderShaper> ProviderShapers::of_host(std::string_view host, const std::string& source) {
  const std::size_t provider = shaping_->find_provider(host);
  if (provider == Shaping::kNoProvider) return std::make_shared<ProviderShaper>(shaping_, provider, source);
  std::shared_ptr<ProviderShaper>& shaper = shapers_[{std::string(shaping_->name_of(provider)), source}];
  if (!shaper) shaper = std::make_shared<ProviderShaper>(shaping_, provider, source);
  return shaper;
}

}  // namespace postern::relay
