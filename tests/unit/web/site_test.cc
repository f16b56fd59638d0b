#include "web/site.h"

#include "http/request_reader.h"
#include "tests/support/coroutine_loop.h"

#include <gtest/gtest.h>

namespace postern::web {
namespace {

constexpr PageFile kSiteFiles[] = {{"index.html", "the page"}, {"main.js", "the script"}};

// The API: it says that it was asked.
class Inner final : public http::RequestHandler {
 public:
  class Asked final : public http::Exchange {
   public:
    net::Awaitable<std::optional<http::Response>> begin(http::RequestHead&) override {
      http::Response response;
      response.body = "the API";
      co_return response;
    }
    std::size_t max_body_octets() const override { return 0; }
    net::Awaitable<http::Response> answer(std::string) override { co_return http::Response{}; }
    AccountId account() const override { return {}; }
    std::string_view operation() const override { return "inner"; }
    std::optional<KeyId> key() const override { return std::nullopt; }
  };
  http::Response refuse(http::Fault, std::string_view) override { return {}; }
  std::unique_ptr<http::Exchange> open_exchange(const http::PeerFacts&) override { return std::make_unique<Asked>(); }
  void request_ended(const http::RequestOutcome&) override {}
};

class SiteTest : public testing::Test {
 protected:
  http::Response get(const std::string& octets, const char* peer = "127.0.0.1", std::string tls = {}) {
    http::RequestReader reader;
    reader.received(octets);
    EXPECT_EQ(reader.state(), http::RequestReader::State::HasHead) << octets;
    const IpAddress address = parse_ip_address(peer).value();
    const auto exchange =
        site_.open_exchange({.address = address, .port = 1, .is_local = address.is_loopback(), .tls = std::move(tls)});
    auto response = loop_.run(exchange->begin(reader.head()));
    operation_ = exchange->operation();
    return std::move(response).value_or(http::Response{});
  }
  std::string browse(const std::string& path, const std::string& fields = {}) {
    return get("GET " + path + " HTTP/1.1\r\nHost: localhost:8025\r\nAccept: text/html,*/*;q=0.8\r\n" + fields + "\r\n").body;
  }

  Inner inner_;
  test::CoroutineLoop loop_;
  Site site_{inner_, std::make_unique<const Pages>(kSiteFiles), {.hosts = {"relay.example.org"}}};
  std::string operation_;
};

TEST_F(SiteTest, AnswersABrowserWithThePageWhateverItsAddress) {
  for (const char* path : {"/", "/messages/01JD6", "/domains", "/emails", "/a/b/c?x=1"}) {
    EXPECT_EQ(browse(path), "the page") << path;
    EXPECT_EQ(operation_, kPageOperation);
  }
}

TEST_F(SiteTest, LeavesTheApiToPrograms) {
  for (const char* path : {"/v1/domains", "/api/domains", "/openapi.json", "/healthz", "/readyz", "/metrics"}) {
    EXPECT_EQ(browse(path), "the API") << path;
    EXPECT_EQ(operation_, "inner");
  }
  EXPECT_EQ(browse("/domains", "Authorization: Bearer pk_live_x\r\n"), "the API") << "a credential is a program's";
  EXPECT_EQ(get("GET /domains HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n").body, "the API");
  EXPECT_EQ(get("GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n").body, "the API");
  EXPECT_EQ(get("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").body, "the API");
  EXPECT_EQ(get("DELETE /domains HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n").body, "the API");
}

TEST_F(SiteTest, AnswersFilesToWhoeverAsks) {
  EXPECT_EQ(get("GET /assets/main.js HTTP/1.1\r\nHost: 192.0.2.1\r\nAccept: */*\r\n\r\n").body, "the script");
  EXPECT_EQ(get("GET /assets/none.js HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n").status, 404);
  EXPECT_EQ(get("GET /assets HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n").status, 404);
}

TEST_F(SiteTest, HasNoPageUnderANameThatSomebodyElseLetPointHere) {
  const auto from = [this](const std::string& host) {
    return get("GET / HTTP/1.1\r\nHost: " + host + "\r\nAccept: text/html\r\n\r\n").status;
  };
  EXPECT_EQ(from("relay.example.org"), 200);
  EXPECT_EQ(from("127.0.0.1:8025"), 200);
  EXPECT_EQ(from("rebind.evil.example:8025"), 421);
  EXPECT_EQ(get("GET /assets/main.js HTTP/1.1\r\nHost: evil.example\r\n\r\n").status, 421);
}

TEST_F(SiteTest, SendsNoPageInTheClearBeyondThisMachine) {
  const std::string octets = "GET / HTTP/1.1\r\nHost: 192.0.2.1\r\nAccept: text/html\r\n\r\n";
  EXPECT_EQ(get(octets, "192.0.2.17").body, "the API") << "which refuses it";
  EXPECT_EQ(get(octets, "192.0.2.17", "TLSv1.3").body, "the page");
}

TEST_F(SiteTest, IsNotThereWithoutPages) {
  Site none(inner_, nullptr, {});
  http::RequestReader reader;
  reader.received("GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n");
  const auto exchange = none.open_exchange({.address = parse_ip_address("127.0.0.1").value(), .is_local = true});
  EXPECT_EQ(loop_.run(exchange->begin(reader.head()))->body, "the API");
}

}  // namespace
}  // namespace postern::web
