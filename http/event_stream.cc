#include "http/event_stream.h"

#include "http/event_json.h"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <utility>

namespace postern::http {
namespace {

constexpr net::asio::use_awaitable_t<net::Executor> kAwait{};

constexpr std::size_t kEventsPerPiece = 64;
constexpr std::chrono::seconds kLongestSlice{1};         // of a wait, so that stop() is seen soon
constexpr std::string_view kOpening = "retry: 3000\n\n";  // ms until a client connects again
constexpr std::string_view kKeepAliveComment = ": keep-alive\n\n";

}  // namespace

bool EventFilter::wants(const Event& event) const {
  if (is_test_only && event.environment != Environment::Test) return false;
  return event.account == account && (!message || event.message == *message) && wants_event(types, event.type);
}

EventStream::EventStream(const store::Spool& spool, EventHub& hub, std::unique_ptr<EventHub::StreamTicket> ticket,
                         EventFilter filter, std::uint64_t after, IsAllowed is_allowed)
    : spool_(spool),
      hub_(hub),
      ticket_(std::move(ticket)),
      filter_(std::move(filter)),
      is_allowed_(std::move(is_allowed)),
      seen_(after) {}

std::optional<std::string> EventStream::read() {
  if (Steady::now() >= ends_at_ || !is_allowed_()) return std::nullopt;
  std::string piece;
  const auto events = spool_.events_of_account_after(filter_.account, seen_, kEventsPerPiece);
  if (!events) return std::nullopt;
  for (const Event& event : *events) {
    seen_ = event.sequence;
    if (!filter_.wants(event)) continue;
    const auto stored = spool_.find(event.message);
    const bool has_message = stored && *stored;
    // JSON has no line end in it that would end the field.
    piece += "id: " + std::to_string(event.sequence) + "\ndata: " +
             boost::json::serialize(event_item(event, has_message ? &**stored : nullptr)) + "\n\n";
  }
  return piece;
}

net::Awaitable<std::optional<std::string>> EventStream::next(Steady::duration longest) {
  if (!std::exchange(has_begun_, true)) co_return std::string(kOpening);
  const Steady::time_point deadline = Steady::now() + longest;
  while (!is_stopped_) {
    const std::uint64_t before = seen_;
    std::optional<std::string> piece = read();
    const Steady::time_point now = Steady::now();
    if (piece && piece->empty() && now - last_sent_ >= kKeepAlive) piece = kKeepAliveComment;
    if (!piece || !piece->empty()) {
      last_sent_ = now;
      co_return piece;
    }
    if (now >= deadline) co_return piece;
    if (seen_ != before) {  // events that nobody wants here: more may follow, and others are served in between
      co_await net::asio::post(kAwait);
      continue;
    }
    const auto slice = std::min<Steady::duration>(deadline - now, kLongestSlice);
    // Events of other accounts wake it too: from the last one that there is, not from the last of its own.
    known_ = co_await hub_.wait_above(known_, slice);
  }
  co_return std::nullopt;
}

}  // namespace postern::http
