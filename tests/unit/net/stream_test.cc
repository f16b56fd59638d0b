#include "net/stream.h"

#include "tests/unit/net/stream_pair.h"

#include <boost/asio/post.hpp>

#include <sys/socket.h>

#include <gtest/gtest.h>

namespace postern::net {
namespace {

using test::CoroutineLoop;
using test::StreamPair;
using namespace std::chrono_literals;

class StreamTest : public testing::Test {
 protected:
  ErrorCode code_of(const test::Pending<Result<std::size_t>>& pending) { return loop_.wait(pending).error().code(); }
  CoroutineLoop loop_;
  StreamPair pair_{loop_};
  std::string space_ = std::string(100, '\0');
};

TEST_F(StreamTest, ReadsWhatThePeerWrote) {
  ASSERT_TRUE(loop_.run(pair_.client->write_all("hello")));
  EXPECT_EQ(loop_.run(test::read_exactly(*pair_.server, 5)), "hello");
}

TEST_F(StreamTest, KnowsItsEnd) {
  EXPECT_EQ(pair_.server->local_port(), pair_.port);
  EXPECT_NE(pair_.client->local_port(), pair_.port);
  EXPECT_FALSE(pair_.client->is_tls());
  EXPECT_EQ(pair_.client->tls_version(), "");
}

TEST(Stream, ConnectsOverIpv6) {
  CoroutineLoop loop;
  const StreamPair pair(loop, "::1");
  ASSERT_TRUE(loop.run(pair.client->write_all("hello")));
  EXPECT_EQ(loop.run(test::read_exactly(*pair.server, 5)), "hello");
}

TEST(Stream, SaysThatNobodyListens) {
  CoroutineLoop loop;
  // Bound, so that nobody else gets the port, and not listening.
  asio::ip::tcp::socket bound(loop.context(), {asio::ip::address_v4::loopback(), 0});
  EXPECT_EQ(loop.run(Stream::connect(bound.local_endpoint(), 120s)).error().code(), ErrorCode::ConnectFailed);
}

TEST_F(StreamTest, ReportsTheEndOfTheStream) {
  pair_.client->close();
  EXPECT_EQ(code_of(loop_.start(pair_.server->read_some(space_))), ErrorCode::ConnectionClosed);
}

TEST_F(StreamTest, ReportsAReset) {
  asio::ip::tcp::acceptor acceptor(loop_.context(), {asio::ip::address_v4::loopback(), 0});
  asio::ip::tcp::socket peer(loop_.context());
  peer.connect(acceptor.local_endpoint());
  Stream stream{asio::ip::tcp::socket(acceptor.accept())};
  peer.set_option(asio::socket_base::linger(true, 0));
  peer.close();
  EXPECT_EQ(code_of(loop_.start(stream.read_some(space_))), ErrorCode::ConnectionReset);
}

TEST_F(StreamTest, DeadlineEndsAWaitingRead) {
  pair_.server->expires_after(20ms);
  EXPECT_EQ(code_of(loop_.start(pair_.server->read_some(space_))), ErrorCode::ConnectionTimedOut);
}

TEST_F(StreamTest, DeadlineMovesCloserForAReadThatWaits) {
  pair_.server->expires_after(1h);
  const auto read = loop_.start(pair_.server->read_some(space_));
  loop_.settle();
  pair_.server->expires_after(20ms);
  EXPECT_EQ(code_of(read), ErrorCode::ConnectionTimedOut);
}

TEST_F(StreamTest, DeadlineMovesAwayForAReadThatWaits) {
  pair_.server->expires_after(1h);
  const auto read = loop_.start(pair_.server->read_some(space_));
  loop_.settle();
  // Both while the read waits and nothing else runs: however slow the machine, the first has no moment of its own.
  pair_.server->expires_after(30ms);
  pair_.server->expires_after(1h);
  // The other stream's deadline passes after the first one of this stream would have.
  pair_.client->expires_after(60ms);
  EXPECT_EQ(code_of(loop_.start(pair_.client->read_some(space_))), ErrorCode::ConnectionTimedOut);
  EXPECT_FALSE(read->has_value());
  ASSERT_TRUE(loop_.run(pair_.client->write_all("late")));
  EXPECT_EQ(loop_.wait(read).value(), 4U);
}

TEST_F(StreamTest, IsUsableAfterAReadTimedOut) {
  pair_.server->expires_after(10ms);
  EXPECT_EQ(code_of(loop_.start(pair_.server->read_some(space_))), ErrorCode::ConnectionTimedOut);
  pair_.server->expires_after(120s);
  ASSERT_TRUE(loop_.run(pair_.server->write_all("421")));
  EXPECT_EQ(loop_.run(test::read_exactly(*pair_.client, 3)), "421");
}

TEST_F(StreamTest, AnOperationAfterTheDeadlineTimesOutAtOnce) {
  pair_.server->expires_after(-1s);
  EXPECT_EQ(code_of(loop_.start(pair_.server->read_some(space_))), ErrorCode::ConnectionTimedOut);
}

TEST_F(StreamTest, CancelWakesAWaitingReadAndLosesNothing) {
  const auto read = loop_.start(pair_.server->read_some(space_));
  loop_.settle();
  pair_.server->cancel();
  EXPECT_EQ(code_of(read), ErrorCode::Cancelled);
  ASSERT_TRUE(loop_.run(pair_.client->write_all("more")));
  EXPECT_EQ(loop_.run(test::read_exactly(*pair_.server, 4)), "more");
}

TEST_F(StreamTest, CancelWithoutAWaitDoesNothing) {
  pair_.server->cancel();
  ASSERT_TRUE(loop_.run(pair_.client->write_all("x")));
  EXPECT_EQ(loop_.run(test::read_exactly(*pair_.server, 1)), "x");
}

TEST_F(StreamTest, WritesMoreThanTheBuffersHold) {
  const std::string text = test::large_text();
  const auto written = loop_.start(pair_.client->write_all(text));
  EXPECT_EQ(loop_.run(test::read_exactly(*pair_.server, text.size())), text);
  EXPECT_TRUE(loop_.wait(written));
}

TEST_F(StreamTest, DeadlineEndsAWriteThatNobodyReads) {
  const std::string text = test::large_text();
  pair_.client->expires_after(30ms);
  EXPECT_EQ(loop_.run(pair_.client->write_all(text)).error().code(), ErrorCode::ConnectionTimedOut);
}

Awaitable<bool> linger(Stream& stream) {
  co_await stream.linger_and_close(120s);
  co_return true;
}

TEST_F(StreamTest, LingersSoThatThePeerSeesTheLastReply) {
  ASSERT_TRUE(loop_.run(pair_.client->write_all("unread by the server")));
  ASSERT_TRUE(loop_.run(pair_.server->write_all("554 go away")));
  const auto closed = loop_.start(linger(*pair_.server));
  loop_.settle();
  EXPECT_EQ(loop_.run(test::read_exactly(*pair_.client, 100)), "554 go away");
  pair_.client->close();
  EXPECT_TRUE(loop_.wait(closed));
}

TEST_F(StreamTest, MayBeDestroyedWhileItsTimerRuns) {
  const auto read = loop_.start(pair_.server->read_some(space_));
  loop_.settle();
  pair_.server->expires_after(10ms);
  pair_.server->expires_after(1h);
  ASSERT_TRUE(loop_.run(pair_.client->write_all("x")));
  EXPECT_EQ(loop_.wait(read).value(), 1U);
  pair_.server.reset();
  EXPECT_EQ(code_of(loop_.start(pair_.client->read_some(space_))), ErrorCode::ConnectionClosed);
  // The loop goes on beyond the moment for which the timer was set.
  const StreamPair other(loop_);
  other.client->expires_after(30ms);
  EXPECT_EQ(code_of(loop_.start(other.client->read_some(space_))), ErrorCode::ConnectionTimedOut);
}

}  // namespace
}  // namespace postern::net
