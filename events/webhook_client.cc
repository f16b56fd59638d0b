#include "events/webhook_client.h"

#include "dns/host_lookup.h"
#include "events/webhook_attempts.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <array>
#include <optional>

namespace postern::events {
namespace {

namespace beast_http = boost::beast::http;
using net::asio::ip::tcp;
using std::chrono::seconds;

constexpr std::size_t kMaxTriedAddresses = 3;       // of one host in one attempt
constexpr std::uint32_t kMaxResponseHead = 16'384;  // octets
constexpr std::size_t kMaxBodyType = 100;           // octets of its name
constexpr std::size_t kMaxInterimResponses = 8;     // 100 and 103 in practice: one or two
constexpr seconds kConnectTimeout{5};
constexpr seconds kBodyTime{1};                     // for as much of the body as is kept: the status counts without it
constexpr seconds kLinger{1};                       // for the rest of a response: a close with input unread resets

std::string make_head(const WebhookTarget& target, const WebhookRequest& request, const std::string& user_agent) {
  beast_http::request<beast_http::empty_body> head(beast_http::verb::post, target.request_target, 11);
  head.set(beast_http::field::host, target.host_field);
  head.set(beast_http::field::user_agent, user_agent);
  head.set(beast_http::field::content_type, "application/json");
  head.set(beast_http::field::connection, "close");
  for (const auto& [name, value] : request.fields) head.set(name, value);
  head.content_length(request.body.size());
  std::string text;
  beast_http::request_serializer<beast_http::empty_body> serializer(head);
  serializer.split(true);
  while (!serializer.is_header_done()) {
    boost::system::error_code error;
    serializer.next(error, [&](boost::system::error_code&, const auto& buffers) {
      for (const net::asio::const_buffer piece : boost::beast::buffers_range_ref(buffers)) {
        text.append(static_cast<const char*>(piece.data()), piece.size());
      }
      serializer.consume(boost::beast::buffer_bytes(buffers));
    });
  }
  return text;
}

// A response as it arrives; what came behind what was read stays.
class ResponseReader {
 public:
  explicit ResponseReader(net::Stream& stream) : stream_(stream) {}

  // The status of the next one.
  net::Awaitable<Result<unsigned>> read_head() {
    parser_.emplace();
    parser_->header_limit(kMaxResponseHead);
    parser_->body_limit(boost::none);
    bool needs_more = filled_ == 0;
    for (;;) {
      if (needs_more) {
        if (filled_ == space_.size()) co_return Error(ErrorCode::ProtocolError, "the response's head is too big");
        const auto got = co_await stream_.read_some(std::span(space_).subspan(filled_));
        if (!got) co_return got.error();
        filled_ += *got;
      }
      needs_more = true;
      const boost::system::error_code error = parse();
      if (error && error != beast_http::error::need_more) co_return Error(ErrorCode::ProtocolError, "the response is not HTTP/1.1");
      if (parser_->is_header_done()) co_return parser_->get().result_int();
    }
  }

  // The beginning of its body, as much as comes in time.
  net::Awaitable<std::string> read_body() {
    std::string body(kMaxKeptWebhookBody, '\0');
    auto& into = parser_->get().body();
    into.data = body.data();
    into.size = body.size();
    into.more = true;
    parser_->eager(true);
    while (!parser_->is_done()) {
      if (filled_ > 0) {
        const boost::system::error_code error = parse();
        if (parser_->is_done() || (error && error != beast_http::error::need_more)) break;
      }
      if (filled_ == space_.size()) break;
      const auto got = co_await stream_.read_some(std::span(space_).subspan(filled_));
      if (!got) break;
      filled_ += *got;
    }
    body.resize(body.size() - into.size);
    co_return body;
  }

  std::string body_type() const {
    const auto type = parser_->get()[beast_http::field::content_type];
    return std::string(type.data(), std::min<std::size_t>(type.size(), kMaxBodyType));
  }

 private:
  boost::system::error_code parse() {
    boost::system::error_code error;
    const std::size_t used = parser_->put(net::asio::const_buffer(space_.data(), filled_), error);
    const std::span<char> rest = std::span(space_).first(filled_).subspan(used);
    std::ranges::copy(rest, space_.begin());
    filled_ = rest.size();
    return error;
  }

  net::Stream& stream_;
  std::optional<beast_http::response_parser<beast_http::buffer_body>> parser_;
  std::array<char, kMaxResponseHead> space_{};
  std::size_t filled_ = 0;
};

// The final response: interim ones, which may come unasked (RFC 9110 §15.2), are passed over.
net::Awaitable<Result<WebhookAnswer>> read_answer(net::Stream& stream) {
  ResponseReader reader(stream);
  for (std::size_t interim = 0; interim <= kMaxInterimResponses; ++interim) {
    const Result<unsigned> status = co_await reader.read_head();
    if (!status) co_return status.error();
    if (*status == 101) co_return Error(ErrorCode::ProtocolError, "the response changes the protocol, unasked");
    if (*status < 200) continue;
    WebhookAnswer answer{.status = static_cast<std::uint16_t>(*status), .failure = {}};
    stream.expires_after(kBodyTime);
    answer.body = co_await reader.read_body();
    answer.body_type = reader.body_type();
    co_return answer;
  }
  co_return Error(ErrorCode::ProtocolError, "there are too many interim responses");
}

}  // namespace

HttpWebhookClient::HttpWebhookClient(dns::Resolver& resolver, net::TlsClientContext tls, WebhookPolicy policy,
                                     std::string user_agent)
    : resolver_(resolver),
      tls_(std::move(tls)),
      policy_(std::move(policy)),
      user_agent_(std::move(user_agent)) {}

// Those that may be contacted. What is judged here is what is connected to: a name that answers differently a moment later
// (DNS rebinding) gains nothing.
net::Awaitable<Result<std::vector<IpAddress>>> HttpWebhookClient::find_addresses(const WebhookTarget& target) {
  if (const auto literal = parse_ip_address(target.host)) co_return std::vector<IpAddress>{*literal};
  const dns::Limits limits{.cancellation = &look_ups_};
  const auto found = co_await dns::find_addresses(resolver_, target.host, limits);
  if (!found) co_return found.error();
  std::vector<IpAddress> addresses = *found;
  std::erase_if(addresses, [this](const IpAddress& address) { return !may_contact(address, policy_); });
  if (addresses.empty()) co_return Error(ErrorCode::ConnectFailed, "the host has no public address");
  if (addresses.size() > kMaxTriedAddresses) addresses.resize(kMaxTriedAddresses);
  co_return addresses;
}

net::Awaitable<Result<HttpWebhookClient::StreamPtr>> HttpWebhookClient::connect(const WebhookTarget& target,
                                                                               Clock::time_point deadline) {
  const auto addresses = co_await find_addresses(target);
  if (!addresses) co_return addresses.error();
  Error failure(ErrorCode::ConnectionTimedOut);
  for (const IpAddress& address : *addresses) {
    const auto left = deadline - Clock::now();
    if (left <= Clock::duration::zero() || is_cancelled_) break;
    const auto timeout = std::min<Clock::duration>(left, kConnectTimeout);
    auto stream = co_await net::Stream::connect(dns::endpoint_of(address, target.port), timeout);
    if (stream) co_return std::move(*stream);
    failure = stream.error();
  }
  co_return failure;
}

net::Awaitable<Result<WebhookAnswer>> HttpWebhookClient::exchange(net::Stream& stream, const WebhookTarget& target,
                                                                  const WebhookRequest& request) {
  if (target.is_tls) {
    const auto secured = co_await stream.start_tls_client(tls_, target.host);
    if (!secured) co_return secured.error();
  }
  const std::string text = make_head(target, request, user_agent_) + request.body;
  const auto written = co_await stream.write_all(text);
  if (!written) co_return written.error();
  auto answer = co_await read_answer(stream);
  co_return answer;
}

net::Awaitable<Result<WebhookAnswer>> HttpWebhookClient::attempt(const WebhookRequest& request) {
  // Judged again: the policy may be another one than when the webhook was made.
  const auto target = parse_webhook_url(request.url, policy_);
  if (!target) co_return target.error();
  const Clock::time_point deadline = Clock::now() + kWebhookDeadline;
  const auto stream = co_await connect(*target, deadline);
  if (!stream) co_return stream.error();
  // cancel() knows connections only once they are open.
  if (is_cancelled_) co_return Error(ErrorCode::Cancelled);
  net::Stream& connection = **stream;
  connection.expires_after(std::max<Clock::duration>(deadline - Clock::now(), std::chrono::milliseconds(1)));
  open_.insert(&connection);
  auto answer = co_await exchange(connection, *target, request);
  if (answer && !is_cancelled_) co_await connection.linger_and_close(kLinger);
  open_.erase(&connection);
  co_return answer;
}

net::Awaitable<WebhookAnswer> HttpWebhookClient::post(WebhookRequest request) {
  if (is_cancelled_) co_return WebhookAnswer{.status = 0, .failure = {}, .is_interrupted = true};
  auto answer = co_await attempt(request);
  if (answer) co_return std::move(*answer);
  co_return WebhookAnswer{.status = 0, .failure = answer.error().message(), .is_interrupted = is_cancelled_};
}

void HttpWebhookClient::cancel() {
  is_cancelled_ = true;
  look_ups_.cancel();
  for (net::Stream* stream : open_) stream->cancel();
}

}  // namespace postern::events
