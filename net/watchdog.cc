// The one timer of a stream, checked lazily.
#include "net/watchdog.h"

namespace postern::net {

Watchdog::Watchdog(asio::ip::tcp::socket& socket, Clock::duration first_deadline)
    : socket_(&socket), timer_(socket.get_executor()), deadline_(Clock::now() + first_deadline) {}

void Watchdog::move_to(Clock::time_point deadline) {
  deadline_ = deadline;
  if (is_watching_) watch();
}

void Watchdog::watch() {
  is_watching_ = true;
  if (!is_armed_ || timer_.expiry() > deadline_) arm();
}

void Watchdog::stop() {
  socket_ = nullptr;
  is_watching_ = false;
  timer_.cancel();
}

void Watchdog::arm() {
  is_armed_ = true;
  const std::uint64_t generation = ++generation_;
  timer_.expires_at(deadline_);
  timer_.async_wait([weak = weak_from_this(), generation](const boost::system::error_code& ec) {
    if (ec) return;
    const std::shared_ptr<Watchdog> self = weak.lock();
    if (self) self->on_timer(generation);
  });
}

void Watchdog::on_timer(std::uint64_t generation) {
  if (generation != generation_) return;
  is_armed_ = false;
  if (!is_watching_ || socket_ == nullptr) return;
  if (!has_passed()) return arm();
  boost::system::error_code ignored;
  socket_->cancel(ignored);
}

}  // namespace postern::net
