// Watchdog: one deadline for one socket. The deadline is a value that moves; the timer behind it is set again only when it
// fires too early or the deadline moved closer, so a busy stream costs no timer operation per read.
#pragma once

#include "net/awaitable.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <memory>

namespace postern::net {

// Shared with its timer's handler, which may run after the stream is gone. On the socket's executor only.
class Watchdog : public std::enable_shared_from_this<Watchdog> {
 public:
  using Clock = std::chrono::steady_clock;

  Watchdog(asio::ip::tcp::socket& socket, Clock::duration first_deadline);

  void move_to(Clock::time_point deadline);
  bool has_passed() const { return Clock::now() >= deadline_; }
  bool is_watching() const { return is_watching_; }

  // Between watch() and rest() an operation waits: at the deadline the socket's operations are cancelled.
  void watch();
  void rest() { is_watching_ = false; }
  // The socket goes: its handler does nothing any more.
  void stop();

 private:
  void arm();
  void on_timer(std::uint64_t generation);

  asio::ip::tcp::socket* socket_;
  asio::steady_timer timer_;
  Clock::time_point deadline_;
  std::uint64_t generation_ = 0;  // of the wait under way: an older one's handler does nothing
  bool is_armed_ = false;
  bool is_watching_ = false;
};

}  // namespace postern::net
