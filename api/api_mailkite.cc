// /api/…: domains, routes, messages and deliveries in the shapes of MailKite's API, for clients that were written for it; what has
// no row here is /v1/… under another name. Bare arrays, times in milliseconds, ids that say what they are of.
#include "api/api.h"
#include "api/api_context.h"
#include "api/email_request.h"
#include "api/mailkite_json.h"
#include "api/own_email.h"
#include "api/record_json.h"
#include "api/request_fields.h"
#include "api/worker_job.h"
#include "auth/permission.h"
#include "core/mailbox.h"
#include "domains/domain_admin.h"
#include "domains/inbound_routes.h"
#include "events/event_json.h"
#include "events/received_content.h"
#include "events/received_form.h"
#include "events/webhook_admin.h"
#include "events/webhook_signature.h"
#include "mime/message_composer.h"
#include "reception/injection.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace postern::api {
namespace {

namespace json = boost::json;

using store::DomainRecord;
using store::InboundRoute;
using store::WebhookRecord;

constexpr std::size_t kMaxMessages = 200;        // MailKite's; of a page
constexpr std::size_t kMessages = 100;  // the same, where nothing is said
constexpr std::size_t kMaxSearchedMessages = 2'000;
constexpr std::uint64_t kMaxTime = 253'402'300'799'999;  // the year 9999
constexpr std::size_t kMaxRoutedOctets = 256 * 1024;  // of a text that is brought in by /v1/route
constexpr std::string_view kCatchAll = "*";

bool may_change(const Caller& caller, std::string_view name) {
  if (!caller.key) return true;
  return caller.key->environment == Environment::Live && auth::is_domain_allowed(caller.key->from_domains, std::string(name));
}

std::optional<ApiResponse> refuse_change(const Caller& caller, std::string_view domain) {
  if (caller.key && caller.key->has_networks) {
    return api_refusal(Refusal::PermissionDenied, "a key that is bound to networks names no endpoint elsewhere");
  }
  if (!may_change(caller, domain)) return api_refusal(Refusal::PermissionDenied);
  return std::nullopt;
}

Result<DomainRecord> own_domain(const ApiContext& context, const ApiRequest& request) {
  const auto id = parse_domain_id(request.path_parameter("id"));
  if (!id) return Error(ErrorCode::NotFound, "there is no such domain");
  return context.domains.find(request.caller.account, *id);
}

// The webhook that was made for that route by these endpoints.
const WebhookRecord* webhook_of(const std::vector<WebhookRecord>& webhooks, const InboundRoute& route) {
  const auto found = std::ranges::find_if(webhooks, [&](const WebhookRecord& webhook) {
    return webhook.received_form == store::ReceivedForm::MailKite &&
           std::ranges::find(webhook.routes, route.id) != webhook.routes.end();
  });
  return found == webhooks.end() ? nullptr : &*found;
}

// The domain's own webhook is that of its catch-all.
const WebhookRecord* webhook_of(const std::vector<WebhookRecord>& webhooks, const DomainRecord& domain) {
  for (const InboundRoute& route : domain.routes) {
    const bool is_catch_all = route.match == kCatchAll && route.action == store::RouteAction::Webhook;
    const WebhookRecord* const webhook = is_catch_all ? webhook_of(webhooks, route) : nullptr;
    if (webhook != nullptr) return webhook;
  }
  return nullptr;
}

Result<json::object> whole_domain(const ApiContext& context, const DomainRecord& domain) {
  const auto webhooks = context.store.directory().list_webhooks(domain.account);
  if (!webhooks) return webhooks.error();
  json::object body = mailkite_domain(domain, webhook_of(*webhooks, domain));
  json::array records = dns_records_json(domain, context.domains.records(domain));
  records.push_back(json::object{{"record", "MX"}, {"name", domain.name}, {"type", "MX"}, {"ttl", "Auto"}, {"priority", 10},
                                 {"value", context.settings.hostname}, {"required", false}});
  body["records"] = std::move(records);
  return body;
}

Result<ApiResponse> answer_domain(const ApiContext& context, const DomainRecord& domain, std::uint16_t status = 200) {
  const auto body = whole_domain(context, domain);
  if (!body) return body.error();
  return ApiResponse::json(*body, status);
}

ApiResponse done() { return ApiResponse::json(json::object{{"ok", true}}); }

Result<ApiResponse> list_domains(ApiContext& context, const ApiRequest& request) {
  const auto domains = context.domains.list(request.caller.account);
  if (!domains) return domains.error();
  const auto webhooks = context.store.directory().list_webhooks(request.caller.account);
  if (!webhooks) return webhooks.error();
  json::array list;
  for (const DomainRecord& domain : *domains) list.push_back(mailkite_domain(domain, webhook_of(*webhooks, domain)));
  return ApiResponse::json(list);
}

// A domain receives from the beginning, once it is verified.
Result<ApiResponse> create_domain(ApiContext& context, const ApiRequest& request) {
  RequestFields fields(request.json);
  const std::string name = fields.required_text("domain");
  fields.refuse_unknown();
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  if (!may_change(request.caller, normalised_domain(name))) return api_refusal(Refusal::PermissionDenied);
  auto domain = context.domains.create(request.caller.account, name);
  if (domain) domain = context.domains.set_receiving(domain->id, true);
  if (!domain) return domain.error();
  return answer_domain(context, *domain, 201);
}

Result<ApiResponse> show_domain(ApiContext& context, const ApiRequest& request) {
  const auto domain = own_domain(context, request);
  if (!domain) return domain.error();
  return answer_domain(context, *domain);
}

Result<ApiResponse> verify_domain(ApiContext& context, const ApiRequest& request) {
  const auto own = own_domain(context, request);
  if (!own) return own.error();
  if (!may_change(request.caller, own->name)) return api_refusal(Refusal::PermissionDenied);
  const auto verified = context.domains.verify(own->id);
  if (!verified) return verified.error();
  return answer_domain(context, *verified);
}

Result<void> remove_webhook_of(ApiContext& context, const AccountId& account, const InboundRoute& route) {
  const auto webhooks = context.store.directory().list_webhooks(account);
  if (!webhooks) return webhooks.error();
  const WebhookRecord* const webhook = webhook_of(*webhooks, route);
  return webhook == nullptr ? Result<void>() : context.webhooks.remove(account, webhook->id);
}

Result<ApiResponse> delete_domain(ApiContext& context, const ApiRequest& request) {
  const auto own = own_domain(context, request);
  if (!own) return own.error();
  if (!may_change(request.caller, own->name)) return api_refusal(Refusal::PermissionDenied);
  for (const InboundRoute& route : own->routes) {
    if (auto removed = remove_webhook_of(context, request.caller.account, route); !removed) return removed.error();
  }
  if (const auto removed = context.domains.remove(own->id); !removed) return removed.error();
  return done();
}

// All webhooks of these endpoints sign with one secret.
Result<WebhookRecord> create_webhook(ApiContext& context, const AccountId& account, const std::string& url,
                                     const InboundRoute& route) {
  const auto webhooks = context.store.directory().list_webhooks(account);
  if (!webhooks) return webhooks.error();
  events::NewWebhook wanted{.url = url, .events = {"email.received"}};
  wanted.received_form = store::ReceivedForm::MailKite;
  wanted.routes = {route.id};
  const auto other = std::ranges::find(*webhooks, store::ReceivedForm::MailKite, &WebhookRecord::received_form);
  if (other != webhooks->end()) wanted.secret = other->secret;
  return context.webhooks.create(account, std::move(wanted));
}

// The route, and where its mail goes: both or neither.
Result<InboundRoute> add_webhook_route(ApiContext& context, const DomainRecord& domain, std::string_view match,
                                       const std::string& url) {
  auto route = context.domains.add_route(domain.id, match, store::RouteAction::Webhook, "");
  if (!route) return route;
  if (const auto made = create_webhook(context, domain.account, url, *route); !made) {
    const auto removed = context.domains.remove_route(domain.id, route->id);
    return removed ? made.error() : removed.error();
  }
  return route;
}

Result<ApiResponse> set_webhook(ApiContext& context, const ApiRequest& request) {
  RequestFields fields(request.json);
  const std::string url = fields.required_text("url");
  fields.refuse_unknown();
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  auto domain = own_domain(context, request);
  if (!domain) return domain.error();
  if (auto refused = refuse_change(request.caller, domain->name)) return std::move(*refused);
  const auto webhooks = context.store.directory().list_webhooks(request.caller.account);
  if (!webhooks) return webhooks.error();
  if (const WebhookRecord* const known = webhook_of(*webhooks, *domain)) {
    const auto changed = context.webhooks.change(request.caller.account, known->id, {.url = url, .events = {}, .is_enabled = true});
    if (!changed) return changed.error();
  } else if (const auto added = add_webhook_route(context, *domain, kCatchAll, url); !added) {
    return added.error();
  }
  domain = context.domains.set_receiving(domain->id, true);
  if (!domain) return domain.error();
  return answer_domain(context, *domain);
}

Result<ApiResponse> delete_webhook(ApiContext& context, const ApiRequest& request) {
  const auto domain = own_domain(context, request);
  if (!domain) return domain.error();
  if (!may_change(request.caller, domain->name)) return api_refusal(Refusal::PermissionDenied);
  const auto webhooks = context.store.directory().list_webhooks(request.caller.account);
  if (!webhooks) return webhooks.error();
  const WebhookRecord* const webhook = webhook_of(*webhooks, *domain);
  if (webhook == nullptr) return Error(ErrorCode::NotFound, "the domain has no webhook");
  for (const std::string& route : webhook->routes) {
    const auto removed = context.domains.remove_route(domain->id, route);
    if (!removed && removed.error().code() != ErrorCode::NotFound) return removed.error();
  }
  if (const auto removed = context.webhooks.remove(request.caller.account, webhook->id); !removed) return removed.error();
  return done();
}

Result<ApiResponse> list_routes(ApiContext& context, const ApiRequest& request) {
  const auto domains = context.domains.list(request.caller.account);
  if (!domains) return domains.error();
  const auto webhooks = context.store.directory().list_webhooks(request.caller.account);
  if (!webhooks) return webhooks.error();
  json::array list;
  for (const DomainRecord& domain : *domains) {
    for (const InboundRoute& route : domain.routes) list.push_back(mailkite_route(domain, route, webhook_of(*webhooks, route)));
  }
  return ApiResponse::json(list);
}

Result<ApiResponse> create_route(ApiContext& context, const ApiRequest& request) {
  RequestFields fields(request.json);
  const std::string match = fields.required_text("match");
  const std::string action = fields.text("action").value_or("webhook");
  const std::string destination = fields.text("destination").value_or("");
  fields.refuse_unknown();
  const auto wanted = domains::parse_route_action(action);
  if (!wanted) fields.fail("action", "is none of webhook, forward, store, drop");
  if (wanted == store::RouteAction::Webhook && destination.empty()) fields.fail("destination", "is missing: the URL");
  const std::size_t at = match.rfind('@');
  if (at == std::string::npos) fields.fail("match", "is an address of a domain of yours: \"*@example.org\"");
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  const auto domains = context.domains.list(request.caller.account);
  if (!domains) return domains.error();
  const auto domain = std::ranges::find(*domains, normalised_domain(match.substr(at + 1)), &DomainRecord::name);
  if (domain == domains->end()) return Error(ErrorCode::NotFound, "match names no domain of yours: add it first");
  if (auto refused = refuse_change(request.caller, domain->name)) return std::move(*refused);
  const std::string local_part = match.substr(0, at);
  const auto route = *wanted == store::RouteAction::Webhook
                         ? add_webhook_route(context, *domain, local_part, destination)
                         : context.domains.add_route(domain->id, local_part, *wanted, destination);
  if (!route) return route.error();
  if (const auto receiving = context.domains.set_receiving(domain->id, true); !receiving) return receiving.error();
  const auto webhooks = context.store.directory().list_webhooks(request.caller.account);
  if (!webhooks) return webhooks.error();
  return ApiResponse::json(mailkite_route(*domain, *route, webhook_of(*webhooks, *route)), 201);
}

bool holds_ignoring_case(std::string_view text, std::string_view wanted) {
  return to_ascii_lower(text).find(wanted) != std::string::npos;
}

bool is_found(const store::InboundRecord& record, std::string_view wanted) {
  return wanted.empty() || holds_ignoring_case(record.from, wanted) || holds_ignoring_case(record.subject, wanted) ||
         std::ranges::any_of(record.recipients, [&](const std::string& to) { return holds_ignoring_case(to, wanted); });
}

Result<ApiResponse> list_messages(ApiContext& context, const ApiRequest& request) {
  const auto limit = read_limit(request, kMaxMessages, kMessages);
  if (!limit) return limit.error();
  std::optional<MessageId> before;
  if (const auto text = request.query_parameter("before")) {
    const auto time = parse_unsigned(*text);
    if (!time || *time > kMaxTime) return Error(ErrorCode::InvalidArgument, "before is a received_at: milliseconds since 1970");
    before = first_message_id_at(Instant(std::chrono::milliseconds(*time)));
  }
  const std::string wanted = to_ascii_lower(request.query_parameter("search").value_or(""));
  json::array list;
  std::size_t looked_at = 0;
  for (bool is_over = false; !is_over && list.size() < *limit && looked_at < kMaxSearchedMessages;) {
    const auto records = context.store.spool().list_inbound(request.caller.account, before, kMessages);
    if (!records) return records.error();
    for (const store::InboundRecord& record : *records) {
      before = record.id;
      if (!record.about && is_found(record, wanted) && list.size() < *limit) list.push_back(mailkite_message(record));
    }
    looked_at += records->size();
    is_over = records->size() < kMessages;
  }
  return ApiResponse::json(list);
}

// What goes, or went, to the account's webhooks of one message.
json::array deliveries_of(const ApiContext& context, const AccountId& account, const MessageId& id) {
  json::array list;
  const auto webhooks = context.store.directory().list_webhooks(account);
  const auto events = context.store.spool().events_of(id);
  if (!webhooks || !events) return list;
  for (const WebhookRecord& webhook : *webhooks) {
    for (const Event& event : *events) {
      if (event.type != EventType::MessageReceived || !events::wants_event(webhook.events, event.type)) continue;
      if (!events::is_brought_by(event, webhook.routes)) continue;
      list.push_back(mailkite_delivery(webhook, event, context.event_ids, context.webhook_attempts));
    }
  }
  return list;
}

Result<ApiResponse> show_message(ApiContext& context, const ApiRequest& request) {
  const auto id = parse_mailkite_message_id(request.path_parameter("id"));
  if (!id) return Error(ErrorCode::NotFound);
  const auto record = context.store.spool().find_inbound(request.caller.account, *id);
  if (!record) return record.error();
  if (!*record || (*record)->about) return Error(ErrorCode::NotFound);
  json::object body = mailkite_message(**record);
  body["text"] = body["html"] = nullptr;
  body["attachments"] = json::array();
  const auto stored = context.store.spool().find(*id);
  if (!stored) return stored.error();
  const auto raw =
      *stored ? read_content(context.store.spool(), (*stored)->message) : Result<std::string>(Error(ErrorCode::NotFound));
  if (raw) {
    const events::ReceivedContent content = events::read_received(*raw, events::kMaxShownReceivedOctets);
    if (content.text) body["text"] = *content.text;
    if (content.html) body["html"] = *content.html;
    body["attachments"] = events::mailkite_attachments(*id, content, context.attachment_links, context.clock.now());
  }
  body["deliveries"] = deliveries_of(context, request.caller.account, *id);
  return ApiResponse::json(body);
}

Result<ApiResponse> retry_delivery(ApiContext& context, const ApiRequest& request) {
  const auto place = parse_mailkite_delivery_id(request.path_parameter("id"));
  const auto sequence = place ? context.event_ids.parse(request.caller.account, place->event) : std::nullopt;
  if (!sequence) return Error(ErrorCode::NotFound, "there is no such delivery");
  if (auto sent = context.webhooks.replay_event(request.caller.account, place->webhook, *sequence); !sent) return sent.error();
  return ApiResponse::json(json::object{{"ok", true}, {"id", request.path_parameter("id")}});
}

Result<std::vector<WebhookRecord>> mailkite_webhooks(const ApiContext& context, const AccountId& account) {
  auto webhooks = context.store.directory().list_webhooks(account);
  if (!webhooks) return webhooks;
  std::erase_if(*webhooks, [](const WebhookRecord& webhook) { return webhook.received_form != store::ReceivedForm::MailKite; });
  if (webhooks->empty()) return Error(ErrorCode::NotFound, "set a webhook first: the secret is made with it");
  return webhooks;
}

ApiResponse answer_secret(const WebhookRecord& webhook) {
  return ApiResponse::json_with_secret(json::object{{"object", "webhook_secret"}}, "secret",
                                       events::format_webhook_secret(webhook.secret));
}

Result<ApiResponse> show_secret(ApiContext& context, const ApiRequest& request) {
  const auto webhooks = mailkite_webhooks(context, request.caller.account);
  if (!webhooks) return webhooks.error();
  return answer_secret(webhooks->front());
}

Result<ApiResponse> rotate_secret(ApiContext& context, const ApiRequest& request) {
  const auto webhooks = mailkite_webhooks(context, request.caller.account);
  if (!webhooks) return webhooks.error();
  std::optional<WebhookRecord> first;
  for (const WebhookRecord& webhook : *webhooks) {
    auto rotated = context.webhooks.rotate_secret(request.caller.account, webhook.id, first ? first->secret : std::string());
    if (!rotated) return rotated.error();
    if (!first) first = std::move(*rotated);
  }
  return answer_secret(*first);
}

struct RoutePlace {
  DomainRecord domain;
  InboundRoute route;
};

Result<RoutePlace> find_route(const ApiContext& context, const AccountId& account, std::string_view id) {
  const auto domains = context.domains.list(account);
  if (!domains) return domains.error();
  for (const DomainRecord& domain : *domains) {
    const auto route = std::ranges::find(domain.routes, id, &InboundRoute::id);
    if (route != domain.routes.end()) return RoutePlace{domain, *route};
  }
  return Error(ErrorCode::NotFound, "there is no such route");
}

Result<RoutePlace> find_route_for(const ApiContext& context, const AccountId& account, const Mailbox& address) {
  const auto domains = context.domains.list(account);
  if (!domains) return domains.error();
  const auto domain = std::ranges::find(*domains, normalised_domain(address.domain), &DomainRecord::name);
  if (domain == domains->end()) return Error(ErrorCode::NotFound, "address names no domain of yours");
  const InboundRoute* closest = nullptr;  // the one that says most of the address: a catch-all is there beside others
  for (const InboundRoute* route : domains::matching_routes(*domain, address.local_part)) {
    const bool is_listed = std::ranges::find(domain->routes, route->id, &InboundRoute::id) != domain->routes.end();
    if (is_listed && (closest == nullptr || route->match.size() > closest->match.size())) closest = route;
  }
  if (closest == nullptr) return Error(ErrorCode::NotFound, "no route matches that address");
  return RoutePlace{*domain, *closest};
}

// An address that the route matches: the star is nothing.
Mailbox address_of(const RoutePlace& place) {
  std::string local_part = place.route.match;
  std::erase(local_part, '*');
  return {.local_part = local_part.empty() ? std::string("test") : local_part, .domain = place.domain.name};
}

// As mail that came in for that route alone, whatever others match.
Result<ApiResponse> bring_in(ApiContext& context, const RoutePlace& place, const Mailbox& to, const mime::OutgoingMail& mail) {
  const reception::Injection injection{.domain = place.domain,
                                       .route = place.route,
                                       .recipient = to,
                                       .reverse_path = mail.from.mailbox,
                                       .content = mime::compose_mail(mail)};
  if (context.reception == nullptr) return api_problem(ApiProblem::Unavailable);
  const auto id = reception::inject(*context.reception, injection);
  if (!id) return id.error();
  return ApiResponse::json(json::object{{"id", events::mailkite_message_id(*id)},
                                        {"routed", true},
                                        {"action", domains::route_action_name(place.route.action)}},
                           202);
}

Result<ApiResponse> test_webhook(ApiContext& context, const ApiRequest& request) {
  const auto domain = own_domain(context, request);
  if (!domain) return domain.error();
  const auto webhooks = context.store.directory().list_webhooks(request.caller.account);
  if (!webhooks) return webhooks.error();
  const WebhookRecord* const webhook = webhook_of(*webhooks, *domain);
  if (webhook == nullptr) return Error(ErrorCode::NotFound, "the domain has no webhook");
  const auto place = find_route(context, request.caller.account, webhook->routes.front());
  if (!place) return place.error();
  const Mailbox to{.local_part = "test", .domain = domain->name};
  mime::OutgoingMail mail;
  mail.from = {.name = "", .mailbox = {.local_part = "test", .domain = domain->name}};
  mail.to = {{.name = "", .mailbox = to}};
  mail.subject = "A test of your webhook";
  mail.text = "It works.\n";
  return bring_in(context, *place, to, mail);
}

Result<ApiResponse> route_message(ApiContext& context, const ApiRequest& request) {
  RequestFields fields(request.json);
  const std::string route_id = fields.text("routeId").value_or("");
  const std::string address = fields.text("address").value_or("");
  const std::string from = fields.required_text("from");
  mime::OutgoingMail mail;
  mail.subject = fields.text("subject").value_or("");
  mail.text = fields.text("text");
  mail.html = fields.text("html");
  fields.refuse_unknown();
  const auto author = mime::parse_named_mailbox(from);
  std::optional<Mailbox> to;
  if (const auto parsed = parse_mailbox(address)) to = *parsed;
  if (!author) fields.fail("from", "is no address");
  if (route_id.empty() == address.empty()) fields.fail("routeId", "or address is needed, and not both");
  if (!address.empty() && !to) fields.fail("address", "is no address");
  if (mail.subject.size() > kMaxSubjectCharacters) fields.fail("subject", "is too long");
  if (header_fault("Subject", mail.subject)) fields.fail("subject", "holds a line end or a control character");
  const std::size_t octets = mail.text.value_or("").size() + mail.html.value_or("").size();
  if (octets > kMaxRoutedOctets) fields.fail("text", "and html are too long");
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  if (!mail.text && !mail.html) mail.text = "";
  const auto place = route_id.empty() ? find_route_for(context, request.caller.account, *to)
                                      : find_route(context, request.caller.account, route_id);
  if (!place) return place.error();
  if (!may_change(request.caller, place->domain.name)) return api_refusal(Refusal::PermissionDenied);
  // It would leave under that name.
  const bool is_own = normalised_domain(author->mailbox.domain) == place->domain.name;
  if (place->route.action == store::RouteAction::Forward && !is_own) {
    return Error(ErrorCode::InvalidArgument, "from has to be of the route's domain where its mail is sent on");
  }
  mail.from = *author;
  const Mailbox recipient = to ? *to : address_of(*place);
  mail.to = {{.name = "", .mailbox = recipient}};
  return bring_in(context, *place, recipient, mail);
}

Result<ApiResponse> show_health(ApiContext&, const ApiRequest&) { return done(); }

constexpr Parameter kMessageParameters[] = {
    limit_parameter(kMaxMessages, kMessages),
    {.name = "before", .description = "Only what came earlier: the last row's received_at.", .type = "integer",
     .most = kMaxTime},
    {.name = "search", .description = "In sender, subject and recipients, among the newest 2,000."}};

constexpr Route mailkite_route_row(Route row) {
  row.tag = "mailkite";
  return row;
}

constexpr Route kMailKiteRoutes[] = {
    mailkite_route_row({.method = Method::Get, .path = "/api/health", .access = Access::Open, .handler = on_worker<show_health>,
                        .operation = "mailkiteHealth", .summary = "Whether it answers", .response_schema = "MailKiteDone"}),
    mailkite_route_row({.method = Method::Get, .path = "/api/domains", .access = Access::Manage,
                        .handler = on_worker_live<list_domains>, .operation = "mailkiteListDomains",
                        .summary = "List domains, each with its webhook's URL", .response_schema = "MailKiteDomains"}),
    mailkite_route_row({.method = Method::Post, .path = "/api/domains", .access = Access::Manage, .body = Body::Json,
                        .handler = on_domain_worker<create_domain>, .operation = "mailkiteCreateDomain",
                        .summary = "Add a domain that sends and receives", .request_schema = "MailKiteNewDomain", .status = 201,
                        .response_schema = "MailKiteDomain", .failures = {409}}),
    mailkite_route_row({.method = Method::Get, .path = "/api/domains/:id", .access = Access::Manage,
                        .handler = on_worker_live<show_domain>, .operation = "mailkiteGetDomain",
                        .summary = "Show a domain with its DNS records and webhook", .response_schema = "MailKiteDomain"}),
    mailkite_route_row({.method = Method::Delete, .path = "/api/domains/:id", .access = Access::Manage,
                        .handler = on_worker_live<delete_domain>, .operation = "mailkiteDeleteDomain",
                        .summary = "Remove a domain, its routes and their webhooks", .response_schema = "MailKiteDone"}),
    mailkite_route_row({.method = Method::Post, .path = "/api/domains/:id/verify", .access = Access::Manage,
                        .handler = on_domain_worker<verify_domain>, .operation = "mailkiteVerifyDomain",
                        .summary = "Look the domain's records up in the DNS now", .response_schema = "MailKiteDomain",
                        .failures = {409, 503}}),
    mailkite_route_row({.method = Method::Put, .path = "/api/domains/:id/webhook", .access = Access::Manage, .body = Body::Json,
                        .handler = on_worker_live<set_webhook>, .operation = "mailkiteSetWebhook",
                        .summary = "Send all mail of a domain to a URL", .request_schema = "MailKiteWebhook",
                        .response_schema = "MailKiteDomain", .failures = {404}}),
    mailkite_route_row({.method = Method::Delete, .path = "/api/domains/:id/webhook", .access = Access::Manage,
                        .handler = on_worker_live<delete_webhook>, .operation = "mailkiteDeleteWebhook",
                        .summary = "Send it there no more", .response_schema = "MailKiteDone"}),
    mailkite_route_row({.method = Method::Post, .path = "/api/domains/:id/webhook/test", .access = Access::Manage,
                        .handler = on_worker_live<test_webhook>, .operation = "mailkiteTestWebhook",
                        .summary = "Send a signed test event to it", .status = 202, .response_schema = "MailKiteRouted",
                        .failures = {404}}),
    mailkite_route_row({.method = Method::Get, .path = "/api/routes", .access = Access::Manage,
                        .handler = on_worker_live<list_routes>, .operation = "mailkiteListRoutes",
                        .summary = "List routes", .response_schema = "MailKiteRoutes"}),
    mailkite_route_row({.method = Method::Post, .path = "/api/routes", .access = Access::Manage, .body = Body::Json,
                        .handler = on_worker_live<create_route>, .operation = "mailkiteCreateRoute", .summary = "Add a route",
                        .request_schema = "MailKiteNewRoute", .status = 201, .response_schema = "MailKiteRoute",
                        .failures = {404}}),
    mailkite_route_row({.method = Method::Get, .path = "/api/messages", .access = Access::Manage,
                        .handler = on_worker_live<list_messages>, .operation = "mailkiteListMessages",
                        .summary = "List what came in, the newest first", .response_schema = "MailKiteMessages",
                        .parameters = kMessageParameters}),
    mailkite_route_row({.method = Method::Get, .path = "/api/messages/:id", .access = Access::Manage,
                        .handler = on_worker_live<show_message>, .operation = "mailkiteGetMessage",
                        .summary = "Show a message with its texts, attachments and deliveries",
                        .response_schema = "MailKiteMessage"}),
    mailkite_route_row({.method = Method::Post, .path = "/api/deliveries/:id/retry", .access = Access::Manage,
                        .handler = on_worker_live<retry_delivery>, .operation = "mailkiteRetryDelivery",
                        .summary = "Send an event to its webhook again", .response_schema = "MailKiteDone", .failures = {404}}),
    mailkite_route_row({.method = Method::Get, .path = "/api/webhooks/secret", .access = Access::Manage,
                        .handler = on_worker_live<show_secret>, .operation = "mailkiteGetWebhookSecret",
                        .summary = "What webhooks of these endpoints are signed with", .response_schema = "MailKiteSecret",
                        .failures = {404}}),
    mailkite_route_row({.method = Method::Post, .path = "/api/webhooks/secret/rotate", .access = Access::Manage,
                        .handler = on_worker_live<rotate_secret>, .operation = "mailkiteRotateWebhookSecret",
                        .summary = "A new secret for them", .response_schema = "MailKiteSecret", .failures = {404}}),
    mailkite_route_row({.method = Method::Post, .path = "/v1/route", .access = Access::Manage, .body = Body::Json,
                        .handler = on_worker_live<route_message>, .operation = "routeMessage",
                        .summary = "Bring a message to a route as if it had come in", .request_schema = "MailKiteRouteMessage",
                        .status = 202, .response_schema = "MailKiteRouted", .failures = {404}}),
};

}  // namespace

ApiArea mailkite_api() { return {kMailKiteRoutes, kMailKiteSchemas}; }

}  // namespace postern::api
