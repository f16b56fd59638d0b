// EventHub: tells those who wait (live streams, the webhook dispatcher) that the spool has new events. Whoever commits events in
// this process calls notify(); commits of other processes are seen by a poll. One look at the spool serves all waiters, and a
// burst of commits wakes them a bounded number of times a second.
#pragma once

#include "core/ids.h"
#include "core/result.h"
#include "net/awaitable.h"
#include "net/task_group.h"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace postern::events {

inline constexpr std::size_t kMaxStreamsPerAccount = 10;  // a dashboard or two a person; more is a leak of the client's
inline constexpr std::size_t kMaxStreams = 1'000;         // in all: each holds a connection

class EventHub {
 public:
  // `last_sequence` is Spool::last_sequence(); called on `executor`, which should not be one that serves connections.
  EventHub(net::Executor executor, std::function<Result<std::uint64_t>()> last_sequence);
  ~EventHub();
  EventHub(const EventHub&) = delete;
  EventHub& operator=(const EventHub&) = delete;

  // The hub's own work, to be started once, on `executor`. Its end wakes all waiters.
  std::unique_ptr<net::Task> make_task();

  // Events may have been committed. Any thread; cheap, also inside a store::Completion.
  void notify();

  // Ends a wait that was given it. On the waiter's executor.
  class Interrupt {
   public:
    void fire() {
      if (timer_ != nullptr) timer_->cancel();
    }

   private:
    friend class EventHub;
    net::asio::steady_timer* timer_ = nullptr;  // while it waits
  };

  // Until an event above `seen` is there, or `longest` has passed, or `interrupt` (which may be null) fires, or the hub stops.
  // Returns the last sequence known. On the caller's executor, which must be of one thread.
  net::Awaitable<std::uint64_t> wait_above(std::uint64_t seen, std::chrono::steady_clock::duration longest,
                                           Interrupt* interrupt = nullptr);

  // One of the account's streams, while it lives. May outlive the hub.
  class StreamTicket {
   public:
    explicit StreamTicket(std::function<void()> release) : release_(std::move(release)) {}
    ~StreamTicket() { release_(); }
    StreamTicket(const StreamTicket&) = delete;
    StreamTicket& operator=(const StreamTicket&) = delete;

   private:
    std::function<void()> release_;
  };
  // Null: there are kMaxStreamsPerAccount, or kMaxStreams in all. Any thread.
  std::unique_ptr<StreamTicket> open_stream(const AccountId& account);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // shared with tickets, and with posts that are under way
};

}  // namespace postern::events
