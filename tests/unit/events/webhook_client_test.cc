// The webhook client on real sockets: TLS, what a receiver may answer, and where it must not go.
#include "events/webhook_client.h"

#include "tests/support/coroutine_loop.h"
#include "tests/support/scripted_resolver.h"
#include "tests/support/test_certs.h"

#include <boost/asio/ip/tcp.hpp>
#include <gmock/gmock.h>

namespace postern::events {
namespace {

using test::test_certs;
using test::TestCerts;
using ::testing::HasSubstr;

const WebhookPolicy kLoopbackAllowed{.allows_http = true, .allowed_networks = {*parse_ip_network("127.0.0.1")}};

// Takes one connection, reads a request, answers with given octets.
struct Receiver {
  explicit Receiver(test::CoroutineLoop& on)
      : loop(on), acceptor(on.context(), {net::asio::ip::make_address("127.0.0.1"), 0}) {}

  std::uint16_t port() const { return acceptor.local_endpoint().port(); }
  // Starts the wait; the request is complete once its body's braces are closed.
  test::Pending<std::string> answer(std::string octets, const net::TlsServerContext* tls = nullptr) {
    return loop.start(serve(std::move(octets), tls));
  }
  net::Awaitable<std::string> serve(std::string octets, const net::TlsServerContext* tls) {
    auto socket = co_await acceptor.async_accept(net::asio::use_awaitable_t<net::Executor>());
    net::Stream stream(std::move(socket));
    if (tls != nullptr) {
      const auto secured = co_await stream.start_tls_server(*tls);
      if (!secured) co_return "(no TLS)";
    }
    std::string request;
    std::array<char, 4096> space{};
    while (request.find("}") == std::string::npos) {
      const auto got = co_await stream.read_some(space);
      if (!got) co_return request;
      request.append(space.data(), *got);
    }
    const auto written = co_await stream.write_all(octets);
    if (written) co_await stream.linger_and_close(std::chrono::seconds(1));
    co_return request;
  }

  test::CoroutineLoop& loop;
  net::asio::ip::tcp::acceptor acceptor;
};

class Client : public ::testing::Test {
 protected:
  Client() {
    resolves_to({"127.0.0.1"});
    resolver_.zone[{TestCerts::kServerName, "A"}] = {"127.0.0.1"};
  }
  WebhookAnswer post(const std::string& url, const WebhookPolicy& policy = kLoopbackAllowed) {
    auto tls = net::TlsClientContext::create(net::TlsVerification::Required, test_certs().ca_file());
    HttpWebhookClient client(resolver_, tls.value(), policy, "Postern-Test");
    return loop_.run(client.post({.url = url, .fields = {{"webhook-id", "whk_1"}}, .body = R"({"a":1})"}));
  }
  std::string url(std::string_view scheme, std::string_view host, std::string_view rest = "/in") {
    return std::string(scheme) + "://" + std::string(host) + ":" + std::to_string(receiver_.port()) + std::string(rest);
  }
  void resolves_to(const std::vector<std::string>& addresses) {
    for (const char* type : {"A", "AAAA"}) {
      auto& of_type = resolver_.zone[{"hooks.example.test", type}];
      of_type.clear();
      for (const std::string& address : addresses) {
        if (parse_ip_address(address)->is_v4() == (std::string_view(type) == "A")) of_type.push_back(address);
      }
    }
  }

  test::CoroutineLoop loop_;
  Receiver receiver_{loop_};
  test::ScriptedResolver resolver_;
};

TEST_F(Client, PostsTheBodyWithItsFields) {
  const auto request = receiver_.answer("HTTP/1.1 204 No Content\r\n\r\n");
  const WebhookAnswer answer = post(url("http", "hooks.example.test", "/in?x=1"));
  EXPECT_EQ(answer.status, 204) << answer.failure;
  EXPECT_TRUE(answer.is_success());
  const std::string text = loop_.wait(request);
  EXPECT_THAT(text, ::testing::StartsWith("POST /in?x=1 HTTP/1.1\r\n"));
  EXPECT_THAT(text, HasSubstr("Host: hooks.example.test:" + std::to_string(receiver_.port()) + "\r\n"));
  EXPECT_THAT(text, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(text, HasSubstr("Content-Length: 7\r\n"));
  EXPECT_THAT(text, HasSubstr("webhook-id: whk_1\r\n"));
  EXPECT_THAT(text, ::testing::EndsWith("\r\n\r\n{\"a\":1}"));
}

TEST_F(Client, KeepsTheBeginningOfTheAnswersBody) {
  struct Row {
    std::string_view name;
    std::string octets;
    std::string body;
  };
  const std::string big(5'000, 'x');
  const Row kRows[] = {
      {"none", "HTTP/1.1 204 No Content\r\n\r\n", ""},
      {"of a length", "HTTP/1.1 500 No\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nbroken", "broken"},
      {"in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "abcde"},
      {"to the end", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall", "all"},
      {"cut short", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "abc"},
      {"behind an interim one", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok"},
      {"too big", "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + big, big.substr(0, 2'048)}};
  for (const Row& row : kRows) {
    receiver_.answer(row.octets);
    const WebhookAnswer answer = post(url("http", "hooks.example.test"));
    EXPECT_NE(answer.status, 0) << row.name << ": " << answer.failure;
    EXPECT_EQ(answer.body, row.body) << row.name;
  }
  receiver_.answer(kRows[1].octets);
  EXPECT_EQ(post(url("http", "hooks.example.test")).body_type, "text/plain");
}

TEST_F(Client, VerifiesTheReceiversCertificate) {
  const auto good = net::TlsServerContext::load(test_certs().good().certificate, test_certs().good().key).value();
  receiver_.answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", &good);
  EXPECT_EQ(post(url("https", TestCerts::kServerName)).status, 200);

  const auto wrong = net::TlsServerContext::load(test_certs().wrong_name().certificate, test_certs().wrong_name().key).value();
  receiver_.answer("HTTP/1.1 200 OK\r\n\r\n", &wrong);
  const WebhookAnswer answer = post(url("https", TestCerts::kServerName));
  EXPECT_EQ(answer.status, 0);
  EXPECT_FALSE(answer.is_success());
}

std::string interim(int count) {
  std::string octets;
  for (int i = 0; i < count; ++i) octets += "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n";
  return octets;
}

TEST_F(Client, PassesOverInterimResponses) {
  for (const std::string& octets : {"HTTP/1.1 100 Continue\r\n\r\n" + std::string("HTTP/1.1 200 OK\r\n\r\n"),
                                    interim(1) + "HTTP/1.1 204 No Content\r\n\r\n", interim(8) + "HTTP/1.1 201 Created\r\n\r\n"}) {
    const auto request = receiver_.answer(octets);
    const WebhookAnswer answer = post(url("http", "127.0.0.1"));
    EXPECT_TRUE(answer.is_success()) << octets << answer.failure;
    loop_.wait(request);
  }
}

TEST_F(Client, AnyAnswerButA2yzIsNoSuccess) {
  const struct {
    std::string octets;
    std::uint16_t status;
  } kRows[] = {
      {"HTTP/1.1 301 Moved Permanently\r\nLocation: http://127.0.0.1:1/\r\n\r\n", 301},
      {"HTTP/1.1 410 Gone\r\n\r\n", 410},
      {"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops", 500},
      {"HTTP/1.1 100 Continue\r\n\r\n", 0},
      {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 0},
      {interim(9) + "HTTP/1.1 200 OK\r\n\r\n", 0},
      {"SSH-2.0-OpenSSH\r\n", 0},
      {"", 0},
      {"HTTP/1.1 200 OK\r\nX: " + std::string(40'000, 'a') + "\r\n\r\n", 0},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.octets.substr(0, 40));
    const auto request = receiver_.answer(row.octets);
    const WebhookAnswer answer = post(url("http", "127.0.0.1"));
    EXPECT_EQ(answer.status, row.status);
    EXPECT_FALSE(answer.is_success());
    EXPECT_EQ(answer.is_gone(), row.status == 410);
    loop_.wait(request);
  }
}

TEST_F(Client, AFailureNamesNothingThatTheReceiverWrote) {
  receiver_.answer("secret-of-an-inner-service\r\n\r\n");
  const WebhookAnswer answer = post(url("http", "127.0.0.1"));
  EXPECT_THAT(answer.failure, Not(HasSubstr("secret-of")));
  EXPECT_FALSE(answer.failure.empty());
}

// What was judged when the webhook was made may resolve to something else by now (DNS rebinding).
TEST_F(Client, JudgesTheAddressesThatTheNameHasNow) {
  for (const char* address : {"127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "::ffff:127.0.0.1"}) {
    resolves_to({address});
    const WebhookAnswer answer = post(url("http", "hooks.example.test"), {.allows_http = true});
    EXPECT_EQ(answer.status, 0) << address;
    EXPECT_THAT(answer.failure, HasSubstr("no public address")) << address;
  }
}

TEST_F(Client, GoesToTheJudgedAddressesOnlyWhereSomeAreForbidden) {
  resolves_to({"10.0.0.1", "127.0.0.1", "192.168.0.1"});
  receiver_.answer("HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_EQ(post(url("http", "hooks.example.test")).status, 200);
}

TEST_F(Client, ThePolicyHoldsForOldWebhooksToo) {
  EXPECT_THAT(post(url("http", "127.0.0.1"), {}).failure, HasSubstr("https"));
  EXPECT_THAT(post(url("https", "127.0.0.1"), {}).failure, HasSubstr("not public"));
}

TEST_F(Client, SaysThatANameIsNotFound) {
  const WebhookAnswer answer = post(url("http", "gone.example.test"));
  EXPECT_EQ(answer.status, 0);
  EXPECT_THAT(answer.failure, HasSubstr("gone.example.test: it has no address"));
}

TEST_F(Client, ThatIsCancelledLooksNothingUpAnyMore) {
  resolver_.is_silent = true;
  auto tls = net::TlsClientContext::create(net::TlsVerification::Required, "");
  HttpWebhookClient client(resolver_, tls.value(), kLoopbackAllowed, "Postern-Test");
  const auto pending = loop_.start(client.post({.url = url("http", "hooks.example.test"), .fields = {}, .body = "{}"}));
  loop_.settle();
  EXPECT_FALSE(pending->has_value());
  client.cancel();
  EXPECT_TRUE(loop_.wait(pending).is_interrupted);
}

TEST_F(Client, ACancelledClientSendsNothing) {
  auto tls = net::TlsClientContext::create(net::TlsVerification::Required, "");
  HttpWebhookClient client(resolver_, tls.value(), kLoopbackAllowed, "Postern-Test");
  client.cancel();
  EXPECT_TRUE(loop_.run(client.post({.url = url("http", "127.0.0.1"), .fields = {}, .body = "{}"})).is_interrupted);
}

}  // namespace
}  // namespace postern::events
