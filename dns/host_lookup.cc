// The waiting side is a timer: the answer wakes it early, and an answer that comes too late finds nobody.
#include "dns/host_lookup.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <netdb.h>
#include <signal.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace postern::dns {
namespace {

namespace asio = net::asio;
using asio::ip::tcp;

using Endpoints = std::vector<tcp::endpoint>;

// Shared by who waits and the thread that answers.
struct LookUp {
  LookUp(std::string name, std::uint16_t number) : host(std::move(name)), port(number) {}

  const std::string host;
  const std::uint16_t port;
  std::mutex mutex;                     // of what follows
  asio::steady_timer* timer = nullptr;  // of who waits, whose context lives meanwhile; null: nobody does any more
  std::optional<Result<Endpoints>> answer;
};

Result<Endpoints> ask_the_system(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failure = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failure != 0) return Error(ErrorCode::ResolveFailed, "look up " + host + ": " + ::gai_strerror(failure));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  Endpoints endpoints;
  for (const addrinfo* one = found; one != nullptr && endpoints.size() < kMaxAddresses; one = one->ai_next) {
    tcp::endpoint endpoint;
    if (one->ai_addrlen > endpoint.capacity()) continue;
    std::copy_n(reinterpret_cast<const char*>(one->ai_addr), one->ai_addrlen, reinterpret_cast<char*>(endpoint.data()));
    endpoint.resize(one->ai_addrlen);
    endpoints.push_back(endpoint);
  }
  if (endpoints.empty()) return Error(ErrorCode::ResolveFailed, "look up " + host + ": no address");
  return endpoints;
}

// On the executor of who waits, if somebody still does.
void wake(LookUp& look_up) {
  const std::lock_guard lock(look_up.mutex);
  if (look_up.timer != nullptr) look_up.timer->cancel();
}

class LookUpThreads {
 public:
  // Never destroyed: its threads may be in the middle of a look-up when the process ends.
  static LookUpThreads& instance() {
    static LookUpThreads* const threads = new LookUpThreads;
    return *threads;
  }

  void start() {
    const std::lock_guard lock(mutex_);
    for (; count_ < kLookUpThreads; ++count_) std::thread(&LookUpThreads::run, this).detach();
  }
  // False: too many wait.
  bool add(std::shared_ptr<LookUp> look_up) {
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.size() >= kMaxLookUps) return false;
      waiting_.push_back(std::move(look_up));
    }
    wakes_.notify_one();
    return true;
  }

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wakes_;
  std::deque<std::shared_ptr<LookUp>> waiting_;
  std::size_t count_ = 0;
};

void LookUpThreads::run() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  for (;;) {
    std::unique_lock lock(mutex_);
    wakes_.wait(lock, [this] { return !waiting_.empty(); });
    const std::shared_ptr<LookUp> look_up = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    {
      const std::lock_guard its_lock(look_up->mutex);
      if (look_up->timer == nullptr) continue;
    }
    Result<Endpoints> answer = ask_the_system(look_up->host, look_up->port);
    const std::lock_guard its_lock(look_up->mutex);
    if (look_up->timer == nullptr) continue;
    look_up->answer = std::move(answer);
    asio::post(look_up->timer->get_executor(), [look_up] { wake(*look_up); });
  }
}

// Whoever waits leaves: at the deadline, with the answer, or with the executor's context.
class Waiter {
 public:
  Waiter(std::shared_ptr<LookUp> look_up, asio::steady_timer& timer) : look_up_(std::move(look_up)) { look_up_->timer = &timer; }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter() {
    const std::lock_guard lock(look_up_->mutex);
    look_up_->timer = nullptr;
  }

 private:
  std::shared_ptr<LookUp> look_up_;
};

Result<void> begin(const std::shared_ptr<LookUp>& look_up) {
  try {
    LookUpThreads::instance().start();
  } catch (const std::system_error& failure) {
    return Error(ErrorCode::ResolveFailed, "look up " + look_up->host + ": no thread for it: " + failure.what());
  }
  if (LookUpThreads::instance().add(look_up)) return {};
  return Error(ErrorCode::ResolveFailed, "look up " + look_up->host + ": too many look-ups wait");
}

std::string_view without_brackets(std::string_view host) {
  if (host.size() < 2 || host.front() != '[' || host.back() != ']') return host;
  return host.substr(1, host.size() - 2);
}

}  // namespace

void start_look_up_threads() { LookUpThreads::instance().start(); }

net::Awaitable<Result<std::vector<tcp::endpoint>>> look_up_host(std::string host, std::uint16_t port,
                                                                std::chrono::seconds timeout) {
  boost::system::error_code not_an_address;
  const asio::ip::address address = asio::ip::make_address(without_brackets(host), not_an_address);
  if (!not_an_address) co_return Endpoints{tcp::endpoint(address, port)};

  const net::Executor executor = co_await asio::this_coro::executor;
  const auto look_up = std::make_shared<LookUp>(std::move(host), port);
  asio::steady_timer timer(executor, timeout);
  const Waiter waiting(look_up, timer);
  if (const Result<void> begun = begin(look_up); !begun) co_return begun.error();
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable_t<net::Executor>()));
  const std::lock_guard lock(look_up->mutex);
  if (!look_up->answer) co_return Error(ErrorCode::ConnectionTimedOut, "look up " + look_up->host);
  co_return *look_up->answer;
}

}  // namespace postern::dns
