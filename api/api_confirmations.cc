// /v1/confirmations and /v1/confirm/…: an address that an account asked agrees, by the code in its mail: typed in by the account's
// people, or by the link. A link alone confirms nothing: programs that look through mail follow links; a person presses the button.
#include "api/api.h"
#include "api/api_context.h"
#include "api/person_page.h"
#include "api/request_fields.h"
#include "api/worker_job.h"
#include "auth/address_proof.h"
#include "core/log.h"
#include "core/mailbox.h"
#include "core/operator_log.h"
#include "core/time_format.h"

#include <boost/json/object.hpp>

namespace postern::api {
namespace {

std::string_view confirmation_kind_name(store::ConfirmationKind kind) {
  return kind == store::ConfirmationKind::User ? "user" : "sandbox_email";
}

void log_confirmed(const store::Confirmation& confirmed, const IpAddress& peer) {
  log::write(log::Level::Info, "address_confirmed",
             {{"account", format_id(confirmed.account)},
              {"account_name", operator_log::account_name(confirmed.account)},
              {"kind", confirmation_kind_name(confirmed.kind)},
              {"peer", format_ip_address(peer)}});
}

Result<ApiResponse> confirm_by_code(ApiContext& context, const ApiRequest& request) {
  RequestFields fields(request.json);
  const std::string code = fields.required_text("code");
  fields.refuse_unknown();
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  const auto confirmed = context.proofs.confirm(request.caller.account, code);
  if (!confirmed) return confirmed.error();
  log_confirmed(*confirmed, request.peer);
  return ApiResponse::json(boost::json::object{{"object", "confirmation"},
                                               {"kind", confirmation_kind_name(confirmed->kind)},
                                               {"email", confirmed->address},
                                               {"confirmed", true}});
}

Result<ApiResponse> ask_again(ApiContext& context, const ApiRequest& request) {
  if (!request.caller.user) return api_refusal(Refusal::PermissionDenied, "this needs a session token: the code is for a person");
  const auto user = context.store.directory().find_user(*request.caller.user);
  if (!user) return user.error();
  const auto account = context.store.directory().find_account(request.caller.account);
  if (!account) return account.error();
  if (!*user || !*account) return Error(ErrorCode::NotFound, "there is no such user");
  const auto proven = context.proofs.is_proven(**user);
  if (!proven) return proven.error();
  if (*proven) return Error(ErrorCode::Conflict, "that address is confirmed");
  if (const auto asked = context.proofs.ask(**account, store::ConfirmationKind::User, (*user)->email); !asked) return asked.error();
  return ApiResponse::json(boost::json::object{
      {"object", "confirmation"}, {"kind", "user"}, {"email", (*user)->email}, {"confirmed", false}}, 202);
}

struct Link {
  AccountId account;
  std::string_view code;
};

// The account's id, a dot, the code.
Result<Link> read_link(const ApiRequest& request) {
  const std::string_view token = request.path_parameter("token");
  const std::size_t dot = token.find('.');
  const auto account = parse_account_id(token.substr(0, dot));
  if (!account || dot == std::string_view::npos) return Error(ErrorCode::NotFound);
  return Link{*account, token.substr(dot + 1)};
}

ApiResponse refuse_link(const Error& error) {
  if (error.code() != ErrorCode::NotFound) return api_error(error);
  return api_problem(ApiProblem::NotFound, "this link is not good any more: ask for a new mail where this one came from");
}

Result<ApiResponse> show_question(ApiContext& context, const ApiRequest& request) {
  const auto link = read_link(request);
  if (!link) return refuse_link(link.error());
  if (const auto waiting = context.proofs.find(link->account, link->code); !waiting) return refuse_link(waiting.error());
  return person_page("Confirm your address",
                 "<p>If you agree to get mail from the account that asked, press the button. If you do nothing, nothing is sent."
                 "<form method=\"post\"><button>I agree</button></form>");
}

Result<ApiResponse> confirm_by_link(ApiContext& context, const ApiRequest& request) {
  const auto link = read_link(request);
  if (!link) return refuse_link(link.error());
  const auto confirmed = context.proofs.confirm(link->account, link->code);
  if (!confirmed) return refuse_link(confirmed.error());
  log_confirmed(*confirmed, request.peer);
  return person_page("Thank you", "<p>Your address is confirmed. You can close this page.");
}

constexpr std::string_view kConfirmationSchemas = R"({
  "ConfirmationCode": {"type": "object", "additionalProperties": false, "required": ["code"], "properties": {
    "code": {"type": "string", "maxLength": 64, "examples": ["abcd-efgh-ijkl"], "description": "As it stands in the mail."}}},
  "Confirmation": {"type": "object", "required": ["object", "kind", "email", "confirmed"], "properties": {
    "object": {"const": "confirmation"}, "kind": {"enum": ["user", "sandbox_email"]}, "email": {"type": "string"},
    "confirmed": {"type": "boolean"}}}
})";

constexpr Route kConfirmationRoutes[] = {
    {.method = Method::Post, .path = "/v1/confirmations", .access = Access::Manage, .body = Body::Json,
     .handler = on_worker_live<confirm_by_code>, .operation = "confirmAddress",
     .summary = "Confirm an address by the code that was mailed to it", .tag = "sandbox", .request_schema = "ConfirmationCode",
     .response_schema = "Confirmation", .failures = {404}},
    {.method = Method::Post, .path = "/v1/auth/verification", .access = Access::Manage, .body = Body::None,
     .handler = on_worker<ask_again>, .operation = "sendVerification",
     .summary = "Mail the signed-in user a new code for his own address", .tag = "session", .status = 202,
     .response_schema = "Confirmation", .failures = {403, 409}},
    {.method = Method::Get, .path = "/v1/confirm/:token", .access = Access::Open, .body = Body::None,
     .handler = on_worker<show_question>, .operation = "showConfirmation",
     .summary = "The page that a mailed link opens; it confirms nothing by itself",
     .tag = "sandbox", .other_content = "text/html", .failures = {404}},
    {.method = Method::Post, .path = "/v1/confirm/:token", .access = Access::Open, .body = Body::None,
     .handler = on_worker<confirm_by_link>, .operation = "confirmByLink", .summary = "What the button on that page does",
     .tag = "sandbox", .other_content = "text/html", .failures = {404}},
};

}  // namespace

ApiArea confirmation_api() { return {kConfirmationRoutes, kConfirmationSchemas}; }

}  // namespace postern::api
