// /v1/test/runs: the test mail of a run, by the user name of AUTH or the field `run`.
#include "api/api.h"
#include "api/api_context.h"
#include "api/cursor.h"
#include "api/email_filter.h"
#include "api/limits.h"
#include "api/worker_job.h"

#include <boost/json/object.hpp>

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace postern::api {
namespace {

constexpr std::size_t kReadForRemoval = 500;

struct RunPart {
  std::vector<MessageId> messages;
  std::optional<MessageId> next;  // where to go on; nullopt: that was all
};

// Of the account's e-mails older than `after` as many as one request looks at.
Result<RunPart> find_run(const store::Spool& spool, const AccountId& account, std::string_view run,
                         std::optional<MessageId> after) {
  RunPart part;
  for (std::size_t looked_at = 0; looked_at < kMaxListReads; looked_at += kReadForRemoval) {
    const auto batch = spool.list_of(account, after, kReadForRemoval);
    if (!batch) return batch.error();
    for (const store::StoredMessage& stored : *batch) {
      after = stored.message.id;
      if (stored.message.environment == Environment::Test && run_of(stored.message) == run) part.messages.push_back(*after);
    }
    if (batch->size() < kReadForRemoval) return part;
  }
  part.next = after;
  return part;
}

Result<ApiResponse> delete_run(ApiContext& context, const ApiRequest& request) {
  std::optional<MessageId> after;
  const auto position = read_position(request, "after");
  if (!position) return position.error();
  if (*position) {
    after = parse_message_id(**position);
    if (!after) return Error(ErrorCode::InvalidArgument, "after: no place in the run");
  }
  const std::string_view run = request.path_parameter("run");
  const auto part = find_run(context.store.spool(), request.caller.account, run, after);
  if (!part) return part.error();
  const bool is_nowhere = part->messages.empty() && !part->next && !after;
  if (is_nowhere) return Error(ErrorCode::NotFound);
  const auto removed = context.store.spool().remove_messages(part->messages);
  if (!removed) return removed.error();
  boost::json::object body{{"object", "run"}, {"run", run}, {"deleted", *removed}, {"has_more", part->next.has_value()}};
  body["next"] = part->next ? boost::json::value(format_cursor(format_message_id(*part->next))) : boost::json::value(nullptr);
  return ApiResponse::json(body);
}

constexpr Parameter kRunParameters[] = {
    {.name = "after", .description = "Where an answer says `has_more`: its `next`, to delete those that are older."}};

constexpr std::array<Route, 1> kRunRoutes = {{
    {.method = Method::Delete,
     .path = "/v1/test/runs/:run",
     .access = Access::Manage,
     .body = Body::None,
     .handler = on_worker<delete_run>,
     .operation = "deleteRun",
     .summary = "Delete the test mail of a run, queued or captured; its events stay for their time",
     .tag = "tests",
     .response_schema = "DeletedRun",
     .parameters = kRunParameters},
}};

constexpr std::string_view kRunSchemas = R"json({
"DeletedRun": {"type": "object", "required": ["object", "run", "deleted", "has_more", "next"], "properties": {
  "object": {"const": "run"},
  "run": {"type": "string"},
  "deleted": {"type": "integer", "description": "E-mails."},
  "has_more": {"type": "boolean", "description": "Not all of the account's e-mails were looked at."},
  "next": {"$ref": "#/components/schemas/Cursor"}}}
})json";

}  // namespace

ApiArea run_api() { return {kRunRoutes, kRunSchemas}; }

}  // namespace postern::api
