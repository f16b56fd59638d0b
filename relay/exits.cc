#include "relay/exits.h"

#include <utility>

namespace postern::relay {

Status lacking_source(const EgressSource& source, const IpAddress* own, bool is_v4) {
  const std::string lacks = is_v4 ? "it has no IPv4 address" : "it has no IPv6 address";
  const std::string what = own != nullptr ? format_ip_address(*own) + " is not on this machine" : lacks;
  return Status{451, EnhancedCode{4, 4, 1}, "nothing leaves from source " + source.name + ": " + what};
}

Exits::Exits(const net::Executor& executor, const Route& route, std::shared_ptr<SourceBook> book)
    : route_(route), book_(std::move(book)) {
  const auto add = [&](const EgressSource* source) {
    exits_.push_back({.source = source, .idle = std::make_shared<IdleConnections>(executor, route.idle_timeout)});
  };
  for (const PoolMember& member : route.egress.members) add(&member.source);
  if (exits_.empty()) add(nullptr);
}

SourceState Exits::state_of(const Exit& exit, Instant now) const {
  if (book_ && book_->is_missing(*exit.source, now)) return SourceState::Missing;
  if (exit.shaper && exit.shaper->suspended_until(now)) return SourceState::Resting;
  if (book_ && !book_->has_share(*exit.source, exit.provider(), now)) return SourceState::Spent;
  return exit.is_failing ? SourceState::Failing : SourceState::Good;
}

Wait Exits::wait_of(const Exit& exit, SourceState state, Instant now) const {
  if (state == SourceState::Missing) return {SourceBook::kMissingFor, Restraint::Source};
  if (state == SourceState::Spent) return {end_of_day(now) - now, Restraint::WarmUp};
  return {exit.shaper->suspended_until(now).value_or(now) - now, Restraint::Suspended};
}

Exit* Exits::choose(Instant now, Random& random, const PutOff& put_off, Wait& wait) {
  if (!has_sources() && !put_off.front()) return &exits_.front();
  std::vector<SourceState> states;
  wait = {Duration::max(), Restraint::Source};
  for (std::size_t i = 0; i < exits_.size(); ++i) {
    states.push_back(put_off[i] ? SourceState::Resting : state_of(exits_[i], now));
    const bool may_go = states[i] == SourceState::Good || states[i] == SourceState::Failing;
    if (may_go) continue;
    const Wait one = put_off[i] ? *put_off[i] : wait_of(exits_[i], states[i], now);
    if (one.time < wait.time) wait = one;
  }
  const auto chosen = choose_member(route_.egress, states, random.below(std::uint64_t{1} << 32));
  if (!chosen) return nullptr;
  Exit& exit = exits_[*chosen];
  if (book_) book_->take_share(*exit.source, exit.provider(), now);
  return &exit;
}

void Exits::put_off(const Exit& exit, const Wait& wait, PutOff& put_off) const {
  put_off[static_cast<std::size_t>(&exit - exits_.data())] = wait;
}

void Exits::give_back(const Exit& exit, Instant now) {
  if (exit.source != nullptr && book_) book_->give_back(*exit.source, exit.provider(), now);
}

std::optional<Wait> Exits::closed(const Exit& exit, Instant now) const {
  if (exit.source == nullptr) return std::nullopt;
  const SourceState state = state_of(exit, now);
  const bool is_closed = state == SourceState::Missing || state == SourceState::Resting;
  return is_closed ? std::optional(wait_of(exit, state, now)) : std::nullopt;
}

void Exits::use_provider_of(const std::string& host, ProviderShapers& shapers) {
  const std::size_t provider = shapers.shaping().find_provider(host);
  for (Exit& exit : exits_) {
    if (exit.shaper && exit.shaper->name() == shapers.shaping().name_of(provider)) continue;
    exit.shaper = shapers.of_host(host, exit.source_name());
  }
}

std::size_t Exits::idle_connections() const {
  std::size_t count = 0;
  for (const Exit& exit : exits_) count += exit.idle->size();
  return count;
}

void Exits::close_all() {
  for (Exit& exit : exits_) exit.idle->close_all();
}

}  // namespace postern::relay
