// EventStream: an account's events as they happen, as server-sent events (HTML Living Standard §9.2). It holds a position in the
// event log and no events: a slow reader reads later, and nothing piles up here. The log is read, and JSON made of it, on a worker
// and in the account's turn: a thread that serves connections only hands pieces on.
#pragma once

#include "api/api.h"
#include "api/api_context.h"
#include "api/email_filter.h"
#include "api/message_lookup.h"
#include "core/clock.h"
#include "events/event_hub.h"
#include "store/store.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace postern::api {

// A session token's life ends within it, whatever happens to the user; the client connects again with Last-Event-ID.
inline constexpr std::chrono::hours kLongestStream{1};
inline constexpr std::chrono::seconds kKeepAlive{15};  // of silence, then a comment: proxies cut what is silent for 30 s

struct EventFilter {
  AccountId account;
  std::vector<std::string> types;    // wire names; empty: all
  std::optional<MessageId> message;  // of that message only
  std::optional<Environment> environment;  // of that one only
  std::vector<std::string> from_domains = {};  // of mail from them only, whose records are there; empty: of all
  EmailFilter mail = {};             // of such messages only

  bool wants(const Event& event, MessageLookup& messages) const;
};

class EventStream final : public http::BodySource {
 public:
  // Says whether who asked may still read: keys are revoked and accounts suspended while a stream is open. Asked before every
  // look at the log, on a worker.
  using IsAllowed = std::function<bool()>;

  // Events above `after`. `context` outlives it. No ticket: for a response whose body is not sent.
  EventStream(ApiContext& context, std::unique_ptr<events::EventHub::StreamTicket> ticket, EventFilter filter, std::uint64_t after,
              IsAllowed is_allowed);

  // nullopt: it was stopped, is not allowed any more or is too old, or the log cannot be read. The client connects again, with
  // Last-Event-ID, and is told.
  net::Awaitable<std::optional<std::string>> next(std::chrono::steady_clock::duration longest) override;
  void stop() override {
    is_stopped_ = true;
    interrupt_.fire();
  }
  void wake() override {
    is_woken_ = true;
    interrupt_.fire();
  }

 private:
  using Steady = std::chrono::steady_clock;

  // What is there now, a piece of it; nullopt: it cannot be read, or not any more. On a worker.
  std::optional<std::string> read();
  net::Awaitable<std::optional<std::string>> read_in_turn();

  ApiContext& context_;
  std::unique_ptr<events::EventHub::StreamTicket> ticket_;
  EventFilter filter_;
  IsAllowed is_allowed_;
  const Steady::time_point ends_at_ = Steady::now() + kLongestStream;
  std::uint64_t seen_;       // of its own account
  std::uint64_t known_ = 0;  // of all: what the hub said last
  Steady::time_point last_sent_ = Steady::now();
  bool has_begun_ = false;
  bool is_stopped_ = false;
  bool is_woken_ = false;
  events::EventHub::Interrupt interrupt_;
};

}  // namespace postern::api
