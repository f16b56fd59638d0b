// A message as people look at it: what its preview may do, whatever stands in the mail, and who sees it.
#include "tests/unit/api/doors.h"

#include "core/bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

namespace postern::api {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

ApiResponse look(Doors& doors, std::string_view path, const std::string& id, Doors::Headers query = {}) {
  ApiRequest request;
  request.method = Method::Get;
  request.path_parameters = {{"id", id}};
  request.query = std::move(query);
  return doors.call(preview_api(), Method::Get, path, std::move(request));
}
ApiResponse preview(Doors& doors, const std::string& id, Doors::Headers query = {}) {
  return look(doors, "/v1/emails/:id/preview", id, std::move(query));
}

std::string send_html(Doors& doors, const std::string& html, const std::string& text = "plain") {
  const json::object mail{{"from", "a@example.org"}, {"to", "b@example.net"}, {"subject", "x"}, {"html", html}, {"text", text}};
  const ApiResponse response = doors.send(json::serialize(mail));
  EXPECT_EQ(response.status, 200) << response.body;
  return text_of(body_of(response), "id");
}

std::string shown_field(const ApiResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return {};
}

constexpr std::string_view kHostile =
    "<!--><script>fetch('//evil.example')</script><link rel=preconnect href=//evil.example><meta http-equiv=refresh "
    "content='0;url=//evil.example'><img src=x onerror=alert(1)><svg onload=alert(1)><math><mi xlink:href=javascript:alert(1)>x"
    "</math><form action=//evil.example><button formaction=javascript:alert(1)>x</button></form><style>a[href^='a']{background:"
    "url(//evil.example)}</style><iframe srcdoc='<script>1</script>'></iframe><base href=//evil.example>";

TEST(PreviewEmail, SaysOfAHostileMailThatItMayDoNothing) {
  Doors doors;
  const std::string id = send_html(doors, std::string(kHostile));
  for (const Doors::Headers& query : {Doors::Headers{}, Doors::Headers{{"part", "html"}}, Doors::Headers{{"scheme", "dark"}}}) {
    const ApiResponse shown = preview(doors, id, query);
    ASSERT_EQ(shown.status, 200) << shown.body;
    EXPECT_EQ(shown.content_type, "text/html; charset=utf-8");
    const std::string policy = shown_field(shown, "Content-Security-Policy");
    EXPECT_THAT(policy, StartsWith("sandbox; default-src 'none'; img-src data:;"));
    EXPECT_THAT(policy, Not(HasSubstr("allow-")));
    EXPECT_THAT(policy, Not(HasSubstr("script-src")));
    EXPECT_EQ(shown_field(shown, "X-DNS-Prefetch-Control"), "off");
    EXPECT_EQ(shown_field(shown, "Referrer-Policy"), "no-referrer");
    EXPECT_EQ(shown_field(shown, "Cross-Origin-Resource-Policy"), "same-origin");
    EXPECT_EQ(shown_field(shown, "ETag"), "") << "no browser keeps it";
    const std::string document = to_ascii_lower(shown.body);
    for (const char* tag : {"<script", "<link", "<meta http-equiv", "<base", "<iframe"}) EXPECT_THAT(document, Not(HasSubstr(tag)));
  }
}

TEST(PreviewEmail, LoadsImagesFromElsewhereOnlyWhereThatWasAskedFor) {
  Doors doors;
  const std::string id = send_html(doors, "<img src=http://track.example/p.gif>");
  EXPECT_THAT(shown_field(preview(doors, id), "Content-Security-Policy"), Not(HasSubstr("http:")));
  EXPECT_THAT(shown_field(preview(doors, id, {{"images", "allowed"}}), "Content-Security-Policy"),
              HasSubstr("img-src data: https: http:;"));
  EXPECT_EQ(preview(doors, id, {{"images", "yes"}}).status, 422);
  EXPECT_EQ(preview(doors, id, {{"part", "amp"}}).status, 422);
  EXPECT_EQ(preview(doors, id, {{"scheme", "sepia"}}).status, 422);
}

TEST(PreviewEmail, ShowsTheMailsOwnImages) {
  Doors doors;
  const ApiResponse sent = doors.send(R"({"from": "a@example.org", "to": "b@example.net", "subject": "x",
    "html": "<img src=\"cid:logo\">", "attachments": [{"filename": "l.png", "content": "iVBORw==", "content_type": "image/png",
    "content_id": "logo"}]})");
  ASSERT_EQ(sent.status, 200) << sent.body;
  EXPECT_THAT(preview(doors, text_of(body_of(sent), "id")).body, HasSubstr("<img src=\"data:image/png;base64,iVBORw==\">"));
}

TEST(PreviewEmail, ShowsTheTextAsText) {
  Doors doors;
  const std::string id = send_html(doors, "<b>x</b>", "1 < 2 <script>");
  EXPECT_THAT(preview(doors, id, {{"part", "text"}}).body, HasSubstr("1 &lt; 2 &lt;script&gt;"));
  const ApiResponse sent = doors.send(R"({"from": "a@example.org", "to": "b@example.net", "subject": "x", "text": "only"})");
  const std::string only_text = text_of(body_of(sent), "id");
  EXPECT_THAT(preview(doors, only_text).body, HasSubstr("only"));
  EXPECT_EQ(preview(doors, only_text, {{"part", "html"}}).status, 404);
}

TEST(PreviewEmail, IsForTheOwnAccountOnly) {
  Doors doors;
  const std::string id = send_html(doors, "<a href=https://a.example>x</a>");
  doors.use_account(AccountMode::Production);
  doors.use_key(Environment::Live);
  for (const char* path : {"/v1/emails/:id/preview", "/v1/emails/:id/links", "/v1/emails/:id/headers"}) {
    EXPECT_EQ(look(doors, path, id).status, 404) << path;
    EXPECT_EQ(look(doors, path, "nonsense").status, 404) << path;
  }
}

TEST(EmailLinks, AreListedWithTheHostsThatTheyLeadTo) {
  Doors doors;
  const std::string id = send_html(doors, "<a href=\"https://xn--pple-43d.example/\">apple.example</a>", "https://b.example");
  const json::object page = body_of(look(doors, "/v1/emails/:id/links", id));
  const json::array& links = page.at("data").as_array();
  ASSERT_EQ(links.size(), 2U);
  EXPECT_EQ(links[0].at("host"), "xn--pple-43d.example");
  EXPECT_EQ(links[0].at("text"), "apple.example");
  EXPECT_EQ(links[1].at("element"), "text");
}

TEST(EmailHeaders, StandInTheirOrderAsWrittenAndAsRead) {
  Doors doors;
  const ApiResponse sent = doors.send(R"({"from": "a@example.org", "to": "b@example.net", "subject": "Grüße", "text": "x"})");
  const json::object page = body_of(look(doors, "/v1/emails/:id/headers", text_of(body_of(sent), "id")));
  bool has_subject = false;
  for (const json::value& one : page.at("data").as_array()) {
    if (one.at("name") != "Subject") continue;
    has_subject = true;
    EXPECT_EQ(one.at("decoded"), "Grüße");
    EXPECT_THAT(text_of(one.as_object(), "value"), StartsWith("=?"));
  }
  EXPECT_TRUE(has_subject);
}

}  // namespace
}  // namespace postern::api
