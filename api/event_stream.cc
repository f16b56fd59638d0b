#include "api/event_stream.h"

#include "api/limits.h"
#include "api/worker_job.h"
#include "events/event_json.h"
#include "events/mail_scope.h"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <utility>

namespace postern::api {
namespace {

constexpr std::size_t kEventsPerPiece = 64;
constexpr std::chrono::seconds kLongestSlice{1};         // of a wait: keys are revoked meanwhile
constexpr std::string_view kOpening = "retry: 3000\n\n";  // ms until a client connects again
constexpr std::string_view kKeepAliveComment = ": keep-alive\n\n";

}  // namespace

bool EventFilter::wants(const Event& event, MessageLookup& messages) const {
  if (environment && event.environment != *environment) return false;
  if (event.account != account || (message && event.message != *message) || !events::wants_event(types, event.type)) return false;
  if (from_domains.empty() && !mail.asks_for_message()) return true;
  const store::StoredMessage* stored = messages.find(event.message);
  const bool is_in_scope = from_domains.empty() || (stored != nullptr && events::is_mail_of(stored->message, from_domains));
  return is_in_scope && (!mail.asks_for_message() || mail.wants(event, stored));
}

EventStream::EventStream(ApiContext& context, std::unique_ptr<events::EventHub::StreamTicket> ticket, EventFilter filter,
                         std::uint64_t after, IsAllowed is_allowed)
    : context_(context), ticket_(std::move(ticket)), filter_(std::move(filter)), is_allowed_(std::move(is_allowed)), seen_(after) {}

std::optional<std::string> EventStream::read() {
  if (Steady::now() >= ends_at_ || !is_allowed_()) return std::nullopt;
  const store::Spool& spool = context_.store.spool();
  const auto events = spool.events_of_account_after(filter_.account, seen_, kEventsPerPiece);
  if (!events) return std::nullopt;
  std::string piece;
  MessageLookup messages(spool);
  for (const Event& event : *events) {
    if (piece.size() >= http::kWriteOctets) break;
    seen_ = event.sequence;
    if (!filter_.wants(event, messages)) continue;
    const store::StoredMessage* message = messages.find(event.message);
    // JSON has no line end in it that would end the field.
    piece += "id: " + context_.event_ids.format(event.account, event.sequence) + "\ndata: " +
             boost::json::serialize(events::event_item(event, message, context_.event_ids)) + "\n\n";
  }
  return piece;
}

// An empty piece where the account has too much under way: it is later.
net::Awaitable<std::optional<std::string>> EventStream::read_in_turn() {
  auto job = [this] { return read(); };
  auto piece = co_await run_in_turn(context_.turns, context_.workers, filter_.account, job);
  co_return piece.value_or(std::string());
}

net::Awaitable<std::optional<std::string>> EventStream::next(Steady::duration longest) {
  if (!std::exchange(has_begun_, true)) co_return std::string(kOpening);
  const Steady::time_point deadline = Steady::now() + longest;
  while (!is_stopped_) {
    const std::uint64_t before = seen_;
    std::optional<std::string> piece = co_await read_in_turn();
    const Steady::time_point now = Steady::now();
    if (piece && piece->empty() && now - last_sent_ >= kKeepAlive) piece = kKeepAliveComment;
    if (!piece || !piece->empty()) {
      last_sent_ = now;
      co_return piece;
    }
    if (now >= deadline || std::exchange(is_woken_, false)) co_return piece;
    if (seen_ != before) continue;  // events that nobody wants here: more may follow
    const auto slice = std::min<Steady::duration>(deadline - now, kLongestSlice);
    // Events of other accounts wake it too: from the last one that there is, not from the last of its own.
    known_ = co_await context_.event_hub.wait_above(known_, slice, &interrupt_);
  }
  co_return std::nullopt;
}

}  // namespace postern::api
