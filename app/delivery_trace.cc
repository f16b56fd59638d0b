#include "app/delivery_trace.h"

#include "app/config_values.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "core/envelope.h"
#include "dns/unbound_resolver.h"
#include "relay/mx_sessions.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <memory>
#include <utility>

namespace postern::app {
namespace {

constexpr std::size_t kMaxTracedLine = 1'000;       // RFC 5321 §4.5.3.1.5 has 512 for replies
constexpr std::size_t kMaxTraceOctets = 256 << 10;  // a host that never ends fills no terminal

// Octets in either direction → lines of the dialogue.
class Transcript {
 public:
  void add(smtp::Direction direction, std::string_view octets) {
    std::string& open = direction == smtp::Direction::Sent ? sent_ : received_;
    const char* const mark = direction == smtp::Direction::Sent ? "> " : "< ";
    open.append(octets);
    for (std::size_t end = open.find('\n'); end != std::string::npos; end = open.find('\n')) {
      const std::string_view line = std::string_view(open).substr(0, end);
      say(mark + escape_for_log(line.ends_with('\r') ? line.substr(0, line.size() - 1) : line, kMaxTracedLine));
      open.erase(0, end + 1);
    }
    if (open.size() > kMaxTracedLine) open.clear();
  }
  void say(const std::string& line) {
    if (text_.size() < kMaxTraceOctets) text_ += line + "\n";
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::string sent_;  // of lines that have not ended
  std::string received_;
};

// A coroutine's own copies of what it needs.
struct Tracing {
  relay::MxCommon* common = nullptr;
  relay::Route route;
  Envelope envelope;
  std::string hostname;
  smtp::ClientTimeouts timeouts;
  std::shared_ptr<Transcript> transcript;
};

net::Awaitable<void> run_trace(Tracing tracing, std::optional<DeliveryTrace>& result) {
  DeliveryTrace trace;
  dns::Cancellation look_ups;
  smtp::ClientConfig config;
  config.hostname = tracing.hostname;
  config.transcript = [transcript = tracing.transcript](smtp::Direction direction, std::string_view octets) {
    transcript->add(direction, octets);
  };
  const std::string domain = normalised_domain(tracing.envelope.recipients.front().mailbox.domain);
  relay::MxAttempt attempt(*tracing.common, tracing.route, domain, mx::TlsDemand::Usual, config, tracing.timeouts, look_ups);
  relay::Exit exit;
  if (!tracing.route.egress.members.empty()) exit.source = &tracing.route.egress.members.front().source;
  attempt.leave_by(exit);
  relay::MxSession session = co_await attempt.next();
  trace.remote = session.remote;
  trace.status = session.failure;
  if (session.hop.connection) {
    trace.remote = session.hop.remote;
    smtp::ClientTransaction transaction{&tracing.envelope, {0}, 0, true};
    const auto statuses =
        co_await session.hop.connection->send(std::move(transaction), [] { return Result<std::string>(std::string()); });
    trace.status = statuses.front().status;
    trace.is_taken = trace.status.is_positive();
    tracing.transcript->say(session.hop.connection->is_tls() ? "* this went by TLS" : "* this went in the clear");
    co_await session.hop.connection->quit();
  }
  trace.dialogue = tracing.transcript->text();
  result = std::move(trace);
}

}  // namespace

Result<DeliveryTrace> trace_delivery(const Settings& settings, const relay::Route& route, const std::optional<Mailbox>& sender,
                                     const Mailbox& recipient, std::chrono::seconds limit) {
  const auto resolver = dns::open_resolver(make_resolver_settings(settings));
  if (!resolver) return Error(ErrorCode::ResolveFailed, "the DNS cannot be asked: " + resolver.error().context());
  const SystemClock clock;
  std::optional<DeliveryTrace> trace;
  const auto transcript = std::make_shared<Transcript>();
  {
    relay::MxCommon common(**resolver, make_plan_rules(settings), &clock, nullptr);
    net::asio::io_context context;
    Tracing tracing{.common = &common, .route = route, .envelope = {}, .hostname = effective_hostname(settings), .timeouts = {},
                    .transcript = transcript};
    tracing.envelope.reverse_path = sender;
    tracing.envelope.recipients.push_back({recipient, {}, {}});
    tracing.timeouts = {.connect = limit, .greeting = limit, .command = limit, .data_block = limit, .end_of_data = limit};
    net::asio::co_spawn(context, run_trace(std::move(tracing), trace), net::asio::detached);
    context.run_for(limit);
  }
  if (!trace) {
    return Error(ErrorCode::ConnectionTimedOut,
                 "not over within " + std::to_string(limit.count()) + " seconds; so far:\n" + transcript->text());
  }
  return std::move(*trace);
}

}  // namespace postern::app
