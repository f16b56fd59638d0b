// All endpoints together: what each area's own tests cannot see.
#include "operation/areas.h"

#include "api/api_reference.h"
#include "api/openapi.h"
#include "api/router.h"
#include "events/event_json.h"

#include <boost/json/serialize.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

namespace postern::operation {
namespace {

using namespace api;

namespace json = boost::json;

std::vector<Route> all_routes() {
  std::vector<Route> routes;
  for (const ApiArea& area : all_areas()) routes.insert(routes.end(), area.routes.begin(), area.routes.end());
  return routes;
}

void check_references(const json::value& node, const json::value& document) {
  if (node.is_array()) {
    for (const json::value& item : node.get_array()) check_references(item, document);
  } else if (node.is_object()) {
    for (const auto& [name, value] : node.get_object()) {
      if (name == "$ref" && value.is_string()) {
        json::error_code error;
        EXPECT_NE(document.find_pointer(std::string_view(value.get_string()).substr(1), error), nullptr) << value;
      }
      check_references(value, document);
    }
  }
}

TEST(AreasTest, HaveNoTwoRowsForOneRequest) { Router router(all_areas()); }

TEST(AreasTest, NameEveryOperationOnce) {
  std::set<std::string_view> names;
  for (const Route& route : all_routes()) {
    EXPECT_TRUE(names.insert(route.operation).second) << route.operation;
    EXPECT_FALSE(route.summary.empty() || route.tag.empty() || route.handler == nullptr) << route.operation;
  }
}

// What shows mail keeps to events/mail_scope, keys and domains to the key's rights. What is the account's as a whole is refused.
constexpr std::string_view kOfDomainKeys[] = {
    "getMe", "logOut", "listBrowserSessions", "endBrowserSession",
    "getAccount", "listEmails", "getEmail", "getEmailRaw", "listEmailEvents", "cancelEmail", "updateEmail", "previewEmail",
    "listEmailLinks", "listEmailHeaders", "listEmailDialogues", "retryEmail",
    "listAttachments", "getAttachment", "getAttachmentContent", "listEvents", "streamEvents", "listDomains", "createDomain",
    "getDomain", "verifyDomain", "rotateDomainKeys", "deleteDomain", "listWebhooks", "createWebhook", "getWebhook",
    "listWebhookAttempts", "changeWebhook", "deleteWebhook",
    "replayWebhook", "replayWebhookEvent", "rotateWebhookSecret", "rotateWebhookSigningSecret", "listApiKeys", "createApiKey",
    "getApiKey", "changeApiKey", "removeApiKey", "rotateApiKey", "listAuthApiKeys", "createAuthApiKey", "getAuthApiKey",
    "changeAuthApiKey", "removeAuthApiKey", "rotateAuthApiKey"};
constexpr std::string_view kOfTheWholeAccount[] = {
    "changeAccount", "listMembers", "addMember", "removeMember", "changePassword",
    "requestProductionAccess", "listSandboxEmails", "addSandboxEmail", "removeSandboxEmail",
    "removeSandboxEmailByQuery", "confirmAddress", "sendVerification", "listSuppressions", "addSuppression", "addSuppressions",
    "removeSuppressions", "getSuppression", "deleteSuppression", "getUsage", "getStats", "listAudit", "listRefusals",
    "deleteRun",
    "listRuns", "createRun", "getRun", "waitForRunMail", "extractFromRunMail", "checkRunMail", "assertRunMail",
    "advanceRun", "getRunJournal", "listScripts",
    "listMailpitMessages", "searchMailpitMessages", "getMailpitMessage", "getMailpitHeaders", "getMailpitRaw", "getMailpitPart",
    "deleteMailpitMessages", "deleteMailpitFound",
    "listInbound", "getInbound", "getInboundRaw", "listInboundAttachments", "testRoute", "listRoutes", "createRoute",
    "deleteRoute", "retryForwards", "routeMessage", "exportRun", "getRunTranscript",
    "listReceivedEmails", "getReceivedEmail", "listReceivedEmailAttachments", "getReceivedEmailAttachment",
    "mailkiteListDomains", "mailkiteCreateDomain", "mailkiteGetDomain", "mailkiteDeleteDomain", "mailkiteVerifyDomain",
    "mailkiteSetWebhook", "mailkiteDeleteWebhook", "mailkiteTestWebhook", "mailkiteListRoutes", "mailkiteCreateRoute",
    "mailkiteListMessages", "mailkiteGetMessage", "mailkiteRetryDelivery", "mailkiteGetWebhookSecret",
    "mailkiteRotateWebhookSecret",
    "changeDomain"};

// A new row has to be put into one of the two.
TEST(AreasTest, DecideWhetherAKeyOfSomeDomainsMayUseARow) {
  const auto holds = [](const auto& names, std::string_view name) { return std::ranges::find(names, name) != std::end(names); };
  for (const Route& route : all_routes()) {
    if (route.access != Access::Manage) continue;
    EXPECT_EQ(holds(kOfDomainKeys, route.operation), route.serves_domain_keys) << route.operation;
    EXPECT_NE(holds(kOfDomainKeys, route.operation), holds(kOfTheWholeAccount, route.operation)) << route.operation;
  }
}

TEST(AreasTest, DescribeTheBodiesThatTheyTake) {
  for (const Route& route : all_routes()) {
    EXPECT_EQ(route.body == Body::Json, !route.request_schema.empty()) << route.operation;
    EXPECT_TRUE(route.body == Body::None || route.method == Method::Post || route.method == Method::Put ||
                route.method == Method::Patch || route.method == Method::Delete)
        << route.operation;
  }
}

TEST(AreasTest, ReferToSchemasThatAreThere) {
  const json::value document = make_openapi(all_areas());
  check_references(document, document);
}

TEST(AreasTest, HaveTheirPageMade) {
  std::ifstream file(POSTERN_SOURCE_DIR "/docs/http-api.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  EXPECT_TRUE(page == make_api_reference(make_openapi(all_areas()))) << "postern docs http-api >docs/http-api.md";
}

// Whoever forgets the access of a row must not open it to everybody.
TEST(AreasTest, OpenNothingButSigningInAndTheService) {
  std::set<std::string_view> open;
  for (const Route& route : all_routes()) {
    if (route.access == Access::Open) open.insert(route.path);
  }
  EXPECT_EQ(open, (std::set<std::string_view>{"/", "/v1/auth/signup", "/v1/auth/login", "/v1/auth/session",
                                              "/v1/inbound/:id/attachments/:attachment_id/content",
                                              "/v1/confirm/:token", "/v1/unsubscribe/:token", "/healthz", "/readyz", "/metrics",
                                              "/openapi.json", "/api/health"}));
}

// A client made from the document tells events apart by their type.
TEST(EventSchemas, AreOneForEachTypeOfEvents) {
  const json::object document = make_openapi(all_areas());
  const json::object& schemas = document.at("components").at("schemas").get_object();
  const json::object& webhooks = document.at("webhooks").get_object();
  EXPECT_EQ(webhooks.size(), events::event_type_table().size());
  for (const events::EventTypeRow& row : events::event_type_table()) {
    ASSERT_TRUE(webhooks.contains(row.wire_name)) << row.wire_name;
    const json::value& content = webhooks.at(row.wire_name).at("post").at("requestBody").at("content").at("application/json");
    const std::string reference(content.at("schema").at("$ref").as_string());
    const json::value& schema = schemas.at(reference.substr(reference.rfind('/') + 1));
    EXPECT_EQ(std::string_view(schema.at("properties").at("type").at("const").as_string()), row.wire_name);
    EXPECT_THAT(json::serialize(schemas.at("WebhookEvent")), ::testing::HasSubstr('"' + reference + '"'));
  }
}

}  // namespace
}  // namespace postern::operation
