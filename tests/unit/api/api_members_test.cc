// Sessions at browsers, with all gates: what a cookie is good for, what it is not, and when it ends.
#include "tests/unit/api/service_fixture.h"

#include "tests/support/captured_log.h"

#include <boost/json/parse.hpp>

namespace postern::api {
namespace {

namespace json = boost::json;
using std::chrono::hours;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kPassword = "correct horse battery";
constexpr std::string_view kOrigin = "Origin: http://relay.example:8025\r\n";

class ApiMembersTest : public test::ServiceTest {
 protected:
  ApiMembersTest() {
    context_.settings.hosts = {"relay.example"};
    static const ApiArea kAreas[] = {session_api(), member_api(), key_api(), sandbox_api(), explain_api()};
    serve(kAreas);
    ann_ = users.create(account_, "ann@acme.example", Secret(std::string(kPassword))).value();
  }

  static std::string field(const ApiResponse& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return {};
  }
  // "postern_session=…" as a browser sends it back.
  static std::string cookie_of(const ApiResponse& response) {
    const std::string set = field(response, "Set-Cookie");
    return set.substr(0, set.find(';'));
  }
  static json::value body_of(const ApiResponse& response) { return json::parse(response.body); }

  ApiResponse post(const std::string& path, const std::string& body, const std::string& fields) {
    return request(with_json(head("POST " + path, {}, fields), body));
  }
  ApiResponse sign_in(const std::string& email, std::string_view password, const std::string& fields = std::string(kOrigin)) {
    return post("/v1/auth/session", R"({"email": ")" + email + R"(", "password": ")" + std::string(password) + "\"}", fields);
  }
  std::string cookie() { return cookie_of(sign_in("ann@acme.example", kPassword)); }
  ApiResponse get(const std::string& path, const std::string& cookie, const std::string& fields = {}) {
    return request(head("GET " + path, {}, "Cookie: " + cookie + "\r\n" + fields) + "\r\n");
  }
  ApiResponse change(const std::string& line, const std::string& cookie, const std::string& fields) {
    return request(head(line, {}, "Cookie: " + cookie + "\r\n" + fields) + "Content-Length: 0\r\n\r\n");
  }
  ApiResponse make_key_with(const std::string& cookie, const std::string& fields) {
    return post("/v1/api-keys", R"({"name": "made"})", "Cookie: " + cookie + "\r\n" + fields);
  }

  store::UserRecord ann_;
};

TEST_F(ApiMembersTest, SignsInWithAPasswordAndComesAgainWithTheCookie) {
  const ApiResponse in = sign_in("ann@acme.example", kPassword);
  ASSERT_EQ(in.status, 201) << in.body;
  EXPECT_THAT(field(in, "Set-Cookie"), StartsWith("postern_session="));
  EXPECT_THAT(field(in, "Set-Cookie"), HasSubstr("; HttpOnly; SameSite=Strict"));
  const std::string secret = cookie_of(in).substr(cookie_of(in).find('.'));
  EXPECT_THAT(in.body, Not(HasSubstr(secret))) << "no script sees it";
  const json::value me = body_of(get("/v1/auth/me", cookie_of(in)));
  EXPECT_EQ(me.at("user").at("email"), "ann@acme.example");
  EXPECT_EQ(me.at("user").at("isAdmin"), false);
  EXPECT_EQ(me.at("session").at("current"), true);
  EXPECT_EQ(make_key_with(cookie_of(in), std::string(kOrigin)).status, 201);
}

TEST_F(ApiMembersTest, SaysSecureAndAnotherNameBehindTls) {
  const std::string body = R"({"email": "ann@acme.example", "password": "correct horse battery"})";
  const ApiResponse in = request(with_json(head("POST /v1/auth/session", {}, "Origin: https://relay.example:8025\r\n"), body),
                                 peer_at("192.0.2.7", "TLSv1.3"));
  ASSERT_EQ(in.status, 201) << in.body;
  EXPECT_THAT(field(in, "Set-Cookie"), StartsWith("__Host-postern_session="));
  EXPECT_THAT(field(in, "Set-Cookie"), HasSubstr("; Secure"));
  const std::string stripped = cookie_of(in).substr(std::string("__Host-").size());
  EXPECT_EQ(request(head("GET /v1/auth/me", {}, "Cookie: " + stripped + "\r\n") + "\r\n", peer_at("192.0.2.7", "TLSv1.3")).status,
            401)
      << "what TLS has not set";
}

struct OriginCase {
  const char* name;
  std::string fields;
  int status;
};

TEST_F(ApiMembersTest, TakesChangesWithACookieFromItsOwnPagesOnly) {
  const OriginCase cases[] = {
      {"no origin", "", 403},
      {"a foreign origin", "Origin: http://evil.example\r\n", 403},
      {"another port of this machine", "Origin: http://relay.example:80\r\n", 403},
      {"a sandboxed frame, such as a mail's", "Origin: null\r\n", 403},
      {"a foreign site, says the browser", std::string(kOrigin) + "Sec-Fetch-Site: cross-site\r\n", 403},
      {"a sister site", std::string(kOrigin) + "Sec-Fetch-Site: same-site\r\n", 403},
      {"the own page", std::string(kOrigin) + "Sec-Fetch-Site: same-origin\r\n", 201},
      {"the own page of an old browser", std::string(kOrigin), 201},
  };
  const std::string signed_in = cookie();
  for (const OriginCase& row : cases) {
    const ApiResponse answer = make_key_with(signed_in, row.fields);
    EXPECT_EQ(answer.status, row.status) << row.name << answer.body;
    EXPECT_EQ(answer.problem, row.status == 403 ? "cross_site_request" : "") << row.name;
  }
  EXPECT_EQ(get("/v1/api-keys", signed_in).status, 200);
  EXPECT_EQ(get("/v1/api-keys", signed_in, "Sec-Fetch-Site: cross-site\r\n").status, 403);
}

TEST_F(ApiMembersTest, OpensASessionForItsOwnPagesOnly) {
  EXPECT_EQ(sign_in("ann@acme.example", kPassword, "").problem, "cross_site_request");
  EXPECT_EQ(sign_in("ann@acme.example", kPassword, "Origin: http://evil.example\r\n").problem, "cross_site_request");
}

TEST_F(ApiMembersTest, HasNothingForACookieUnderAForeignName) {
  const std::string signed_in = cookie();
  const auto under = [&](const std::string& host, const std::string& credential) {
    return request("GET /v1/auth/me HTTP/1.1\r\nHost: " + host + "\r\n" + credential + "\r\n\r\n").status;
  };
  EXPECT_EQ(under("rebind.evil.example:8025", "Cookie: " + signed_in), 421);
  EXPECT_EQ(under("127.0.0.1:8025", "Cookie: " + signed_in), 200);
  EXPECT_EQ(under("localhost:8025", "Cookie: " + signed_in), 200);
  EXPECT_EQ(under("any.name.example", "Authorization: Bearer " + make_key(store::Permission::FullAccess)), 200) << "a program's";
}

TEST_F(ApiMembersTest, LooksAtNoCookieBesideAnAuthorization) {
  const std::string key = make_key(store::Permission::FullAccess);
  const ApiResponse answer =
      request(head("GET /v1/auth/me", key, "Cookie: " + cookie() + "\r\nOrigin: http://evil.example\r\n") + "\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(body_of(answer).at("user").is_null());
  EXPECT_EQ(request(head("GET /v1/auth/me", "pk_live_wrong", "Cookie: " + cookie() + "\r\n") + "\r\n").status, 401);
}

// Sending is a key's work; who signed in names it, and what is said is said of that key.
TEST_F(ApiMembersTest, LetsAPersonAskByAKeyOfTheAccountThatIsNamed) {
  const std::string signed_in = cookie();
  const auto ask = [&](const std::string& query, const std::string& fields = std::string(kOrigin)) {
    const std::string question = R"({"from": "a@acme.example", "to": "b@example.net"})";
    return post("/v1/explain" + query, question, "Cookie: " + signed_in + "\r\n" + fields);
  };
  const auto make = [&](const AccountId& account) {
    auth::NewKey wanted;
    wanted.name = "app";
    wanted.environment = Environment::Test;  // simulated: no route is asked for
    return keys.create(account, wanted).value().record.id;
  };
  const KeyId own = make(account_);
  const std::string named = "?api_key_id=" + format_id(own);
  const ApiResponse answer = ask(named);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(ask("").problem, "permission_denied");
  EXPECT_EQ(ask(named, "Origin: http://evil.example\r\n").problem, "cross_site_request");
  const AccountId foreign = accounts.create({.name = "other", .plan = {}, .from_domains = {}}).value().id;
  const KeyId others = make(foreign);
  for (const std::string& unknown : {std::string("x"), format_id(others), format_id(make_key_id(random))}) {
    EXPECT_EQ(ask("?api_key_id=" + unknown).status, 404) << unknown;
  }
  ASSERT_TRUE(keys.revoke(others));
  EXPECT_EQ(ask("?api_key_id=" + format_id(others)).status, 404) << "nothing is told of another account's key";
  ASSERT_TRUE(keys.revoke(own));
  EXPECT_EQ(ask(named).status, 409);
  EXPECT_EQ(get("/v1/auth/me", signed_in).status, 200) << "still signed in";
}

TEST_F(ApiMembersTest, LetsNoKeyActForAnother) {
  const std::string key = make_key(store::Permission::SendingAccess);
  const KeyId other = *parse_key_id("key_0000000000000000");
  const auto ask = [&](const std::string& query) {
    return request(with_json(head("POST /v1/explain" + query, key, {}), R"({"from": "a@acme.example", "to": "b@example.net"})"));
  };
  EXPECT_EQ(ask("?api_key_id=" + format_id(other)).problem, "permission_denied");
}

TEST_F(ApiMembersTest, EndsASessionAtSignOut) {
  const std::string signed_in = cookie();
  const std::string elsewhere = cookie();
  const ApiResponse out = change("POST /v1/auth/logout", signed_in, std::string(kOrigin));
  EXPECT_EQ(out.status, 200) << out.body;
  EXPECT_THAT(field(out, "Set-Cookie"), HasSubstr("Max-Age=0"));
  EXPECT_EQ(get("/v1/auth/me", signed_in).problem, "invalid_credentials");
  EXPECT_EQ(get("/v1/auth/me", elsewhere).status, 200);
}

TEST_F(ApiMembersTest, EndsEverySessionWithThePasswordAndGivesTheBrowserAnother) {
  const std::string signed_in = cookie();
  const std::string elsewhere = cookie();
  const auto change_to = [&](const std::string& current, const std::string& wanted) {
    return post("/v1/auth/password", R"({"current_password": ")" + current + R"(", "new_password": ")" + wanted + "\"}",
                "Cookie: " + signed_in + "\r\n" + std::string(kOrigin));
  };
  EXPECT_EQ(change_to("wrong", "another battery").problem, "invalid_credentials");
  EXPECT_EQ(change_to(std::string(kPassword), "short").status, 422);
  const ApiResponse changed = change_to(std::string(kPassword), "another battery");
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(get("/v1/auth/me", signed_in).status, 401);
  EXPECT_EQ(get("/v1/auth/me", elsewhere).status, 401);
  EXPECT_EQ(get("/v1/auth/me", cookie_of(changed)).status, 200);
  EXPECT_EQ(sign_in("ann@acme.example", kPassword).status, 401);
  EXPECT_EQ(sign_in("ann@acme.example", "another battery").status, 201);
}

TEST_F(ApiMembersTest, EndsASessionWithItsTimeItsUserAndItsAccount) {
  std::string signed_in = cookie();
  clock.advance(hours(12));
  EXPECT_EQ(get("/v1/auth/me", signed_in).status, 401);
  signed_in = cookie();
  accounts.set_state(account_, store::AccountState::Suspended).value();
  EXPECT_EQ(get("/v1/auth/me", signed_in).problem, "account_suspended");
  accounts.set_state(account_, store::AccountState::Active).value();
  EXPECT_EQ(get("/v1/auth/me", signed_in).status, 200);
  users.remove(ann_.id).value();
  EXPECT_EQ(get("/v1/auth/me", signed_in).status, 401);
}

TEST_F(ApiMembersTest, SignsInWithAKeyForAsLongAsTheKeyWorks) {
  const auto with = [&](const std::string& key) {
    return post("/v1/auth/session", R"({"api_key": ")" + key + "\"}", std::string(kOrigin));
  };
  EXPECT_EQ(with(make_key(store::Permission::SendingAccess)).problem, "permission_denied");
  EXPECT_EQ(with("pk_live_wrong").problem, "invalid_key");
  const std::string key = make_key(store::Permission::FullAccess);
  const ApiResponse in = with(key);
  ASSERT_EQ(in.status, 201) << in.body;
  const json::value me = body_of(get("/v1/auth/me", cookie_of(in)));
  EXPECT_TRUE(me.at("user").is_null());
  EXPECT_EQ(post("/v1/members", R"({"email": "x@acme.example", "password": "correct horse battery"})",
                 "Cookie: " + cookie_of(in) + "\r\n" + std::string(kOrigin))
                .status,
            403)
      << "a key lets nobody in";
  keys.revoke(parse_key_id(me.at("api_key").at("id").as_string()).value()).value();
  EXPECT_EQ(get("/v1/auth/me", cookie_of(in)).problem, "revoked_key");
}

TEST_F(ApiMembersTest, ThrottlesSigningInAsLoginIs) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(sign_in("ann@acme.example", "wrong password").status, 401);
  const ApiResponse blocked = sign_in("ann@acme.example", kPassword);
  EXPECT_EQ(blocked.problem, "too_many_failures");
  EXPECT_NE(field(blocked, "Retry-After"), "");
}

TEST_F(ApiMembersTest, ListsTheCallersSessionsAndEndsThem) {
  const std::string here = cookie();
  clock.advance(std::chrono::seconds(1));
  const ApiResponse there = sign_in("ann@acme.example", kPassword, std::string(kOrigin) + "User-Agent: Firefox\r\n");
  const json::value list = body_of(get("/v1/auth/sessions", here));
  ASSERT_EQ(list.at("data").as_array().size(), 2U);
  EXPECT_EQ(list.at("data").at(0).at("client"), "Firefox");
  EXPECT_EQ(list.at("data").at(1).at("current"), true);
  const std::string id(list.at("data").at(0).at("id").as_string());
  EXPECT_EQ(change("DELETE /v1/auth/sessions/" + id, here, std::string(kOrigin)).status, 200);
  EXPECT_EQ(get("/v1/auth/me", cookie_of(there)).status, 401);
  const auto bob = users.create(account_, "bob@acme.example", Secret(std::string(kPassword))).value();
  const std::string his = cookie_of(sign_in("bob@acme.example", kPassword));
  EXPECT_EQ(body_of(get("/v1/auth/sessions", his)).at("data").as_array().size(), 1U);
  const std::string mine(body_of(get("/v1/auth/me", here)).at("session").at("id").as_string());
  EXPECT_EQ(change("DELETE /v1/auth/sessions/" + mine, his, std::string(kOrigin)).status, 404) << "a colleague's";
}

TEST_F(ApiMembersTest, LetsPeopleInAndTakesTheirAccessAway) {
  const std::string signed_in = cookie();
  const std::string fields = "Cookie: " + signed_in + "\r\n" + std::string(kOrigin);
  const ApiResponse added = post("/v1/members", R"({"email": "bob@acme.example", "password": "correct horse battery"})", fields);
  ASSERT_EQ(added.status, 201) << added.body;
  const std::string bob(body_of(added).at("id").as_string());
  const std::string his = cookie_of(sign_in("bob@acme.example", kPassword));
  EXPECT_EQ(body_of(get("/v1/members", his)).at("data").as_array().size(), 2U);
  EXPECT_EQ(change("DELETE /v1/members/" + format_id(ann_.id), signed_in, std::string(kOrigin)).status, 409) << "oneself";
  EXPECT_EQ(change("DELETE /v1/members/" + bob, signed_in, std::string(kOrigin)).status, 200);
  EXPECT_EQ(get("/v1/members", his).status, 401);
  const AccountId other = accounts.create({.name = "other", .plan = {}, .from_domains = {}}).value().id;
  const auto eve = users.create(other, "eve@other.example", Secret(std::string(kPassword))).value();
  EXPECT_EQ(change("DELETE /v1/members/" + format_id(eve.id), signed_in, std::string(kOrigin)).status, 404) << "another account's";
  std::vector<store::AuditRecord> hers;
  for (const store::PlacedAudit& placed : store.directory().list_audit(account_, {}, 100).value()) {
    if (placed.entry.actor_name == "ann@acme.example") hers.push_back(placed.entry);
  }
  ASSERT_EQ(hers.size(), 2U);
  EXPECT_EQ(hers[0].action, "member.removed");
  EXPECT_EQ(hers[1].action, "member.added");
  EXPECT_EQ(format_ip_address(hers[1].address.value()), "127.0.0.1");
}

TEST_F(ApiMembersTest, WritesNoCookieIntoTheLog) {
  test::CapturedLog log;
  const std::string signed_in = cookie();
  get("/v1/auth/me", signed_in);
  get("/v1/auth/me", signed_in.substr(0, signed_in.size() - 1) + "0");
  EXPECT_THAT(log.finish(), Not(HasSubstr(signed_in.substr(signed_in.find('.')))));
}

}  // namespace
}  // namespace postern::api
