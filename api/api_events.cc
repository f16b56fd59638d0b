// /v1/events: what happened to an account's messages, paged or as it happens.
#include "api/api.h"
#include "api/api_context.h"
#include "api/auth_filter.h"
#include "api/email_filter.h"
#include "api/event_schemas.h"
#include "api/event_stream.h"
#include "api/limits.h"
#include "api/message_lookup.h"
#include "api/request_fields.h"
#include "api/worker_job.h"
#include "core/bytes.h"
#include "events/event_json.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

namespace postern::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxEvents = 100;
constexpr std::size_t kEventsAtOnce = 500;

struct EventPage {
  EventFilter filter;
  std::size_t limit = kMaxEvents;
  std::uint64_t cursor = 0;
  bool is_newer = false;  // the ones next above the cursor, instead of next below it

  std::vector<Event> found;   // newest first
  std::optional<std::uint64_t> next;  // where to go on; nullopt: that was all
};

Result<std::optional<std::uint64_t>> read_event_id(const ApiContext& context, const ApiRequest& request, std::string_view name) {
  const auto position = read_position(request, name);
  if (!position) return position.error();
  if (!*position) return std::optional<std::uint64_t>();
  const auto sequence = context.event_ids.parse(request.caller.account, **position);
  if (!sequence) return Error(ErrorCode::InvalidArgument, std::string(name) + " must be a place in the list or an event");
  return sequence;
}

// "type" may be there several times, or hold several with commas.
Result<EventFilter> read_filter(const ApiRequest& request) {
  EventFilter filter;
  filter.account = request.caller.account;
  if (const auto environment = request.query_parameter("environment")) {
    filter.environment = *environment == "test" ? Environment::Test : Environment::Live;
    if (*environment != environment_name(*filter.environment)) {
      return Error(ErrorCode::InvalidArgument, "environment must be live or test");
    }
  }
  if (request.caller.has_test_key()) {
    if (filter.environment == Environment::Live) {
      return Error(ErrorCode::InvalidArgument, "environment: a test key sees events of test mail only");
    }
    filter.environment = Environment::Test;
  }
  if (request.caller.has_domain_key()) filter.from_domains = request.caller.key->from_domains;
  for (const auto& [name, value] : request.query) {
    if (name != "type") continue;
    for (std::size_t begin = 0; begin <= value.size();) {
      const std::size_t end = std::min(value.find(',', begin), value.size());
      filter.types.push_back(value.substr(begin, end - begin));
      const bool is_known = events::parse_event_wire_name(filter.types.back()).has_value();
      if (!is_known) {
        const std::string quoted = '"' + escape_for_log(filter.types.back(), 64) + '"';
        return Error(ErrorCode::InvalidArgument, "type: there is no type " + quoted + "; docs/events.md lists them");
      }
      begin = end + 1;
    }
  }
  auto mail = EmailFilter::read(request);
  if (!mail) return mail.error();
  filter.mail = std::move(*mail);
  if (const auto text = request.query_parameter("email_id")) {
    filter.message = parse_message_id(*text);
    if (!filter.message) return Error(ErrorCode::InvalidArgument, "email_id must be the id of an e-mail");
  }
  return filter;
}

// Resend's words: `after` goes on with what is older, `before` with what is newer than that.
Result<EventPage> read_page(const ApiContext& context, const ApiRequest& request) {
  EventPage page;
  auto filter = read_filter(request);
  if (!filter) return filter.error();
  page.filter = std::move(*filter);
  const auto limit = read_limit(request, kMaxEvents, kMaxEvents);
  const auto after = read_event_id(context, request, "after");
  const auto before = read_event_id(context, request, "before");
  if (!limit) return limit.error();
  if (!after) return after.error();
  if (!before) return before.error();
  if (*after && *before) return Error(ErrorCode::InvalidArgument, "after and before exclude each other");
  page.limit = *limit;
  page.is_newer = before->has_value();
  page.cursor = *before ? **before : after->value_or(UINT64_MAX);
  return page;
}

Result<std::vector<Event>> read_batch(const store::Spool& spool, const EventPage& page, std::uint64_t cursor) {
  if (const auto& message = page.filter.message) {  // they have an index of their own
    return page.is_newer ? spool.events_of_after(*message, cursor, kEventsAtOnce)
                         : spool.events_of_before(*message, cursor, kEventsAtOnce);
  }
  if (page.is_newer) return spool.events_of_account_after(page.filter.account, cursor, kEventsAtOnce);
  return spool.events_of_account_before(page.filter.account, cursor, kEventsAtOnce);
}

Result<void> fill(const store::Spool& spool, MessageLookup& messages, EventPage& page) {
  std::uint64_t cursor = page.cursor;
  std::size_t looked_at = 0;
  for (bool is_last = false; !is_last;) {
    const auto events = read_batch(spool, page, cursor);
    if (!events) return events.error();
    is_last = events->size() < kEventsAtOnce;
    for (const Event& event : *events) {
      if (page.filter.wants(event, messages)) {
        if (page.found.size() == page.limit) {
          page.next = page.found.back().sequence;
          return {};
        }
        page.found.push_back(event);
      }
      cursor = event.sequence;
    }
    looked_at += events->size();
    if (!is_last && looked_at >= kMaxListReads) {
      page.next = cursor;
      return {};
    }
  }
  return {};
}

Result<ApiResponse> list_page(ApiContext& context, const ApiRequest& request) {
  auto page = read_page(context, request);
  if (!page) return page.error();
  const store::Spool& spool = context.store.spool();
  MessageLookup messages(spool);
  const Result<void> filled = fill(spool, messages, *page);
  if (!filled) return filled.error();
  if (page->is_newer) std::ranges::reverse(page->found);
  json::array data;
  for (const Event& event : page->found) data.push_back(events::event_item(event, messages.find(event.message), context.event_ids));
  const auto end = page->next ? std::optional(context.event_ids.format(request.caller.account, *page->next)) : std::nullopt;
  return ApiResponse::json(page_json(std::move(data), end));
}

Result<std::uint64_t> stream_position(const ApiContext& context, const ApiRequest& request) {
  const std::string_view last_id = request.header("last-event-id");
  if (!last_id.empty()) {
    const auto sequence = context.event_ids.parse(request.caller.account, last_id);
    if (!sequence) return Error(ErrorCode::InvalidArgument, "Last-Event-ID must be the id of an event");
    return *sequence;
  }
  const auto after = read_event_id(context, request, "after");
  if (!after) return after.error();
  if (*after) return **after;
  return context.store.spool().last_sequence();
}

net::Awaitable<ApiResponse> open_stream(ApiContext& context, ApiRequest& request) {
  auto filter = read_filter(request);
  if (!filter) co_return api_error(filter.error());
  auto job = [&context, &request] { return stream_position(context, request); };
  const auto after = co_await run_in_turn(context.turns, context.workers, request.caller.account, job);
  if (!after) co_return api_problem(ApiProblem::Unavailable);
  if (!*after) co_return api_error(after->error());
  auto ticket = request.is_head ? nullptr : context.event_hub.open_stream(request.caller.account);
  if (!ticket && !request.is_head) {
    co_return api_refusal(Refusal::TooManyConnections, "there are too many live streams of this account: close one");
  }
  ApiResponse response;
  response.content_type = "text/event-stream";
  response.headers.emplace_back("X-Accel-Buffering", "no");  // proxies of nginx's kind hold back what they buffer
  auto is_allowed = [&context, caller = request.caller, peer = request.peer] { return may_still_come_in(context, caller, peer); };
  response.stream =
      std::make_unique<EventStream>(context, std::move(ticket), std::move(*filter), **after, std::move(is_allowed));
  co_return response;
}

net::Awaitable<ApiResponse> list_events(ApiContext& context, ApiRequest& request) {
  if (request.header("accept").find("text/event-stream") != std::string_view::npos) {
    ApiResponse stream = co_await open_stream(context, request);
    co_return stream;
  }
  auto answer = co_await on_worker<list_page>(context, request);
  co_return answer;
}

constexpr Parameter kType{.name = "type", .description = "Only events of this type; several with commas, or several times."};
constexpr Parameter kEmailId{.name = "email_id", .description = "Only events of this e-mail."};
constexpr Parameter kLastEventId{
    .name = "Last-Event-ID", .description = "The event that was seen last; browsers send it again.", .is_header = true};

// `own`, and what of the e-mail may be asked for.
template <std::size_t N>
constexpr std::array<Parameter, N + 2 + kMailParameters.size()> with_mail(const std::array<Parameter, N>& own) {
  std::array<Parameter, N + 2 + kMailParameters.size()> parameters{};
  const auto rest = std::ranges::copy(own, parameters.begin()).out;
  rest[0] = kType;
  rest[1] = kEmailId;
  std::ranges::copy(kMailParameters, rest + 2);
  return parameters;
}
constexpr auto kEventListParameters =
    with_mail<3>({{limit_parameter(kMaxEvents, kMaxEvents),
                   {.name = "after", .description = "The `next` of the page before, or an event: go on with those that are older."},
                   {.name = "before", .description = "The same, to go on with those that are newer."}}});
constexpr auto kStreamParameters = with_mail<2>({{kLastEventId, {.name = "after", .description = "The same in the query."}}});

constexpr std::array<Route, 2> kEventRoutes = {{
    {.method = Method::Get,
     .path = "/v1/events",
     .access = Access::Manage,
     .body = Body::None,
     .handler = list_events,
     .operation = "listEvents",
     .summary = "List events, newest first; with Accept: text/event-stream a live stream",
     .tag = "events",
     .response_schema = "EventList",
     .parameters = kEventListParameters,
     .serves_domain_keys = true},
    {.method = Method::Get,
     .path = "/v1/events/stream",
     .access = Access::Manage,
     .body = Body::None,
     .handler = open_stream,
     .operation = "streamEvents",
     .summary = "Events as they happen (server-sent events), from Last-Event-ID on",
     .tag = "events",
     .other_content = "text/event-stream",
     .parameters = kStreamParameters,
     .failures = {503},
     .serves_domain_keys = true},
}};

}  // namespace

ApiArea event_api() { return {kEventRoutes, kEventSchemas, kEventWebhooks}; }

}  // namespace postern::api
