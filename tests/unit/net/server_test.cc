// The way in that SMTP and HTTP share, with a protocol that only says what became of a connection.
#include "net/server.h"

#include "net/runtime.h"
#include "net/stream.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>

#include <gtest/gtest.h>

namespace postern::net {
namespace {

using asio::ip::tcp;
using namespace std::chrono_literals;

// Says one character and waits until the client goes or the server stops.
class Says final : public Task {
 public:
  Says(tcp::socket socket, char what, std::unique_ptr<AdmittedPeer> admitted)
      : stream_(std::move(socket)), what_(1, what), admitted_(std::move(admitted)) {}

  Awaitable<void> run() override {
    stream_.expires_after(120s);
    const Result<void> written = co_await stream_.write_all(what_);
    if (!written) co_return;
    std::array<char, 1> octet{};
    const Result<std::size_t> ended = co_await stream_.read_some(octet);
    EXPECT_FALSE(ended);
  }
  void stop() override { stream_.cancel(); }
  void cancel() override { stream_.cancel(); }

 private:
  Stream stream_;
  std::string what_;
  std::unique_ptr<AdmittedPeer> admitted_;
};

class TestServer final : public Server {
 public:
  using Server::bind;
  TestServer(std::vector<Executor> executors, AdmissionLimits limits) : Server(std::move(executors), limits) {}

 private:
  std::unique_ptr<Task> serve(Arrival arrival, std::unique_ptr<AdmittedPeer> admitted) override {
    return std::make_unique<Says>(std::move(arrival.socket), static_cast<char>('0' + arrival.listener), std::move(admitted));
  }
  std::unique_ptr<Task> turn_away(Arrival arrival, TurnedAway why) override {
    return std::make_unique<Says>(std::move(arrival.socket), why == TurnedAway::TooManyConnections ? 'f' : 'p', nullptr);
  }
};

class ServerTest : public testing::Test {
 protected:
  ServerTest() : server_(runtime_.io_executors(), {.total = 1}) {}
  ~ServerTest() override { server_.drain(120s); }

  void start() {
    runtime_.start();
    server_.start();
  }
  tcp::socket connect(std::size_t listener) {
    tcp::socket socket(context_);
    socket.connect({asio::ip::make_address("127.0.0.1"), server_.ports()[listener]});
    return socket;
  }
  static char told(tcp::socket& socket) {
    char what = ' ';
    asio::read(socket, asio::buffer(&what, 1));
    return what;
  }

  Runtime runtime_{2};
  asio::io_context context_;
  TestServer server_;
};

TEST_F(ServerTest, TellsItsListenersApart) {
  server_.bind({.address = "127.0.0.1"}).value();
  server_.bind({.address = "127.0.0.1"}).value();
  start();
  tcp::socket client = connect(1);
  EXPECT_EQ(told(client), '1');
  EXPECT_EQ(server_.connection_count(), 1U);
}

TEST_F(ServerTest, TurnsAwayWhatIsBeyondTheLimitOfAllListeners) {
  server_.bind({.address = "127.0.0.1"}).value();
  server_.bind({.address = "127.0.0.1"}).value();
  start();
  tcp::socket first = connect(0);
  EXPECT_EQ(told(first), '0');
  tcp::socket second = connect(1);
  EXPECT_EQ(told(second), 'f');
  server_.set_admission_limits({.total = 2});
  tcp::socket third = connect(1);
  EXPECT_EQ(told(third), '1');
}

TEST_F(ServerTest, TurnsAwayWhoeverIsNoProxyWhereOnlyProxiesMayCome) {
  server_.bind({.address = "127.0.0.1", .proxy_networks = {*parse_ip_network("192.0.2.0/24")}}).value();
  start();
  tcp::socket stranger = connect(0);
  EXPECT_EQ(told(stranger), 'p');
  EXPECT_EQ(server_.connection_count(), 0U);
}

TEST_F(ServerTest, FailsWhereItsAddressIsTaken) {
  server_.bind({.address = "127.0.0.1"}).value();
  EXPECT_FALSE(server_.bind({.address = "127.0.0.1", .port = server_.ports().front()}));
  EXPECT_EQ(server_.ports().size(), 1U);
  start();
}

}  // namespace
}  // namespace postern::net
