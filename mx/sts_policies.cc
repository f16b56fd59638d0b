#include "mx/sts_policies.h"

#include "core/bytes.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <utility>

namespace postern::mx {
namespace {

namespace asio = net::asio;

bool is_plain_text(std::string_view content_type) {
  const std::string_view type = trim_ascii_space(content_type.substr(0, content_type.find(';')));
  return equals_ignoring_case(type, "text/plain");
}

// When a policy that is used and whose id is the same is fetched anew, so that what keeps it from being fetched shows before it
// ends.
Duration refresh_after(const std::string& domain, const KeptStsPolicy& kept) {
  const Duration spread = kStsRefreshAfter / 2;
  const Duration jitter{static_cast<Duration::rep>(std::hash<std::string>()(domain) % static_cast<std::uint64_t>(spread.count()))};
  return std::min<Duration>(kStsRefreshAfter + jitter, kept.policy.max_age / 2);
}

net::Awaitable<Result<std::string>> fetch_sts_policy(std::shared_ptr<HttpsClient> client, std::string domain) {
  http::ClientRequest request;
  request.target = "/.well-known/mta-sts.txt";
  request.fields = {{"User-Agent", "Postern"}, {"Accept", "text/plain"}};
  const auto response = co_await client->send("mta-sts." + domain, 443, std::move(request), kMaxStsPolicyOctets, kStsFetchLimit);
  if (!response) co_return Error(response.error().code(), escape_for_log(response.error().message()));
  if (response->status != 200) {
    co_return Error(ErrorCode::ProtocolError, "the policy's host answered " + std::to_string(response->status));
  }
  if (!is_plain_text(response->content_type)) co_return Error(ErrorCode::ProtocolError, "the policy is not text/plain");
  co_return response->body;
}

}  // namespace

std::string_view sts_finding_name(StsFinding finding) {
  static constexpr std::array<std::string_view, kStsFindings> kNames = {"none", "in_force", "kept", "fetch_error", "invalid"};
  return kNames[static_cast<std::size_t>(finding)];
}

StsView StsAnswer::view(std::string_view host) const {
  if (!policy) return {};
  return {.mode = policy->policy.mode, .matches = names_host(policy->policy, host)};
}

StsPolicies::Entry& StsPolicies::entry_of(const std::string& domain) {
  Entry& entry = entries_.touch(domain).first;
  entries_.shrink_to(kMaxStsPolicies);
  const Instant now = clock_.now();
  if (!entry.is_read) {
    entry.is_read = true;
    const auto octets = memory_.find(domain);
    if (octets) entry.kept = decode_sts_policy(*octets);
  }
  if (entry.kept && entry.kept->is_over(now)) {
    entry.kept.reset();
    memory_.erase(domain);
  }
  return entry;
}

net::Awaitable<void> StsPolicies::refresh(std::string domain, std::string id) {
  const net::Executor executor = co_await asio::this_coro::executor;
  if (const auto other = under_way_.find(domain); other != under_way_.end()) {
    const Flight flight = other->second;
    co_await flight->async_wait(asio::as_tuple(net::kAwait));
    co_return;
  }
  const auto flight = std::make_shared<asio::steady_timer>(executor, kStsFetchLimit + std::chrono::seconds(5));
  under_way_.emplace(domain, flight);
  const Result<std::string> text = co_await fetch_(domain);
  under_way_.erase(domain);
  flight->cancel();
  const Instant now = clock_.now();
  Entry& entry = entry_of(domain);
  auto policy = text ? parse_sts_policy(*text) : std::nullopt;
  entry.is_invalid = text.has_value() && !policy;
  if (!policy) {
    entry.fetch_from = now + kStsFetchPause;
    entry.failure = text ? "the policy is malformed" : text.error().message();
    co_return;
  }
  entry.failure.clear();
  entry.fetch_from = now;
  entry.kept = KeptStsPolicy{.id = std::move(id), .policy = std::move(*policy), .text = *text, .fetched = now};
  if (entry.kept->is_over(now)) entry.kept.reset();
  if (entry.kept) memory_.put(domain, encode_sts_policy(*entry.kept));
}

net::Awaitable<void> StsPolicies::refresh_in_background(std::shared_ptr<StsPolicies> self, std::string domain, std::string id) {
  co_await self->refresh(std::move(domain), std::move(id));
}

net::Awaitable<StsAnswer> StsPolicies::find(std::string domain, dns::Limits limits) {
  const auto published = co_await dns::look_up<dns::Txt>(resolver_, "_mta-sts." + domain, limits);
  std::vector<std::string> texts;
  for (const dns::Txt& record : published.records) texts.push_back(record.text);
  const std::optional<std::string> id = find_sts_id(texts);
  if (id) {
    const Entry& before = entry_of(domain);
    const Instant now = clock_.now();
    const bool is_same = before.kept && before.kept->id == *id;
    const bool is_old = is_same && now - before.kept->fetched >= refresh_after(domain, *before.kept);
    const bool may_fetch = now >= before.fetch_from;
    if (is_old && may_fetch && !under_way_.contains(domain)) {
      const net::Executor executor = co_await asio::this_coro::executor;
      asio::co_spawn(executor, refresh_in_background(shared_from_this(), domain, *id), asio::detached);
    }
    if (!is_same && may_fetch) co_await refresh(domain, *id);
  }
  const Entry& entry = entry_of(domain);
  StsAnswer answer{.finding = StsFinding::None, .policy = entry.kept, .why = id ? entry.failure : std::string()};
  if (entry.kept) {
    answer.finding = id && entry.kept->id == *id ? StsFinding::InForce : StsFinding::Kept;
  } else if (id && !entry.failure.empty()) {
    answer.finding = entry.is_invalid ? StsFinding::Invalid : StsFinding::FetchError;
  }
  co_return answer;
}

// Shared with fetches under way, which may outlive whoever made it.
StsPolicies::Fetch make_sts_fetch(std::shared_ptr<HttpsClient> client) {
  return [client](std::string domain) { return fetch_sts_policy(client, std::move(domain)); };
}

}  // namespace postern::mx
