// The server on real sockets with a scripted handler: what the client sees, in which order, and when the connection ends.
#include "http/server.h"

#include "net/runtime.h"
#include "tests/support/test_certs.h"
#include "tests/support/test_client.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace postern::http {
namespace {

using test::TestClient;
using testing::HasSubstr;

// Pieces until it is stopped.
class CountingSource final : public BodySource {
 public:
  explicit CountingSource(int last) : last_(last) {}

  net::Awaitable<std::optional<std::string>> next(std::chrono::steady_clock::duration longest) override {
    if (is_stopped_ || count_ == last_) co_return std::nullopt;
    if (++count_ <= 3) co_return std::to_string(count_);
    const net::Executor executor = co_await net::asio::this_coro::executor;
    timer_ = std::make_unique<net::asio::steady_timer>(executor, longest);
    boost::system::error_code ec;
    co_await timer_->async_wait(net::asio::redirect_error(net::asio::use_awaitable, ec));
    co_return "";
  }
  void stop() override {
    is_stopped_ = true;
    wake();
  }
  void wake() override {
    if (timer_) timer_->cancel();
  }

 private:
  int last_;
  int count_ = 0;
  bool is_stopped_ = false;
  std::unique_ptr<net::asio::steady_timer> timer_;
};

// "/echo" answers the body, "/early" without reading it, "/stream" and "/endless" stream, "/big" is a megabyte, "/empty" is 204.
class ScriptedExchange final : public Exchange {
 public:
  net::Awaitable<std::optional<Response>> begin(RequestHead& head) override {
    path_ = head.target.path;
    if (path_ == "/early") co_return Response{.status = 404};
    co_return std::nullopt;
  }
  std::size_t max_body_octets() const override { return 100; }
  net::Awaitable<Response> answer(std::string body) override {
    Response response;
    response.content_type = "text/plain";
    response.body = path_ + ':' + body;
    if (path_ == "/stream") response.stream = std::make_unique<CountingSource>(3);
    if (path_ == "/endless") response.stream = std::make_unique<CountingSource>(-1);
    if (path_ == "/big") response.body.assign(1'000'000, 'b');
    if (path_ == "/empty") response.status = 204;
    co_return response;
  }
  AccountId account() const override { return {}; }
  std::string_view operation() const override { return path_; }
  std::optional<KeyId> key() const override { return std::nullopt; }

 private:
  std::string path_;
};

class ScriptedHandler final : public RequestHandler {
 public:
  Response refuse(Fault fault, std::string_view detail) override {
    static const std::map<Fault, std::pair<std::uint16_t, std::string>> kAnswers = {
        {Fault::MalformedRequest, {400, "malformed_request"}},
        {Fault::RequestTimeout, {408, "request_timeout"}},
        {Fault::BodyTooBig, {413, "body_too_big"}},
        {Fault::Unavailable, {503, "unavailable"}},
        {Fault::TooManyConnections, {503, "too_many_connections"}},
    };
    const auto& [status, word] = kAnswers.at(fault);
    return {.status = status, .body = word + ' ' + std::string(detail)};
  }
  std::unique_ptr<Exchange> open_exchange(const PeerFacts& peer) override {
    const std::lock_guard lock(mutex_);
    peers_.push_back(format_ip_address(peer.address) + ' ' + std::to_string(peer.port) + (peer.is_local ? " local" : ""));
    return std::make_unique<ScriptedExchange>();
  }
  // One for each request.
  std::vector<std::string> peers() {
    const std::lock_guard lock(mutex_);
    return peers_;
  }
  void request_ended(const RequestOutcome& outcome) override {
    const std::lock_guard lock(mutex_);
    ended_.push_back(std::string(outcome.method) + ' ' + std::string(outcome.operation) + ' ' + std::to_string(outcome.status));
    has_changed_.notify_all();
  }
  std::vector<std::string> ended(std::size_t count) {
    std::unique_lock lock(mutex_);
    has_changed_.wait_for(lock, std::chrono::seconds(120), [&] { return ended_.size() >= count; });
    return ended_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable has_changed_;
  std::vector<std::string> ended_;
  std::vector<std::string> peers_;
};

class HttpServerTest : public testing::Test {
 protected:
  void start(const ServerOptions& options = {}, bool is_tls = false, std::vector<IpNetwork> proxy_networks = {}) {
    server_.emplace(runtime_.io_executors(), handler_, clock_, random_, options);
    net::ListenerOptions listener{.address = "127.0.0.1", .proxy_networks = std::move(proxy_networks)};
    const test::CertificateFiles& certs = test::test_certs().good();
    if (is_tls) listener.tls = net::TlsServerContext::load(certs.certificate, certs.key).value();
    server_->listen(std::move(listener)).value();
    runtime_.start();
    server_->start();
    client_.emplace(port());
  }
  ~HttpServerTest() override {
    client_.reset();
    drain();
  }

  void drain() {
    if (server_) server_->drain(std::chrono::seconds(120));
    server_.reset();
  }
  std::uint16_t port() const { return server_->ports().front(); }

  // Head and body; chunks as they came.
  static std::string read_response(TestClient& client) {
    std::string text;
    std::size_t length = 0;
    for (std::string line = client.read_line(); !line.empty(); line = client.read_line()) {
      text += line;
      if (line.starts_with("Content-Length: ")) length = std::stoul(line.substr(16));
      if (line == "\r\n") break;
    }
    return text + client.read_octets(length);
  }
  static std::string body_of(const std::string& response) {
    const std::size_t end = response.find("\r\n\r\n");
    return end == std::string::npos ? response : response.substr(end + 4);
  }
  std::string exchange(const std::string& request) {
    client_->send(request);
    return read_response(*client_);
  }

  static std::string get(const std::string& path, const std::string& fields = {}) {
    return "GET " + path + " HTTP/1.1\r\nHost: relay\r\n" + fields + "\r\n";
  }
  static std::string post(const std::string& path, const std::string& body, const std::string& fields = {}) {
    return "POST " + path + " HTTP/1.1\r\nHost: relay\r\n" + fields + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  }

  net::Runtime runtime_{2};
  ScriptedHandler handler_;
  SystemClock clock_;
  SystemRandom random_;
  std::optional<Server> server_;
  std::optional<TestClient> client_;
};

TEST_F(HttpServerTest, AnswersRequestAfterRequestOnOneConnection) {
  start();
  EXPECT_EQ(body_of(exchange(get("/a"))), "/a:");
  EXPECT_EQ(body_of(exchange(post("/b", "{}"))), "/b:{}");
  EXPECT_EQ(body_of(exchange(get("/c"))), "/c:");
  EXPECT_EQ(server_->connection_count(), 1U);
}

TEST_F(HttpServerTest, BoundsTheBodiesThatAllConnectionsHoldTogether) {
  start({.admission = {}, .timeouts = {}, .max_held_body_octets = 80});
  const std::string body(60, 'a');
  const auto send_head = [&](TestClient& client) {
    client.send("POST /a HTTP/1.1\r\nHost: relay\r\nExpect: 100-continue\r\nContent-Length: 60\r\n\r\n");
    EXPECT_THAT(read_response(client), HasSubstr("100 Continue"));
  };
  // Once the server has read the 59 octets of the first there is no room for another. Where it reads them while it holds
  // another's, it is the first that is refused, and the others never are: then all begins anew.
  std::string refused;
  for (int rounds = 0; rounds < 50 && refused.empty(); ++rounds) {
    client_.emplace(port());
    send_head(*client_);
    client_->send(body.substr(1));
    for (int tries = 0; tries < 50 && refused.empty(); ++tries) {
      TestClient other(port());
      send_head(other);
      other.send(body);
      const std::string answer = read_response(other);
      if (answer.starts_with("HTTP/1.1 503")) refused = answer;
      // Its room is given back before its next request is read.
      other.send(get("/next"));
      read_response(other);
    }
  }
  EXPECT_THAT(refused, HasSubstr("too many big requests are under way"));
  client_->send("a");
  EXPECT_THAT(read_response(*client_), HasSubstr("200 OK"));
  send_head(*client_);
  EXPECT_THAT(exchange(body), HasSubstr("200 OK")) << "the room was given back";
  EXPECT_THAT(exchange(get("/big")), HasSubstr("503 Service Unavailable"));
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  start();
  client_->send(get("/a") + post("/b", "xy") + get("/stream") + get("/c"));
  EXPECT_EQ(body_of(read_response(*client_)), "/a:");
  EXPECT_EQ(body_of(read_response(*client_)), "/b:xy");
  EXPECT_THAT(read_response(*client_), HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_EQ(client_->read_octets(23), "1\r\n1\r\n1\r\n2\r\n1\r\n3\r\n0\r\n\r\n");
  EXPECT_EQ(body_of(read_response(*client_)), "/c:");
}

TEST_F(HttpServerTest, SendsNoBodyForHeadAnd204) {
  start();
  client_->send("HEAD /a HTTP/1.1\r\nHost: relay\r\n\r\n");
  std::string head;
  for (std::string line = client_->read_line(); line != "\r\n" && !line.empty(); line = client_->read_line()) head += line;
  EXPECT_THAT(head, HasSubstr("Content-Length: 3\r\n"));
  EXPECT_THAT(exchange(get("/empty")), HasSubstr("204 No Content"));
  EXPECT_EQ(body_of(exchange(get("/c"))), "/c:");
}

TEST_F(HttpServerTest, SaysContinueBeforeItReadsTheBody) {
  start();
  client_->send("POST /a HTTP/1.1\r\nHost: relay\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(read_response(*client_), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(body_of(exchange("xy")), "/a:xy");
}

TEST_F(HttpServerTest, RefusesATooLongBodyBeforeItIsSent) {
  start();
  client_->send("POST /a HTTP/1.1\r\nHost: relay\r\nContent-Length: 101\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_THAT(client_->read_to_end(), testing::AllOf(HasSubstr("413"), HasSubstr("body_too_big"), HasSubstr("Connection: close")));
}

TEST_F(HttpServerTest, ClosesBehindABodyThatItDidNotRead) {
  start();
  client_->send(post("/early", "body") + get("/hidden"));
  const std::string all = client_->read_to_end();
  EXPECT_THAT(all, testing::AllOf(HasSubstr("404"), HasSubstr("Connection: close")));
  EXPECT_EQ(all.find("hidden"), std::string::npos);
}

TEST_F(HttpServerTest, GoesOnBehindAnEarlyAnswerWithoutABody) {
  start();
  EXPECT_THAT(exchange(get("/early")), HasSubstr("404"));
  EXPECT_EQ(body_of(exchange(get("/c"))), "/c:");
}

TEST_F(HttpServerTest, AnswersAMalformedRequestAndCloses) {
  start();
  client_->send(get("/a") + "POST /b HTTP/1.1\r\nHost: relay\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n" +
                std::string(100'000, 'x') + get("/hidden"));
  const std::string all = client_->read_to_end();
  EXPECT_THAT(all, testing::AllOf(HasSubstr("/a:"), HasSubstr("400 Bad Request"), HasSubstr("malformed_request")));
  EXPECT_EQ(all.find("hidden"), std::string::npos);
  EXPECT_EQ(handler_.ended(2), (std::vector<std::string>{"GET /a 200", "  400"}));
}

TEST_F(HttpServerTest, SendsALongBodyWhole) {
  start();
  const std::string response = exchange(get("/big", "Connection: close\r\n"));
  EXPECT_EQ(body_of(response).size(), 1'000'000U);
  EXPECT_EQ(client_->read_to_end(), "");
}

TEST_F(HttpServerTest, EndsAStreamInVersion10ByClosing) {
  start();
  client_->send("GET /stream HTTP/1.0\r\n\r\n");
  EXPECT_EQ(body_of(client_->read_to_end()), "123");
}

TEST_F(HttpServerTest, ClosesIdleConnectionsSilently) {
  ServerOptions options;
  options.timeouts.idle = std::chrono::seconds(0);
  start(options);
  EXPECT_EQ(client_->read_to_end(), "");
}

TEST_F(HttpServerTest, GivesUpOnASlowHead) {
  ServerOptions options;
  options.timeouts.head = std::chrono::seconds(0);
  start(options);
  client_->send("GET /a HT");
  EXPECT_THAT(client_->read_to_end(), HasSubstr("408"));
}

TEST_F(HttpServerTest, GivesUpOnASlowBody) {
  ServerOptions options;
  options.timeouts.body_grace = std::chrono::seconds(0);
  start(options);
  client_->send("POST /a HTTP/1.1\r\nHost: relay\r\nContent-Length: 10\r\n\r\nx");
  EXPECT_THAT(client_->read_to_end(), HasSubstr("request_timeout"));
}

TEST_F(HttpServerTest, TurnsAwayWhatIsAboveItsLimit) {
  ServerOptions options;
  options.admission.total = 1;
  start(options);
  exchange(get("/a"));
  TestClient second(port());
  EXPECT_THAT(second.read_to_end(), testing::AllOf(HasSubstr("503"), HasSubstr("too_many_connections")));
  EXPECT_EQ(body_of(exchange(get("/b"))), "/b:");
}

TEST_F(HttpServerTest, TakesTheClientThatAProxyNames) {
  start({}, false, {parse_ip_network("127.0.0.0/8").value()});
  EXPECT_THAT(exchange("PROXY TCP4 192.0.2.7 198.51.100.2 4660 443\r\n" + get("/a")), HasSubstr("200 OK"));
  EXPECT_THAT(exchange(get("/b")), HasSubstr("200 OK"));
  EXPECT_THAT(handler_.peers(), testing::ElementsAre("192.0.2.7 4660", "192.0.2.7 4660"));
}

TEST_F(HttpServerTest, TakesAProxysClientForLocalOnlyIfTheProxySaysSo) {
  start({}, false, {parse_ip_network("127.0.0.0/8").value()});
  EXPECT_THAT(exchange("PROXY TCP4 127.0.0.1 127.0.0.1 4660 443\r\n" + get("/a")), HasSubstr("200 OK"));
  TestClient unnamed(port());
  unnamed.send("PROXY UNKNOWN\r\n" + get("/b"));
  EXPECT_THAT(read_response(unnamed), HasSubstr("200 OK"));
  const std::vector<std::string> peers = handler_.peers();
  ASSERT_EQ(peers.size(), 2U);
  EXPECT_EQ(peers[0], "127.0.0.1 4660 local");
  EXPECT_THAT(peers[1], testing::AllOf(testing::StartsWith("127.0.0.1 "), testing::Not(HasSubstr("local"))));
}

TEST_F(HttpServerTest, HearsTheProxyBeforeTheHandshake) {
  start({}, true, {parse_ip_network("127.0.0.1").value()});
  client_->send("PROXY TCP6 2001:db8::7 2001:db8::2 4660 443\r\n");
  ASSERT_TRUE(client_->start_tls());
  EXPECT_THAT(exchange(get("/a")), HasSubstr("200 OK"));
  EXPECT_THAT(handler_.peers(), testing::ElementsAre("2001:db8::7 4660"));
}

TEST_F(HttpServerTest, ServesNobodyBesideTheProxies) {
  start({}, false, {parse_ip_network("192.0.2.0/24").value()});
  EXPECT_EQ(exchange("PROXY TCP4 192.0.2.7 198.51.100.2 4660 443\r\n" + get("/a")), "");
}

TEST_F(HttpServerTest, AnswersNothingWithoutTheProxysHeader) {
  start({}, false, {parse_ip_network("127.0.0.1").value()});
  EXPECT_EQ(exchange(get("/a")), "");
}

TEST_F(HttpServerTest, CountsTheConnectionsOfEachClientOfAProxy) {
  ServerOptions options;
  options.admission.per_address = 1;
  start(options, false, {parse_ip_network("127.0.0.1").value()});
  const std::string header = "PROXY TCP4 192.0.2.7 198.51.100.2 4660 443\r\n";
  EXPECT_THAT(exchange(header + get("/a")), HasSubstr("200 OK"));
  TestClient second(port());
  second.send(header + get("/b"));
  EXPECT_THAT(read_response(second), HasSubstr("too_many_connections"));
  TestClient other(port());
  other.send("PROXY TCP4 192.0.2.8 198.51.100.2 4660 443\r\n" + get("/c"));
  EXPECT_THAT(read_response(other), HasSubstr("200 OK"));
}

TEST_F(HttpServerTest, SpeaksTls) {
  start({}, true);
  ASSERT_TRUE(client_->start_tls());
  EXPECT_EQ(body_of(exchange(post("/a", "secret"))), "/a:secret");
}

TEST_F(HttpServerTest, EndsIdleConnectionsAndStreamsWhenItDrains) {
  start();
  exchange(get("/a"));
  TestClient watching(port());
  watching.send(get("/endless"));
  EXPECT_THAT(read_response(watching), HasSubstr("chunked"));
  EXPECT_EQ(watching.read_octets(18), "1\r\n1\r\n1\r\n2\r\n1\r\n3\r\n");
  drain();
  EXPECT_EQ(client_->read_to_end(), "");
  EXPECT_EQ(watching.read_to_end(), "0\r\n\r\n");
}

TEST_F(HttpServerTest, FinishesTheRequestUnderWayWhenItDrains) {
  start();
  client_->send("POST /a HTTP/1.1\r\nHost: relay\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  client_->read_line();
  std::thread draining([this] { drain(); });
  client_->send("xy");
  const std::string rest = client_->read_to_end();
  draining.join();
  EXPECT_THAT(rest, HasSubstr("/a:xy"));
}

// At once: the source would wait much longer than any test.
TEST_F(HttpServerTest, NoticesThatAStreamsClientIsGone) {
  ServerOptions options;
  options.timeouts.stream_wait = std::chrono::hours(1);
  start(options);
  client_->send(get("/endless"));
  read_response(*client_);
  client_->close();
  EXPECT_EQ(handler_.ended(1), std::vector<std::string>{"GET /endless 200"});
}

TEST_F(HttpServerTest, NoticesThatAStreamsClientIsGoneUnderTls) {
  ServerOptions options;
  options.timeouts.stream_wait = std::chrono::hours(1);
  start(options, true);
  ASSERT_TRUE(client_->start_tls());
  client_->send(get("/endless"));
  read_response(*client_);
  client_->close();
  EXPECT_EQ(handler_.ended(1), std::vector<std::string>{"GET /endless 200"});
}

AccountId account_number(std::uint8_t number) {
  AccountId account;
  account.octets[0] = number;
  return account;
}

TEST(BodyRoom, LeavesTheOthersTheirsWhereOneTakesAllItMay) {
  BodyRoom room(100, 60);
  const AccountId one = account_number(1);
  const AccountId other = account_number(2);
  EXPECT_TRUE(room.take(one, 40));
  EXPECT_FALSE(room.take(one, 21)) << "more than one may hold";
  EXPECT_TRUE(room.take(one, 20));
  EXPECT_FALSE(room.take(other, 41)) << "more than there is";
  EXPECT_TRUE(room.take(other, 40));
  room.give_back(one, 60);
  EXPECT_TRUE(room.take(other, 20));
  EXPECT_FALSE(room.take(other, 1));
}

}  // namespace
}  // namespace postern::http
