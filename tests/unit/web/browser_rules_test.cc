#include "web/browser_rules.h"

#include "web/session_cookie.h"

#include <gtest/gtest.h>

namespace postern::web {
namespace {

using std::chrono::hours;

TEST(KnownHost, IsAnAddressLocalhostOrAConfiguredName) {
  const std::vector<std::string> names = {"relay.example.org"};
  for (const char* host : {"127.0.0.1", "127.0.0.1:8025", "192.0.2.17:443", "[::1]", "[::1]:8025", "localhost", "localhost:8025",
                           "LOCALHOST", "app.localhost:1", "relay.example.org", "Relay.Example.org:8443", "relay.example.org."}) {
    EXPECT_TRUE(is_known_host(host, names)) << host;
  }
  for (const char* host : {"", "evil.example", "relay.example.org.evil.example", "evil-localhost", "localhost.evil.example",
                           "127.0.0.1.evil.example", "[::1", "relay.example", "2130706433", "0x7f.1", ":8025"}) {
    EXPECT_FALSE(is_known_host(host, names)) << host;
  }
}

struct PageCase {
  const char* name;
  BrowserFacts facts;
  bool is_own;
};

TEST(OwnPage, IsToldByOriginAndFetchSite) {
  constexpr std::string_view kHost = "relay.example:8025";
  const PageCase cases[] = {
      {"no browser says nothing and changes something", {.host = kHost, .changes_state = true}, false},
      {"reading says nothing", {.host = kHost}, true},
      {"the own origin", {.origin = "http://relay.example:8025", .host = kHost, .changes_state = true}, true},
      {"the own origin in capitals", {.origin = "http://RELAY.example:8025", .host = kHost, .changes_state = true}, true},
      {"both", {.origin = "http://relay.example:8025", .fetch_site = "same-origin", .host = kHost, .changes_state = true}, true},
      {"only the newer field", {.fetch_site = "same-origin", .host = kHost, .changes_state = true}, true},
      {"another port", {.origin = "http://relay.example:80", .host = kHost, .changes_state = true}, false},
      {"another host", {.origin = "http://evil.example", .host = kHost, .changes_state = true}, false},
      {"a host that begins alike",
       {.origin = "http://relay.example:8025.evil.example", .host = kHost, .changes_state = true},
       false},
      {"a sandboxed frame", {.origin = "null", .host = kHost, .changes_state = true}, false},
      {"a sandboxed frame that reads", {.origin = "null", .host = kHost}, false},
      {"another site, whatever the origin says",
       {.origin = "http://relay.example:8025", .fetch_site = "cross-site", .host = kHost, .changes_state = true},
       false},
      {"a sister site",
       {.origin = "http://relay.example:8025", .fetch_site = "same-site", .host = kHost, .changes_state = true},
       false},
      {"another site that reads", {.fetch_site = "cross-site", .host = kHost}, false},
      {"typed in", {.fetch_site = "none", .host = kHost}, true},
      {"typed in, and changes something", {.fetch_site = "none", .host = kHost, .changes_state = true}, false},
      {"behind TLS from a page without",
       {.origin = "http://relay.example:8025", .host = kHost, .is_encrypted = true, .changes_state = true},
       false},
      {"behind TLS", {.origin = "https://relay.example:8025", .host = kHost, .is_encrypted = true, .changes_state = true}, true},
      {"a proxy that does not tell of its TLS",
       {.origin = "https://relay.example:8025", .host = kHost, .changes_state = true},
       true},
      {"another scheme", {.origin = "chrome-extension://relay.example:8025", .host = kHost, .changes_state = true}, false},
  };
  for (const PageCase& row : cases) EXPECT_EQ(is_from_own_page(row.facts), row.is_own) << row.name;
}

TEST(SessionCookie, IsReadByNoScriptAndSentFromNoOtherSite) {
  const Secret value{"s_1"};
  EXPECT_EQ(format_session_cookie(value, hours(12), false),
            "postern_session=s_1; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200");
  EXPECT_EQ(format_session_cookie(value, hours(12), true),
            "__Host-postern_session=s_1; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200; Secure");
  EXPECT_EQ(format_session_cookie(Secret(), hours(12), false), "postern_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
}

TEST(SessionCookie, IsTakenOutOfTheRequest) {
  std::vector<std::pair<std::string, std::string>> fields = {{"accept", "*/*"}, {"cookie", "a=1; postern_session=s_1;b=2"}};
  const auto found = take_session_cookie(fields, false);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->reveal(), "s_1");
  EXPECT_EQ(fields[1].second, "");
}

TEST(SessionCookie, IsNoneWhereItsNameIsOfTheOtherKindOrThereAreTwo) {
  for (const char* text : {"", "postern_sessions=s_1", "xpostern_session=s_1", "__Host-postern_session=s_1", "postern_session",
                           "postern_session=s_1; postern_session=s_2"}) {
    std::vector<std::pair<std::string, std::string>> fields = {{"cookie", text}};
    EXPECT_FALSE(take_session_cookie(fields, false)) << text;
  }
  std::vector<std::pair<std::string, std::string>> fields = {{"cookie", "postern_session=s_1"}};
  EXPECT_FALSE(take_session_cookie(fields, true)) << "over TLS only a cookie that TLS has set";
}

}  // namespace
}  // namespace postern::web
