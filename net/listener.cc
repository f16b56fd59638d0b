// Binding and the accept loop.
#include "net/listener.h"

#include "core/descriptor.h"
#include "core/log.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <new>
#include <tuple>
#include <utility>

namespace postern::net {

namespace {

using asio::ip::tcp;
using SocketError = boost::system::error_code;

// The kernel cuts it to net.core.somaxconn (4096 by default): a burst waits there instead of being refused.
constexpr int kBacklog = 4096;
// While descriptors or memory lack: long enough not to spin, short enough not to be noticed afterwards.
constexpr std::chrono::milliseconds kBackOff{100};
// Connections hung up on in one go, then the other work of the thread gets its turn.
constexpr int kShedAtOnce = 64;

bool is_exhaustion(const SocketError& ec) {
  return ec == asio::error::no_descriptors || ec == asio::error::no_buffer_space || ec == asio::error::no_memory ||
         ec == boost::system::errc::too_many_files_open_in_system;
}

// Errors of one connection that died before it was accepted (accept(2)); the next one is not concerned.
bool is_of_one_connection(const SocketError& ec) {
  return ec == asio::error::connection_aborted || ec == boost::system::errc::protocol_error ||
         ec == boost::system::errc::operation_not_permitted || ec == asio::error::network_down ||
         ec == asio::error::network_unreachable || ec == asio::error::host_unreachable || ec == asio::error::interrupted ||
         ec == asio::error::timed_out;
}

// Descriptors kept for the day when there is none, one for each accept loop of the process: given back for a moment, one lets a
// connection be accepted and closed. Whatever else opens a file or accepts in that moment may take it for good; therefore all
// loops share them (one that lost its own would leave its peers without an answer), and while any lacks, a connection is kept
// only if there is a descriptor to spare.
class Reserves {
 public:
  static Reserves& of_process() {
    static Reserves reserves;
    return reserves;
  }

  void join() {
    const std::lock_guard lock(mutex_);
    ++wanted_;
    fill();
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    if (--wanted_ < spares_.size()) spares_.pop_back();
    is_short_ = spares_.size() < wanted_;
  }
  // Takes back what was lost, as far as there are descriptors.
  void refill() {
    if (!is_short_) return;
    const std::lock_guard lock(mutex_);
    fill();
  }
  // Whether a connection that was just accepted lives on a descriptor that lacks here.
  bool is_owed() {
    refill();
    return is_short_;
  }
  // Calls `use` while one of them is given back.
  template <typename Use>
  void lend_one(Use use) {
    const std::lock_guard lock(mutex_);
    if (!spares_.empty()) spares_.pop_back();
    use();
    fill();
  }

 private:
  void fill() {
    while (spares_.size() < wanted_) {
      Descriptor spare(::open("/dev/null", O_RDONLY | O_CLOEXEC));
      if (!spare.is_open()) break;
      spares_.push_back(std::move(spare));
    }
    is_short_ = spares_.size() < wanted_;
  }

  std::mutex mutex_;
  std::vector<Descriptor> spares_;
  std::size_t wanted_ = 0;
  std::atomic<bool> is_short_{false};
};

// Asio has no name for this option.
void share_port(tcp::acceptor& acceptor, SocketError& ec) {
  const int on = 1;
  if (::setsockopt(acceptor.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) return;
  ec.assign(errno, boost::system::system_category());
}

// It fits the empty buffer of a socket that was just accepted.
void say_farewell(tcp::socket& socket, const std::string& text) {
  SocketError ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(text), ignored);
}

Result<tcp::acceptor> bind_one(const Executor& executor, const tcp::endpoint& endpoint, bool shares_port) {
  tcp::acceptor acceptor(executor);
  SocketError ec;
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec && shares_port) share_port(acceptor, ec);
  if (!ec && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(false), ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec && shares_port) acceptor.listen(kBacklog, ec);
  if (ec) {
    return Error(ErrorCode::IoError,
                 "listen on " + endpoint.address().to_string() + " port " + std::to_string(endpoint.port()) + ": " + ec.message());
  }
  return acceptor;
}

}  // namespace

class Listener::AcceptLoop final : public Task {
 public:
  AcceptLoop(tcp::acceptor acceptor, OnAccept on_accept, std::string farewell)
      : acceptor_(std::move(acceptor)),
        pause_(acceptor_.get_executor()),
        on_accept_(std::move(on_accept)),
        farewell_(std::move(farewell)) {
    Reserves::of_process().join();
  }
  AcceptLoop(const AcceptLoop&) = delete;
  AcceptLoop& operator=(const AcceptLoop&) = delete;
  ~AcceptLoop() override { Reserves::of_process().leave(); }

  Awaitable<void> run() override;
  void stop() override { cancel(); }
  void cancel() override {
    SocketError ignored;
    acceptor_.close(ignored);
    pause_.cancel();
  }
  bool is_essential() const override { return true; }

 private:
  Awaitable<SocketError> accept();
  // Hands the connection over, or hangs up on it where its descriptor is one that the reserves lack.
  SocketError admit(tcp::socket socket);
  // Accepts with a descriptor of the reserves, so that peers learn at once that there is no room.
  void shed();
  Awaitable<void> back_off(SocketError cause);

  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  OnAccept on_accept_;
  std::string farewell_;
  bool is_exhausted_ = false;
};

Awaitable<void> Listener::AcceptLoop::run() {
  while (acceptor_.is_open()) {
    const SocketError ec = co_await accept();
    if (!acceptor_.is_open()) break;
    if (!ec || is_of_one_connection(ec)) continue;
    if (is_exhaustion(ec)) shed();
    co_await back_off(ec);
  }
}

Awaitable<SocketError> Listener::AcceptLoop::accept() {
  auto outcome = co_await acceptor_.async_accept(asio::as_tuple(asio::use_awaitable));
  const SocketError ec = std::get<0>(outcome);
  if (ec || !acceptor_.is_open()) co_return ec;
  co_return admit(std::move(std::get<1>(outcome)));
}

// Memory that lacks for one connection must not end the loop that accepts all others.
SocketError Listener::AcceptLoop::admit(tcp::socket socket) {
  if (Reserves::of_process().is_owed()) {
    SocketError ignored;
    say_farewell(socket, farewell_);
    socket.close(ignored);
    Reserves::of_process().refill();
    return SocketError();
  }
  try {
    on_accept_(std::move(socket));
  } catch (const std::bad_alloc&) {
    return SocketError(asio::error::no_memory);
  }
  is_exhausted_ = false;
  return SocketError();
}

void Listener::AcceptLoop::shed() {
  SocketError ec;
  acceptor_.non_blocking(true, ec);
  for (int i = 0; i < kShedAtOnce && !ec; ++i) {
    tcp::socket socket(acceptor_.get_executor());
    Reserves::of_process().lend_one([&] { acceptor_.accept(socket, ec); });
    if (!ec) ec = admit(std::move(socket));
  }
}

Awaitable<void> Listener::AcceptLoop::back_off(SocketError cause) {
  if (!is_exhausted_) log::write(log::Level::Warning, "accept_failed", {{"error", cause.message()}});
  is_exhausted_ = true;  // one line for the whole stretch
  pause_.expires_after(kBackOff);
  const auto outcome = co_await pause_.async_wait(asio::as_tuple(asio::use_awaitable));
  static_cast<void>(outcome);
  Reserves::of_process().refill();
}

Listener::~Listener() = default;

Result<std::unique_ptr<Listener>> Listener::open(const std::string& address, std::uint16_t port,
                                                 const std::vector<Executor>& executors) {
  SocketError ec;
  tcp::endpoint endpoint(asio::ip::make_address(address, ec), port);
  if (ec) return Error(ErrorCode::Malformed, "listen on " + address + ": not an IP address");
  {
    // Without SO_REUSEPORT this fails where another listener has the port. Closed at once, so port 0 needs no probe.
    const Result<tcp::acceptor> probe = bind_one(executors.front(), endpoint, false);
    if (!probe) return probe.error();
  }
  std::vector<tcp::acceptor> acceptors;
  for (const Executor& executor : executors) {
    Result<tcp::acceptor> acceptor = bind_one(executor, endpoint, true);
    if (!acceptor) return acceptor.error();
    endpoint = acceptor->local_endpoint();
    acceptors.push_back(std::move(*acceptor));
  }
  std::unique_ptr<Listener> listener(new Listener(address, endpoint.port()));
  listener->acceptors_ = std::move(acceptors);
  return listener;
}

Result<std::unique_ptr<Listener>> Listener::adopt(std::vector<Descriptor> sockets, const std::vector<Executor>& executors) {
  const std::size_t given = sockets.size();
  // Every thread accepts; where there are fewer sockets, several do from one.
  for (std::size_t i = given; i < executors.size(); ++i) {
    sockets.emplace_back(::fcntl(sockets[i % given].get(), F_DUPFD_CLOEXEC, 0));
  }
  std::vector<tcp::acceptor> acceptors;
  tcp::endpoint endpoint;
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    SocketError ec;
    sockaddr_storage name{};
    socklen_t length = sizeof name;
    if (::getsockname(sockets[i].get(), reinterpret_cast<sockaddr*>(&name), &length) != 0) {
      return Error(ErrorCode::IoError, "take over a listening socket: " + std::string(std::strerror(errno)));
    }
    tcp::acceptor acceptor(executors[i % executors.size()]);
    acceptor.assign(name.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), sockets[i].get(), ec);
    if (!ec) sockets[i].release();
    if (!ec) endpoint = acceptor.local_endpoint(ec);
    if (ec) return Error(ErrorCode::IoError, "take over a listening socket: " + ec.message());
    acceptors.push_back(std::move(acceptor));
  }
  std::unique_ptr<Listener> listener(new Listener(endpoint.address().to_string(), endpoint.port()));
  listener->acceptors_ = std::move(acceptors);
  return listener;
}

std::vector<int> Listener::descriptors() {
  std::vector<int> numbers;
  for (tcp::acceptor& acceptor : acceptors_) numbers.push_back(acceptor.native_handle());
  return numbers;
}

void Listener::start(OnAccept on_accept, const std::string& farewell) {
  for (tcp::acceptor& acceptor : acceptors_) {
    const Executor executor = acceptor.get_executor();
    loops_.start(executor, std::make_unique<AcceptLoop>(std::move(acceptor), on_accept, farewell));
  }
  acceptors_.clear();
}

void Listener::stop() {
  loops_.cancel_all();
  loops_.wait();
}

}  // namespace postern::net
