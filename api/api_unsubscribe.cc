// /v1/unsubscribe/…: the link in a message's List-Unsubscribe (RFC 8058). A mail system's POST unsubscribes, without a cookie and
// without a question; GET, which programs that look through mail do to every link, only asks.
#include "api/api.h"
#include "api/api_context.h"
#include "api/person_page.h"
#include "api/worker_job.h"
#include "events/event_hub.h"
#include "reception/unsubscribing.h"

namespace postern::api {
namespace {

ApiResponse refuse_unsubscribing() {
  return api_problem(ApiProblem::NotFound, "this link is not whole: take it from the message again");
}

Result<ApiResponse> ask_whether(ApiContext& context, const ApiRequest& request) {
  if (!context.submission.unsubscribe_links.read(request.path_parameter("token"))) return refuse_unsubscribing();
  return person_page("Unsubscribe",
                     "<p>If you do not want mail of this kind from this sender any more, press the button."
                     "<form method=\"post\"><input type=\"hidden\" name=\"List-Unsubscribe\" value=\"One-Click\">"
                     "<button>Unsubscribe</button></form>");
}

Result<ApiResponse> unsubscribe_by_link(ApiContext& context, const ApiRequest& request) {
  const auto wish = context.submission.unsubscribe_links.read(request.path_parameter("token"));
  if (!wish) return refuse_unsubscribing();
  const auto done = reception::unsubscribe(context.store, *wish, context.clock.now());
  if (!done) return done.error().code() == ErrorCode::NotFound ? refuse_unsubscribing() : api_error(done.error());
  if (*done) context.event_hub.notify();
  return person_page("You are unsubscribed",
                     "<p>You will get no more mail of this kind from this sender. You can close this page.");
}

constexpr Route kUnsubscribeRoutes[] = {
    {.method = Method::Get, .path = "/v1/unsubscribe/:token", .access = Access::Open, .body = Body::None,
     .handler = on_worker<ask_whether>, .operation = "showUnsubscribe",
     .summary = "The page of a message's link to unsubscribe; it changes nothing by itself",
     .tag = "suppressions", .other_content = "text/html", .failures = {404}},
    {.method = Method::Post, .path = "/v1/unsubscribe/:token", .access = Access::Open, .body = Body::None,
     .handler = on_worker<unsubscribe_by_link>, .operation = "unsubscribe",
     .summary = "Unsubscribe the message's recipient from its stream (RFC 8058); the body says nothing more",
     .tag = "suppressions", .other_content = "text/html", .failures = {404}},
};

}  // namespace

ApiArea unsubscribe_api() { return {kUnsubscribeRoutes, "{}"}; }

}  // namespace postern::api
