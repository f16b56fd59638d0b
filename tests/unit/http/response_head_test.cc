#include "http/response_head.h"

#include <gtest/gtest.h>

namespace postern::http {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr Instant kNow{std::chrono::seconds(1'795'253'400)};

std::string rendered_head(const Response& response, bool keeps_alive = true, bool is_http_1_0 = false) {
  return format_response_head(response,
                              {.now = kNow, .request_id = "req_1", .keeps_alive = keeps_alive, .is_http_1_0 = is_http_1_0});
}

class NoSource final : public BodySource {
 public:
  net::Awaitable<std::optional<std::string>> next(std::chrono::steady_clock::duration) override { co_return std::nullopt; }
  void stop() override {}
};

TEST(ResponseHeadTest, CarriesWhatEveryResponseHas) {
  const Response response{.status = 201, .body = R"({"a":1})"};
  EXPECT_EQ(
      rendered_head(response),
      "HTTP/1.1 201 Created\r\nDate: Sat, 21 Nov 2026 09:30:00 GMT\r\nX-Request-Id: req_1\r\nX-Content-Type-Options: nosniff\r\n"
      "Cache-Control: no-store\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n");
}

TEST(ResponseHeadTest, SaysThatTheConnectionEnds) {
  EXPECT_THAT(rendered_head({}, false), HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(rendered_head({}, true), Not(HasSubstr("Connection:")));
}

TEST(ResponseHeadTest, FramesByTheKindOfBody) {
  Response none;
  none.status = 204;
  EXPECT_THAT(rendered_head(none), Not(HasSubstr("Content-Length")));
  EXPECT_THAT(rendered_head({}), HasSubstr("Content-Length: 0\r\n"));
  Response streamed;
  streamed.stream = std::make_unique<NoSource>();
  streamed.content_type = "text/event-stream";
  EXPECT_THAT(rendered_head(streamed), HasSubstr("Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"));
  EXPECT_THAT(rendered_head(streamed, false, true), Not(HasSubstr("Transfer-Encoding")));
}

TEST(ResponseHeadTest, LeavesOutWhatWouldBreakItsLine) {
  Response response;
  response.headers = {{"X-A", "b\r\nX-Evil: yes"}, {"X-B\n", "c"}, {"X-Nul", std::string("d\0", 2)}, {"X-Good", "e"}};
  const std::string head = rendered_head(response);
  EXPECT_THAT(head, Not(HasSubstr("Evil")));
  EXPECT_THAT(head, Not(HasSubstr("X-B")));
  EXPECT_THAT(head, Not(HasSubstr("X-Nul")));
  EXPECT_THAT(head, HasSubstr("X-Good: e\r\n"));
}

TEST(ResponseHeadTest, LetsTheEndpointDecideAboutCaching) {
  Response response;
  response.headers = {{"cache-control", "max-age=60"}};
  EXPECT_THAT(rendered_head(response), Not(HasSubstr("no-store")));
}

}  // namespace
}  // namespace postern::http
