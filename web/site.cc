#include "web/site.h"

#include "web/browser_rules.h"

#include <algorithm>
#include <array>
#include <utility>

namespace postern::web {
namespace {

constexpr std::string_view kAssets = "assets";
// First segments that are the API's, whoever asks.
constexpr std::array<std::string_view, 7> kOfApi = {"v1", "api", "mailpit", "healthz", "readyz", "metrics", "openapi.json"};

bool is_read(std::string_view method) {
  return method == "GET" || method == "HEAD";
}

http::Response misdirected() {
  http::Response response;
  response.status = 421;
  response.content_type = "text/plain; charset=utf-8";
  response.body =
      "This server has another name: the browser asked for one that is neither its own nor an address.\n"
      "Whoever operates it can add the name to http_hosts.\n";
  response.problem = "misdirected_request";
  return response;
}

}  // namespace

bool asks_for_page(const http::RequestHead& head) {
  if (!is_read(head.method) || head.has_body()) return false;
  const std::string_view first = head.target.segments.empty() ? std::string_view() : std::string_view(head.target.segments.front());
  if (first == kAssets) return true;
  if (std::ranges::find(kOfApi, first) != kOfApi.end() || head.authorization) return false;
  return head.field("accept").find("text/html") != std::string_view::npos;
}

// A page's, or the inner handler's from begin() on.
class Site::PageExchange final : public http::Exchange {
 public:
  PageExchange(const Site& site, const http::PeerFacts& peer, std::unique_ptr<http::Exchange> inner)
      : site_(site), peer_(peer), inner_(std::move(inner)) {}

  net::Awaitable<std::optional<http::Response>> begin(http::RequestHead& head) override {
    const http::PeerFacts client = http::client_behind(site_.settings_.proxies, peer_, head.fields);
    const bool is_in_the_clear = client.tls.empty() && !client.is_local;  // the API says what is wrong with that
    if (!is_in_the_clear && asks_for_page(head)) {
      is_page_ = true;
      client_ = client.address;
      co_return site_.answer(head);
    }
    auto answered = co_await inner_->begin(head);
    co_return answered;
  }
  std::size_t max_body_octets() const override { return inner_->max_body_octets(); }
  net::Awaitable<http::Response> answer(std::string body) override {
    auto answered = co_await inner_->answer(std::move(body));
    co_return answered;
  }
  AccountId account() const override { return inner_->account(); }
  std::string_view operation() const override { return is_page_ ? kPageOperation : inner_->operation(); }
  std::optional<KeyId> key() const override { return inner_->key(); }
  std::optional<IpAddress> client() const override { return is_page_ ? std::optional(client_) : inner_->client(); }

 private:
  const Site& site_;
  const http::PeerFacts peer_;
  std::unique_ptr<http::Exchange> inner_;
  bool is_page_ = false;
  IpAddress client_;
};

std::unique_ptr<http::Exchange> Site::open_exchange(const http::PeerFacts& peer) {
  auto inner = inner_.open_exchange(peer);
  if (!pages_) return inner;
  return std::make_unique<PageExchange>(*this, peer, std::move(inner));
}

http::Response Site::answer(const http::RequestHead& head) const {
  if (!is_known_host(head.host, settings_.hosts)) return misdirected();
  const PageConditions conditions{.if_none_match = head.field("if-none-match"), .accept_encoding = head.field("accept-encoding")};
  const auto& segments = head.target.segments;
  if (segments.empty() || segments.front() != kAssets) return pages_->index(conditions);
  std::string path;
  for (std::size_t i = 1; i < segments.size(); ++i) path.append(path.empty() ? "" : "/").append(segments[i]);
  return pages_->asset(path, conditions);
}

}  // namespace postern::web
