// Two streams connected over loopback, on one loop.
#pragma once

#include "net/stream.h"
#include "tests/support/coroutine_loop.h"

#include <boost/asio/ip/tcp.hpp>

#include <memory>
#include <string>

namespace postern::test {

struct StreamPair {
  explicit StreamPair(CoroutineLoop& loop, const char* address = "127.0.0.1") {
    net::asio::ip::tcp::acceptor acceptor(loop.context(), {net::asio::ip::make_address(address), 0});
    port = acceptor.local_endpoint().port();
    const auto connecting = loop.start(net::Stream::connect(acceptor.local_endpoint(), std::chrono::seconds{120}));
    loop.settle();  // the kernel accepts for us
    server = std::make_unique<net::Stream>(net::asio::ip::tcp::socket(acceptor.accept()));
    client = std::move(loop.wait(connecting).value());
    // Of connecting and accepting: a test that says nothing of deadlines meets none, however slow the machine.
    client->expires_after(std::chrono::hours{1});
    server->expires_after(std::chrono::hours{1});
  }

  std::uint16_t port = 0;  // the server's
  std::unique_ptr<net::Stream> server;
  std::unique_ptr<net::Stream> client;
};

// Reads exactly `size` octets, or less at an error.
inline net::Awaitable<std::string> read_exactly(net::Stream& stream, std::size_t size) {
  std::string all;
  std::string space(65'536, '\0');
  while (all.size() < size) {
    const Result<std::size_t> count = co_await stream.read_some(space);
    if (!count) co_return all;
    all.append(space, 0, *count);
  }
  co_return all;
}

// More than any socket buffer takes, with no two equal stretches.
inline std::string large_text() {
  std::string text;
  for (int i = 0; text.size() < 16U << 20; ++i) text += std::to_string(i) + " ";
  return text;
}

}  // namespace postern::test
