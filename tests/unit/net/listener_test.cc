#include "net/listener.h"

#include "net/runtime.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_future.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace postern::net {
namespace {

using asio::ip::tcp;
using namespace std::chrono_literals;

// Counts what was accepted and closes it.
class Accepted {
 public:
  Listener::OnAccept callback() {
    return [this](tcp::socket) {
      const std::lock_guard lock(mutex_);
      ++count_;
      changed_.notify_all();
    };
  }
  bool wait_for(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 120s, [&] { return count_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

class ListenerTest : public testing::Test {
 protected:
  ListenerTest() { runtime_.start(); }

  tcp::socket connect(const char* address, std::uint16_t port) {
    tcp::socket socket(context_);
    socket.connect({asio::ip::make_address(address), port});
    return socket;
  }

  Runtime runtime_{2};
  asio::io_context context_;
  Accepted accepted_;
};

TEST_F(ListenerTest, TakesBothFamiliesOnTheIpv6Wildcard) {
  const auto listener = Listener::open("::", 0, runtime_.io_executors()).value();
  listener->start(accepted_.callback());
  const tcp::socket over_v4 = connect("127.0.0.1", listener->port());
  const tcp::socket over_v6 = connect("::1", listener->port());
  EXPECT_TRUE(accepted_.wait_for(2));
  listener->stop();
}

TEST_F(ListenerTest, RefusesAPortThatIsTaken) {
  const auto listener = Listener::open("127.0.0.1", 0, runtime_.io_executors()).value();
  const auto second = Listener::open("127.0.0.1", listener->port(), runtime_.io_executors());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::IoError);
}

TEST_F(ListenerTest, RefusesWhatIsNoAddress) {
  EXPECT_EQ(Listener::open("localhost", 0, runtime_.io_executors()).error().code(), ErrorCode::Malformed);
}

TEST_F(ListenerTest, AcceptsNothingAfterStop) {
  const auto listener = Listener::open("127.0.0.1", 0, runtime_.io_executors()).value();
  listener->start(accepted_.callback());
  listener->stop();
  tcp::socket socket(context_);
  boost::system::error_code ec;
  socket.connect({asio::ip::address_v4::loopback(), listener->port()}, ec);
  EXPECT_EQ(ec, asio::error::connection_refused);
}

TEST_F(ListenerTest, OutlivesAConnectionForWhichMemoryLacks) {
  const auto listener = Listener::open("127.0.0.1", 0, runtime_.io_executors()).value();
  auto accept = accepted_.callback();
  std::atomic<int> calls{0};
  listener->start([&](tcp::socket socket) {
    if (++calls == 1) throw std::bad_alloc();
    accept(std::move(socket));
  });
  tcp::socket first = connect("127.0.0.1", listener->port());
  char octet = 0;
  boost::system::error_code ec;
  first.read_some(asio::buffer(&octet, 1), ec);
  EXPECT_TRUE(ec == asio::error::eof || ec == asio::error::connection_reset) << ec.message();
  // An acceptor of its own on each thread, and one of them pauses: the kernel may give either this connection.
  const tcp::socket second = connect("127.0.0.1", listener->port());
  EXPECT_TRUE(accepted_.wait_for(1));
  listener->stop();
}

// Takes every descriptor there is, up to a limit that is lowered for the time.
class NoDescriptors {
 public:
  explicit NoDescriptors(rlim_t limit = 128) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit lowered = before_;
    lowered.rlim_cur = limit;
    ::setrlimit(RLIMIT_NOFILE, &lowered);
    for (int taken = ::open("/dev/null", O_RDONLY); taken >= 0; taken = ::open("/dev/null", O_RDONLY)) taken_.push_back(taken);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;
  ~NoDescriptors() {
    for (const int taken : taken_) ::close(taken);
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }

 private:
  rlimit before_{};
  std::vector<int> taken_;
};

std::string all_that_is_told(tcp::socket& socket) {
  std::string told(100, '\0');
  boost::system::error_code ec;
  told.resize(asio::read(socket, asio::buffer(told), ec));
  return told;
}

TEST_F(ListenerTest, HangsUpOnPeersWhileDescriptorsLackAndRecovers) {
  const auto listener = Listener::open("127.0.0.1", 0, runtime_.io_executors()).value();
  listener->start(accepted_.callback(), "421 full\r\n");
  // A thread that only now begins may hold a descriptor for a moment and give it back.
  for (const Executor& executor : runtime_.io_executors()) asio::post(executor, asio::use_future).wait();
  tcp::socket first(context_);
  first.open(tcp::v4());
  {
    const NoDescriptors exhausted;
    first.connect({asio::ip::address_v4::loopback(), listener->port()});
    EXPECT_EQ(all_that_is_told(first), "421 full\r\n");
  }
  const tcp::socket second = connect("127.0.0.1", listener->port());
  EXPECT_TRUE(accepted_.wait_for(1));
  listener->stop();
}

// A loop gives a descriptor back for the moment in which it accepts. It is gone where something else opens a file just then; which
// thread the kernel gives a connection to must not decide whether its peer is answered.
TEST_F(ListenerTest, HangsUpOnAllPeersWhereAnotherThreadTookADescriptorInReserve) {
  constexpr int kPeers = 100;
  constexpr int kPeersAfterTheTheft = 10;
  const auto listener = Listener::open("127.0.0.1", 0, runtime_.io_executors()).value();
  listener->start(accepted_.callback(), "421 full\r\n");
  for (const Executor& executor : runtime_.io_executors()) asio::post(executor, asio::use_future).wait();
  std::vector<tcp::socket> peers;
  for (int i = 0; i < kPeers; ++i) peers.emplace_back(context_).open(tcp::v4());
  {
    const NoDescriptors exhausted(kPeers + 128);
    std::atomic<int> stolen{-1};
    std::atomic<bool> has_ended{false};
    std::thread thief([&] {
      while (stolen < 0 && !has_ended) stolen = ::open("/dev/null", O_RDONLY);
    });
    int after_the_theft = 0;
    for (tcp::socket& peer : peers) {
      if (after_the_theft == kPeersAfterTheTheft) break;
      if (stolen >= 0) ++after_the_theft;
      peer.connect({asio::ip::address_v4::loopback(), listener->port()});
      EXPECT_EQ(all_that_is_told(peer), "421 full\r\n");
    }
    has_ended = true;
    thief.join();
    EXPECT_EQ(after_the_theft, kPeersAfterTheTheft);
    ::close(stolen);
  }
  listener->stop();
}

}  // namespace
}  // namespace postern::net
