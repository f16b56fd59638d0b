#include "http/client_exchange.h"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <array>

namespace postern::http {
namespace {

namespace wire = boost::beast::http;

constexpr std::size_t kMaxInterim = 8;  // 100 and 103 in practice: one or two
constexpr std::size_t kClientReadOctets = 16'384;

std::string request_text(const ClientRequest& request) {
  std::string text = request.method + " " + request.target + " HTTP/1.1\r\nHost: " + request.host + "\r\nConnection: close\r\n";
  for (const auto& [name, value] : request.fields) text.append(name).append(": ").append(value).append("\r\n");
  if (!request.body.empty()) text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  return text + "\r\n" + request.body;
}

using Parser = wire::response_parser<wire::string_body>;

// What was read and not yet taken by a parser.
struct ReadAhead {
  std::array<char, kClientReadOctets> space{};
  std::size_t begin = 0;
  std::size_t end = 0;
};

net::Awaitable<Result<void>> read_response(net::Stream& stream, ReadAhead& ahead, Parser& parser) {
  parser.eager(true);
  while (!parser.is_done()) {
    boost::system::error_code error;
    if (ahead.begin < ahead.end) {
      ahead.begin += parser.put(net::asio::const_buffer(ahead.space.data() + ahead.begin, ahead.end - ahead.begin), error);
      if (error == wire::error::body_limit || error == wire::error::header_limit) {
        co_return Error(ErrorCode::LimitExceeded, "the response is too big");
      }
      if (error && error != wire::error::need_more) co_return Error(ErrorCode::ProtocolError, "the response is not HTTP/1.1");
      if (parser.is_done()) break;
      if (!error && ahead.begin < ahead.end) continue;
    }
    std::copy(ahead.space.begin() + static_cast<std::ptrdiff_t>(ahead.begin),
              ahead.space.begin() + static_cast<std::ptrdiff_t>(ahead.end), ahead.space.begin());
    ahead.end -= ahead.begin;
    ahead.begin = 0;
    if (ahead.end == ahead.space.size()) co_return Error(ErrorCode::LimitExceeded, "the response's head is too big");
    const auto got = co_await stream.read_some(std::span(ahead.space).subspan(ahead.end));
    if (got) {
      ahead.end += *got;
      continue;
    }
    if (got.error().code() != ErrorCode::ConnectionClosed) co_return got.error();
    if (parser.got_some()) parser.put_eof(error);
    if (error || !parser.is_done()) co_return Error(ErrorCode::ProtocolError, "the response ends early");
  }
  co_return Result<void>();
}

}  // namespace

net::Awaitable<Result<ClientResponse>> exchange(net::Stream& stream, ClientRequest request, std::size_t max_body) {
  const std::string text = request_text(request);
  const auto written = co_await stream.write_all(text);
  if (!written) co_return written.error();
  ReadAhead ahead;
  for (std::size_t interim = 0; interim <= kMaxInterim; ++interim) {
    Parser parser;
    parser.header_limit(kMaxResponseHeadOctets);
    parser.body_limit(max_body);
    const auto read = co_await read_response(stream, ahead, parser);
    if (!read) co_return read.error();
    auto& message = parser.get();
    if (message.result_int() == 101) co_return Error(ErrorCode::ProtocolError, "the response changes the protocol, unasked");
    if (message.result_int() < 200) continue;
    const auto type = message[wire::field::content_type];
    co_return ClientResponse{.status = static_cast<std::uint16_t>(message.result_int()),
                             .content_type = std::string(type.data(), type.size()),
                             .body = std::move(message.body())};
  }
  co_return Error(ErrorCode::ProtocolError, "there are too many interim responses");
}

}  // namespace postern::http
