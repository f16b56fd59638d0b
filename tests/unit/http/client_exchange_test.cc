#include "http/client_exchange.h"

#include "tests/unit/net/stream_pair.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace postern::http {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr std::size_t kMaxAnswer = 1'000;

// Reads the request's head, says `response` in pieces of `piece` octets and ends.
net::Awaitable<std::string> answer(net::Stream& stream, std::string response, std::size_t piece) {
  std::string request;
  std::array<char, 4'096> space;
  while (request.find("\r\n\r\n") == std::string::npos) {
    const auto got = co_await stream.read_some(space);
    if (!got) break;
    request.append(space.data(), *got);
  }
  for (std::size_t at = 0; at < response.size(); at += piece) {
    const auto written = co_await stream.write_all(response.substr(at, piece));
    if (!written) break;
  }
  stream.close();
  co_return request;
}

struct Exchanged {
  std::string request;
  Result<ClientResponse> response;
};

ClientRequest request_to(std::string target) {
  ClientRequest request;
  request.host = "h.example";
  request.target = std::move(target);
  return request;
}

Exchanged exchange_with(const std::string& response, std::size_t piece = 100'000, ClientRequest request = request_to("/")) {
  test::CoroutineLoop loop;
  test::StreamPair pair(loop);
  const auto answering = loop.start(answer(*pair.server, response, piece));
  const auto asking = loop.start(exchange(*pair.client, std::move(request), kMaxAnswer));
  auto got = loop.wait(asking);
  pair.client->close();
  return {loop.wait(answering), std::move(got)};
}

std::string outcome(const std::string& response, std::size_t piece = 100'000) {
  const auto got = exchange_with(response, piece).response;
  if (!got) return std::string(got.error().context());
  return std::to_string(got->status) + " " + got->content_type + " " + got->body;
}

TEST(ClientExchange, AsksAsItIsTold) {
  const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  ClientRequest reading = request_to("/a?b");
  reading.fields = {{"Accept", "text/plain"}};
  const auto get = exchange_with(ok, 100, std::move(reading));
  EXPECT_EQ(get.request, "GET /a?b HTTP/1.1\r\nHost: h.example\r\nConnection: close\r\nAccept: text/plain\r\n\r\n");
  ClientRequest writing = request_to("/");
  writing.method = "POST";
  writing.body = "12345";
  const auto post = exchange_with(ok, 100, std::move(writing));
  EXPECT_THAT(post.request, StartsWith("POST / HTTP/1.1\r\n"));
  EXPECT_THAT(post.request, HasSubstr("Content-Length: 5\r\n"));
}

TEST(ClientExchange, ReadsAResponseHoweverItIsFramedAndCut) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";
  const std::string rows[] = {
      head + "Content-Length: 5\r\n\r\nhello",
      head + "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
      head + "\r\nhello",
      "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + head + "Content-Length: 5\r\n\r\nhello",
  };
  for (const std::string& response : rows) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{100'000}}) {
      EXPECT_EQ(outcome(response, piece), "200 text/plain hello") << response;
    }
  }
  EXPECT_EQ(outcome("HTTP/1.1 301 Moved\r\nLocation: https://x/\r\nContent-Length: 0\r\n\r\n"), "301  ")
      << "an answer like any other";
}

TEST(ClientExchange, RefusesWhatIsTooBigOrNoHttp) {
  const std::string head = "HTTP/1.1 200 OK\r\n";
  EXPECT_THAT(outcome(head + "Content-Length: 1001\r\n\r\n" + std::string(1'001, 'x')), HasSubstr("too big"));
  EXPECT_THAT(outcome(head + "\r\n" + std::string(5'000, 'x')), HasSubstr("too big"));
  EXPECT_THAT(outcome(head + "Transfer-Encoding: chunked\r\n\r\n7d0\r\n" + std::string(2'000, 'x') + "\r\n0\r\n\r\n"),
              HasSubstr("too big"));
  EXPECT_THAT(outcome(head + "X: " + std::string(20'000, 'x') + "\r\n\r\n"), HasSubstr("too big"));
  EXPECT_THAT(outcome(head + "Content-Length: 10\r\n\r\nhello"), HasSubstr("ends early"));
  EXPECT_THAT(outcome("SSH-2.0-x\r\n\r\n"), HasSubstr("not HTTP/1.1"));
  EXPECT_THAT(outcome(""), HasSubstr("ends early"));
  EXPECT_THAT(outcome("HTTP/1.1 101 Switching Protocols\r\n\r\n"), HasSubstr("changes the protocol"));
  std::string interim;
  for (int i = 0; i < 20; ++i) interim += "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_THAT(outcome(interim + head + "Content-Length: 0\r\n\r\n"), HasSubstr("interim"));
}

}  // namespace
}  // namespace postern::http
