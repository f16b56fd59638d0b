// Every gate that a request passes on its way to a handler, and what it is told where it does not.
#include "tests/unit/api/service_fixture.h"

#include "core/metrics.h"
#include "tests/support/captured_log.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace postern::api {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::Not;

// Answers what the request became.
net::Awaitable<ApiResponse> show(ApiContext&, ApiRequest& request) {
  json::object seen{{"path", request.path}, {"json", request.json}, {"base_url", request.base_url}};
  for (const auto& [name, value] : request.path_parameters) seen[name] = value;
  for (const auto& [name, value] : request.query) seen["?" + name] = value;
  seen["caller"] = request.caller.key ? "key" : request.caller.user ? "user" : "nobody";
  co_return ApiResponse::json(seen);
}

constexpr Route row(Method method, std::string_view path, Access access, Body body, std::string_view operation) {
  return {.method = method, .path = path, .access = access, .body = body, .handler = show, .operation = operation, .summary = {},
          .tag = {}};
}
constexpr Route sending(Route route) {
  route.has_plan_rate = true;
  return route;
}
constexpr Parameter kOf{.name = "of", .description = {}};
constexpr Parameter kParameters[] = {kOf};
constexpr Route with_names(Route route) {
  route.parameters = kParameters;
  route.request_schema = "Note";
  return route;
}
constexpr std::string_view kNoteSchema = R"({"Note": {"type": "object", "properties": {"reply_to": {"type": "string"}}}})";
constexpr Route scoped(Route route) {
  route.serves_domain_keys = true;
  return route;
}
constexpr Route kRoutes[] = {scoped(row(Method::Get, "/v1/scoped", Access::Manage, Body::None, "scoped")),
                             with_names(row(Method::Post, "/v1/notes", Access::Send, Body::Json, "note")),
                             sending(row(Method::Get, "/v1/batch", Access::Send, Body::None, "batch")),
                             row(Method::Get, "/v1/open/:id", Access::Open, Body::None, "open"),
                             row(Method::Post, "/v1/mail", Access::Send, Body::Json, "send"),
                             row(Method::Get, "/v1/mail", Access::Send, Body::None, "list"),
                             row(Method::Get, "/v1/keys", Access::Manage, Body::None, "keys"),
                             row(Method::Post, "/v1/keys/rotate", Access::Manage, Body::None, "rotate")};

class DispatcherTest : public test::ServiceTest {
 protected:
  DispatcherTest() {
    static const ApiArea kAreas[] = {{kRoutes, kNoteSchema}, service_api()};
    serve(kAreas);
  }

  // "200" or "401 invalid_key".
  std::string outcome(const std::string& octets) {
    const ApiResponse response = request(octets);
    const std::string status = std::to_string(response.status);
    return response.problem.empty() ? status : status + ' ' + std::string(response.problem);
  }
  std::string get(const std::string& path, const std::string& credential) {
    return outcome(head("GET " + path, credential) + "\r\n");
  }
  json::value seen(const std::string& octets) { return json::parse(request(octets).body); }

  const std::string sender_ = make_key(store::Permission::SendingAccess);
  const std::string manager_ = make_key(store::Permission::FullAccess);
};

std::string field_of(const ApiResponse& response, std::string_view name) {
  for (const auto& [field, value] : response.headers) {
    if (field == name) return value;
  }
  return "";
}

TEST_F(DispatcherTest, HandsTheRequestToItsHandler) {
  const json::value value = seen(head("GET /api/open/a%20b?x=y") + "\r\n");
  EXPECT_EQ(value.at("id"), "a b");
  EXPECT_EQ(value.at("?x"), "y");
  EXPECT_EQ(value.at("path"), "/api/open/a b");
  EXPECT_EQ(value.at("base_url"), "http://relay.example:8025");
  EXPECT_EQ(value.at("caller"), "nobody");
  EXPECT_EQ(operation_, "open");
}

TEST_F(DispatcherTest, RefusesWhatHasNoRoute) {
  EXPECT_EQ(get("/v1/nothing", manager_), "404 not_found");
  const ApiResponse response = request(head("DELETE /v1/mail") + "\r\n");
  EXPECT_EQ(response.problem, "method_not_allowed");
  EXPECT_EQ(field_of(response, "Allow"), "POST, GET, HEAD");
}

TEST_F(DispatcherTest, SaysWhereTheApiIs) {
  EXPECT_THAT(request(head("GET /v2/mail") + "\r\n").body, HasSubstr("the API is at /v1"));
  EXPECT_THAT(request(head("GET /") + "\r\n").body, HasSubstr("http://relay.example:8025/openapi.json"));
  EXPECT_EQ(get("/mail/", manager_), "200");
}

TEST_F(DispatcherTest, RefusesNamesThatItDoesNotKnow) {
  EXPECT_EQ(get("/v1/keys?to=a", manager_), "422 validation_error");
  EXPECT_EQ(get("/healthz?to=a", {}), "200") << "a probe's answer does not hang on what stands behind it";
  const auto post = [this](const std::string& query, const std::string& body) {
    return request(with_json(head("POST /v1/notes" + query, sender_), body));
  };
  EXPECT_EQ(post("?of=a", R"({"reply_to": "a"})").status, 200);
  EXPECT_THAT(post("?off=a", "{}").body, HasSubstr("did you mean of?"));
  EXPECT_THAT(post("", R"({"replyTo": "a"})").body, HasSubstr(R"("json":{"reply_to":"a"})"));
  EXPECT_THAT(post("", R"({"reply_too": "a"})").body, HasSubstr("did you mean reply_to?"));
  EXPECT_THAT(post("", "{\n\"reply_to\" 1}").body, HasSubstr("line 2, column 12"));
}

TEST_F(DispatcherTest, SaysWhatIsLeftOfTheRate) {
  const auto rate = [this](const std::string& path, const std::string& credential) {
    const ApiResponse response = request(head("GET " + path, credential) + "\r\n");
    return field_of(response, "RateLimit-Limit") + ' ' + field_of(response, "RateLimit-Remaining") + ' ' +
           field_of(response, "RateLimit-Reset");
  };
  EXPECT_EQ(rate("/v1/mail", sender_), "100 99 1");
  EXPECT_EQ(rate("/v1/mail", manager_), "100 98 1") << "the account's keys have one together";
  EXPECT_EQ(rate("/v1/keys?unknown=1", manager_), "100 97 1") << "refusals say it too";
  clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(rate("/v1/mail", sender_), "100 99 1");
  EXPECT_EQ(rate("/v1/open/x", {}), "  ");
  EXPECT_EQ(rate("/v1/batch", sender_), "  ") << "a plan without a rate";
  auth::NewKey wanted;
  wanted.name = "slow";
  wanted.per_second = 5;
  const std::string slow(keys.create(account_, wanted).value().text.reveal());
  EXPECT_EQ(rate("/v1/batch", slow), "5 5 0") << "of what sends, messages";
}

TEST_F(DispatcherTest, LetsConfiguredOriginsIn) {
  const std::string origin = "Origin: https://app.example.org\r\n";
  const std::string question = head("OPTIONS /v1/mail", {}, origin + "Access-Control-Request-Method: POST\r\n") + "\r\n";
  EXPECT_EQ(request(question).status, 405) << "nobody is, unless configured";
  EXPECT_EQ(field_of(request(head("GET /v1/mail", sender_, origin) + "\r\n"), "Access-Control-Allow-Origin"), "");
  context_.settings.cors_origins = {"https://app.example.org"};
  const ApiResponse asked = request(question);
  EXPECT_EQ(asked.status, 204);
  EXPECT_EQ(field_of(asked, "Access-Control-Allow-Origin"), "https://app.example.org");
  EXPECT_THAT(field_of(asked, "Access-Control-Allow-Headers"), HasSubstr("Authorization"));
  for (const std::string& credential : {sender_, std::string()}) {
    const ApiResponse response = request(head("GET /v1/mail", credential, origin) + "\r\n");
    EXPECT_EQ(field_of(response, "Access-Control-Allow-Origin"), "https://app.example.org") << "refusals are read too";
    EXPECT_EQ(field_of(response, "Vary"), "Origin");
  }
  const ApiResponse other = request(head("GET /v1/mail", sender_, "Origin: https://evil.example.org\r\n") + "\r\n");
  EXPECT_EQ(field_of(other, "Access-Control-Allow-Origin"), "");
  context_.settings.cors_origins = {"*"};
  EXPECT_EQ(field_of(request(question), "Access-Control-Allow-Origin"), "*");
}

TEST_F(DispatcherTest, RefusesACodedBody) {
  const auto coded = [this](const std::string& coding) {
    return outcome(with_json(head("POST /v1/notes", sender_, "Content-Encoding: " + coding + "\r\n"), "{}"));
  };
  EXPECT_EQ(coded("gzip"), "415 unsupported_media_type");
  EXPECT_EQ(coded("br"), "415 unsupported_media_type");
  EXPECT_EQ(coded("identity"), "200");
}

TEST_F(DispatcherTest, WantsACredential) {
  for (const char* fields : {"", "Authorization: Basic YTpi\r\n", "Authorization: Bearer\r\n", "Authorization: pk_live_x\r\n"}) {
    const ApiResponse response = request(head("GET /v1/mail", {}, fields) + "\r\n");
    EXPECT_EQ(response.status, 401) << fields;
    EXPECT_EQ(response.problem, "auth_required") << fields;
    EXPECT_EQ(field_of(response, "WWW-Authenticate"), "Bearer");
  }
  EXPECT_EQ(get("/v1/open/x", {}), "200");
}

TEST_F(DispatcherTest, KnowsKeysByTheirPermission) {
  EXPECT_EQ(get("/v1/mail", sender_), "200");
  EXPECT_EQ(get("/v1/mail", manager_), "200");
  EXPECT_EQ(get("/v1/keys", sender_), "403 permission_denied");
  EXPECT_EQ(get("/v1/keys", manager_), "200");
  EXPECT_EQ(request("GET /v1/mail HTTP/1.1\r\nHost: a\r\nAuthorization: bearer  " + sender_ + "\r\n\r\n").status, 200);
  EXPECT_EQ(usage.take_unsaved().size(), 2U);
}

TEST_F(DispatcherTest, KnowsUsersByTheirToken) {
  const std::string session = make_session();
  EXPECT_EQ(get("/v1/keys", session), "200");
  EXPECT_EQ(get("/v1/mail", session), "403 permission_denied");
  EXPECT_EQ(get("/v1/keys", "a.other.b"), "401 invalid_credentials");
  EXPECT_EQ(get("/v1/keys", "a.expired.b"), "401 invalid_credentials");
}

TEST_F(DispatcherTest, ForgetsUsersThatAreGone) {
  const std::string session = make_session();
  const UserId user = tokens_.claims.begin()->second.user;
  store.directory().write([&](store::DirectoryWriter& writer) { return writer.remove_user(user); }).value();
  EXPECT_EQ(get("/v1/keys", session), "401 invalid_credentials");
}

TEST_F(DispatcherTest, EndsSessionsWithThePassword) {
  const std::string session = make_session();
  const UserId user = tokens_.claims.begin()->second.user;
  ASSERT_TRUE(users.set_password(user, Secret("another password")));
  EXPECT_EQ(get("/v1/keys", session), "401 invalid_credentials");
}

TEST_F(DispatcherTest, RefusesWhoeverIsOfASuspendedAccount) {
  const std::string session = make_session();
  accounts.set_state(account_, store::AccountState::Suspended).value();
  EXPECT_EQ(get("/v1/keys", session), "403 account_suspended");
  EXPECT_EQ(get("/v1/keys", manager_), "403 account_suspended");
}

TEST_F(DispatcherTest, LetsAKeyOfSomeDomainsManageOnlyWhatKeepsToThem) {
  auth::NewKey wanted;
  wanted.name = "narrow";
  wanted.permission = store::Permission::FullAccess;
  wanted.from_domains = {"own.example"};
  const std::string narrow(keys.create(account_, wanted).value().text.reveal());
  EXPECT_EQ(get("/v1/keys", narrow), "403 permission_denied");
  EXPECT_EQ(get("/v1/scoped", narrow), "200");
  EXPECT_EQ(get("/v1/mail", narrow), "200") << "what a key that only sends may, too";
  EXPECT_EQ(get("/v1/scoped", manager_), "200");
}

// Also those that are refused before the plan's rate hears of them, and a test key's, which has no plan.
TEST_F(DispatcherTest, TakesSoManyRequestsThatSendOfAnAccount) {
  const auto granted = [&](const std::string& key) {
    int count = 0;
    while (count < 5'000 && get("/v1/batch", key) == "200") ++count;
    return count;
  };
  EXPECT_EQ(granted(manager_), 1'000) << "no rate in the plan";
  EXPECT_EQ(get("/v1/keys", manager_), "200");
  store::Plan plan{"custom", 20, {}, {}};
  accounts.set_plan(account_, plan).value();
  clock.advance(std::chrono::seconds(2));
  EXPECT_EQ(granted(manager_), 100) << "not below what other requests may";
  plan.per_second = 300;
  accounts.set_plan(account_, plan).value();
  clock.advance(std::chrono::seconds(2));
  EXPECT_EQ(granted(sender_), 300) << "nor below the plan";
}

TEST_F(DispatcherTest, SendsItsDocumentOnceAndThenSaysThatItIsTheSame) {
  const ApiResponse plain = request(head("GET /openapi.json") + "\r\n");
  const std::string tag = field_of(plain, "ETag");
  EXPECT_THAT(tag, testing::StartsWith("W/\""));
  const ApiResponse small = request(head("GET /openapi.json", {}, "Accept-Encoding: br, gzip;q=0.8\r\n") + "\r\n");
  EXPECT_EQ(field_of(small, "Content-Encoding"), "gzip");
  EXPECT_EQ(field_of(small, "ETag"), tag);
  EXPECT_LT(small.body.size() * 2, plain.body.size());
  const ApiResponse same = request(head("GET /openapi.json", {}, "If-None-Match: \"x\", " + tag + "\r\n") + "\r\n");
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(request(head("GET /openapi.json", {}, "If-None-Match: \"x\"\r\n") + "\r\n").status, 200);
}

// Without a credential it is the address that counts, an IPv6 /64 being one; a long answer counts for several.
TEST_F(DispatcherTest, TakesSoManyRequestsASecondOfAnAddress) {
  const auto ask = [&](const std::string& path, const char* address) {
    return request(head("GET " + path) + "\r\n", peer_at(address, "TLSv1.3")).status;
  };
  int granted = 0;
  while (granted < 1'000 && ask("/v1/open/x", "2001:db8::1") == 200) ++granted;
  EXPECT_EQ(granted, 50);
  EXPECT_EQ(ask("/v1/open/x", "2001:db8::2"), 429);
  EXPECT_EQ(ask("/healthz", "2001:db8::2"), 200) << "a probe is told how the service is";
  EXPECT_EQ(ask("/v1/open/x", "2001:db8:1::1"), 200);
  EXPECT_EQ(get("/v1/keys", manager_), "200");
  clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(ask("/v1/open/x", "2001:db8::2"), 200);
}

TEST_F(DispatcherTest, TakesSoManyRequestsASecondOfAnAccount) {
  const std::string other = make_key(store::Permission::FullAccess);
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(get("/v1/keys", manager_), "200") << i;
    ASSERT_EQ(get("/v1/keys", other), "200") << i;
  }
  const ApiResponse refused = request(head("GET /v1/keys", manager_) + "\r\n");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.problem, "rate_limited");
  EXPECT_THAT(refused.body, HasSubstr("too many requests a second: wait 1 s"));
  EXPECT_EQ(field_of(refused, "Retry-After"), "1");
  EXPECT_EQ(field_of(refused, "RateLimit-Limit"), "100");
  EXPECT_EQ(field_of(refused, "RateLimit-Remaining"), "0");
  EXPECT_EQ(field_of(refused, "RateLimit-Reset"), "1");
  EXPECT_EQ(get("/v1/keys", other), "429 rate_limited") << "the account's keys have one rate";
  EXPECT_EQ(get("/v1/keys", make_session()), "200") << "its people have another, to revoke the key";
  EXPECT_EQ(get("/v1/open/x", {}), "200");
  EXPECT_EQ(get("/v1/batch", manager_), "200") << "what sends is counted apart";
  clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(get("/v1/keys", manager_), "200");
}

TEST_F(DispatcherTest, MakesGuessingSlow) {
  EXPECT_EQ(get("/v1/mail", "pk_live_wrong"), "401 invalid_key");
  EXPECT_EQ(get("/v1/keys", "a.wrong.b"), "401 invalid_credentials");
  EXPECT_EQ(get("/v1/mail", "pk_live_wrong"), "401 invalid_key");
  clock.advance(std::chrono::minutes(4));
  const ApiResponse response = request(head("GET /v1/mail", "pk_live_wrong") + "\r\n");
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(response.problem, "too_many_failures");
  EXPECT_EQ(field_of(response, "Retry-After"), "360");
  EXPECT_EQ(get("/v1/mail", sender_), "200") << "a right key gets in however many wrong ones came before";
  clock.advance(std::chrono::minutes(6));
  EXPECT_EQ(get("/v1/mail", "pk_live_wrong"), "401 invalid_key");
}

TEST_F(DispatcherTest, ParsesJsonWhereTheRouteTakesIt) {
  const std::string start = head("POST /v1/mail", sender_);
  EXPECT_EQ(seen(with_json(start, R"({"a": 1})")).at("json"), (json::object{{"a", 1}}));
  EXPECT_EQ(seen(with_json(start, "{}", "application/json; charset=utf-8")).at("json"), json::object{});
  EXPECT_TRUE(seen(start + "\r\n").at("json").is_null());
  EXPECT_EQ(outcome(with_json(start, "{")), "400 malformed_json");
  EXPECT_EQ(outcome(with_json(start, std::string(100, '['))), "400 malformed_json");
  EXPECT_EQ(outcome(with_json(start, "\"\xff\"")), "400 malformed_json");
  EXPECT_EQ(outcome(with_json(start, "{}", "text/plain")), "415 unsupported_media_type");
  EXPECT_EQ(outcome(start + "Content-Length: 2\r\n\r\n{}"), "415 unsupported_media_type");
}

TEST_F(DispatcherTest, PassesOverABodyThatTheRouteDoesNotTake) {
  EXPECT_EQ(outcome(with_json(head("POST /v1/keys/rotate", manager_), "{")), "200");
  EXPECT_EQ(outcome(head("POST /v1/keys/rotate", manager_) + "Content-Type: application/json\r\n\r\n"), "200");
  EXPECT_TRUE(seen(with_json(head("GET /v1/mail", sender_), "{}")).at("json").is_null());
}

TEST_F(DispatcherTest, WantsTlsOffLoopback) {
  const http::PeerFacts plain = peer_at("192.0.2.1");
  const http::PeerFacts secure = peer_at("192.0.2.1", "TLSv1.3 TLS_AES_256_GCM_SHA384");
  EXPECT_EQ(request(head("GET /v1/mail", sender_) + "\r\n", plain).problem, "tls_required");
  EXPECT_EQ(request(head("GET /v1/nothing") + "\r\n", plain).problem, "tls_required");
  EXPECT_EQ(request(head("GET /healthz") + "\r\n", plain).status, 200);
  const ApiResponse response = request(head("GET /v1/mail", sender_) + "\r\n", secure);
  EXPECT_EQ(json::parse(response.body).at("base_url"), "https://relay.example:8025");
}

TEST_F(DispatcherTest, AnswersForTheServiceItself) {
  EXPECT_EQ(get("/healthz", {}), "200");
  EXPECT_EQ(get("/readyz", {}), "200");
  EXPECT_THAT(request(head("GET /metrics") + "\r\n").body, HasSubstr("postern_auth_failures_total{door=\"http\"}"));
  const json::value openapi = seen(head("GET /openapi.json") + "\r\n");
  EXPECT_TRUE(openapi.at("paths").as_object().contains("/v1/open/{id}"));
  EXPECT_TRUE(openapi.at("paths").as_object().contains("/healthz"));
}

TEST_F(DispatcherTest, SaysThatItIsGoingDown) {
  dispatcher_->set_draining();
  EXPECT_EQ(get("/readyz", {}), "503 unavailable");
  EXPECT_EQ(get("/healthz", {}), "200");
}

TEST_F(DispatcherTest, BeginsNothingMoreWhenItGoesDown) {
  const std::string session = make_session();
  dispatcher_->set_draining();
  for (const std::string& credential : {sender_, manager_, session, std::string("pk_live_wrong"), std::string()}) {
    EXPECT_EQ(get("/v1/keys", credential), "503 shutting_down");
  }
}

TEST_F(DispatcherTest, TakesBodiesAsLongAsItsMessagesMayBe) {
  static const ApiArea kAreas[] = {email_api()};
  serve(kAreas);
  for (const std::uint64_t message : {std::uint64_t{65'536}, std::uint64_t{200'000'000}}) {
    context_.settings.max_message_octets = message;
    for (const auto& [path, size] : {std::pair("/v1/emails", BodySize::Email), std::pair("/v1/emails/batch", BodySize::Batch)}) {
      http::RequestReader reader;
      reader.received(head("POST " + std::string(path), sender_) + "\r\n");
      const auto exchange = dispatcher_->open_exchange(peer_at("127.0.0.1"));
      ASSERT_FALSE(loop.run(exchange->begin(reader.head()))) << path;
      EXPECT_EQ(exchange->max_body_octets(), max_body_octets(size, message)) << path;
    }
  }
}

TEST_F(DispatcherTest, KeepsMetricsToTheMachine) {
  const http::PeerFacts elsewhere = peer_at("192.0.2.1", "TLSv1.3 TLS_AES_256_GCM_SHA384");
  EXPECT_EQ(request(head("GET /metrics") + "\r\n", elsewhere).problem, "permission_denied");
}

TEST_F(DispatcherTest, GivesMetricsToWhoHasTheToken) {
  context_.settings.metrics_token = Secret("operators-token");
  const http::PeerFacts elsewhere = peer_at("192.0.2.1", "TLSv1.3 TLS_AES_256_GCM_SHA384");
  for (const http::PeerFacts& peer : {elsewhere, peer_at("127.0.0.1")}) {
    EXPECT_EQ(request(head("GET /metrics", "operators-token") + "\r\n", peer).status, 200);
    for (const char* credential : {"", "operators-tokem", "operators-token2", "operators-toke"}) {
      EXPECT_EQ(request(head("GET /metrics", credential) + "\r\n", peer).problem, "permission_denied") << credential;
    }
  }
}

TEST_F(DispatcherTest, TakesTheWordOfATrustedProxyAboutItsClient) {
  context_.settings.proxies.networks = {parse_ip_network("127.0.0.1").value()};
  const http::PeerFacts proxy = peer_at("127.0.0.1");
  const std::string client = "X-Forwarded-For: 203.0.113.5\r\n";
  EXPECT_EQ(request(head("GET /metrics", {}, client) + "\r\n", proxy).problem, "tls_required");
  const std::string over_tls = client + "X-Forwarded-Proto: https\r\n";
  EXPECT_EQ(request(head("GET /metrics", {}, over_tls) + "\r\n", proxy).problem, "permission_denied");
  EXPECT_EQ(request(head("GET /v1/mail", sender_, over_tls) + "\r\n", proxy).status, 200);
}

TEST_F(DispatcherTest, ProbesAreNoLinesOfTheLog) {
  test::CapturedLog log;
  for (const char* operation : {"getHealth", "getReadiness", "getMetrics"}) {
    for (const std::uint16_t status : std::initializer_list<std::uint16_t>{200, 503, 403}) {
      dispatcher_->request_ended({.method = "GET", .operation = operation, .problem = {}, .request_id = "req_1", .status = status,
                                  .lasted = {}, .peer = {}, .key = {}});
    }
  }
  const std::string text = log.finish();
  for (const char* operation : {"getHealth", "getReadiness", "getMetrics"}) {
    const std::string line = std::string("http_request method=GET operation=") + operation;
    EXPECT_THAT(text, HasSubstr("debug " + line + " status=200"));
    EXPECT_THAT(text, HasSubstr("debug " + line + " status=503"));
    EXPECT_THAT(text, HasSubstr("info " + line + " status=403"));
  }
}

// Loopback is not enough: the client of a proxy on this machine is elsewhere.
TEST_F(DispatcherTest, TakesNoProxysClientForAProcessOfThisMachine) {
  http::PeerFacts client = peer_at("127.0.0.1");
  client.is_local = false;
  EXPECT_EQ(request(head("GET /v1/mail", sender_) + "\r\n", client).problem, "tls_required");
  client.tls = "TLSv1.3 TLS_AES_256_GCM_SHA384";
  EXPECT_EQ(request(head("GET /v1/mail", sender_) + "\r\n", client).status, 200);
  EXPECT_EQ(request(head("GET /metrics") + "\r\n", client).problem, "permission_denied");
}

// As /metrics shows it now.
double counted(const std::string& series) {
  const std::string shown = metrics::text();
  const std::size_t at = shown.find("\n" + series + " ");
  return at == std::string::npos ? 0 : std::stod(shown.substr(at + series.size() + 2));
}

TEST_F(DispatcherTest, LogsAndCountsWithoutSecrets) {
  const std::string refusals = "postern_refusals_total{door=\"http\",token=\"permission_denied\"}";
  const std::string failures = "postern_auth_failures_total{door=\"http\"}";
  const std::string requests = "postern_http_requests_total{operation=\"none\",status=\"403\"}";
  const std::string times = "postern_http_request_duration_seconds_count{operation=\"none\"}";
  const double before[] = {counted(refusals), counted(failures), counted(requests), counted(times)};
  test::CapturedLog log;
  request(head("GET /v1/mail?secret=query-canary", sender_) + "\r\n");
  request(head("GET /v1/keys", "a.wrong-canary.b") + "\r\n");
  dispatcher_->request_ended({.method = "GET", .operation = "list", .problem = "permission_denied", .request_id = "req_1",
                              .status = 403, .lasted = std::chrono::milliseconds(3), .peer = {}, .key = KeyId{}});
  EXPECT_THAT(log.finish(), testing::AllOf(HasSubstr("http_request method=GET operation=list status=403"),
                                           HasSubstr("request=req_1"), Not(HasSubstr(sender_)), Not(HasSubstr("canary"))));
  EXPECT_EQ(counted(refusals), before[0] + 1);
  EXPECT_EQ(counted(failures), before[1] + 1);
  EXPECT_EQ(counted(requests), before[2] + 1) << "an operation that openapi.json has not";
  EXPECT_EQ(counted(times), before[3] + 1);
}

}  // namespace
}  // namespace postern::api
