// postern route …: whom a domain's mail that comes in is for.
#include "app/commands.h"

#include "api/record_json.h"
#include "core/mailbox.h"
#include "domains/domain_admin.h"
#include "domains/inbound_routes.h"

namespace postern::app {
namespace {

// Routes look nothing up.
class NoLookUp final : public dns::Resolver {
 public:
  void start(dns::Question, Done done) override { done({}); }
};

json::object route_json(const store::InboundRoute& route) {
  return {{"id", route.id},
          {"match", route.match},
          {"action", domains::route_action_name(route.action)},
          {"destination", route.destination.empty() ? json::value(nullptr) : json::value(route.destination)},
          {"active", route.is_active}};
}

std::string done_with(const store::InboundRoute& route) {
  return std::string(domains::route_action_name(route.action)) + (route.destination.empty() ? "" : " to " + route.destination);
}

}  // namespace

Result<void> add_route(CommandContext& context, const RouteOptions& options) {
  const auto domain = find_domain(context, options.domain);
  if (!domain) return domain.error();
  NoLookUp no_look_up;
  domains::DomainAdmin admin(context.directory(), no_look_up, context.clock(), context.random(), {});
  const auto action = domains::parse_route_action(options.action).value_or(store::RouteAction::Store);
  const auto added = admin.add_route(domain->id, options.match, action, options.destination);
  if (!added) return added.error();
  const std::string address = added->match + "@" + domain->name;
  context.confirm(route_json(*added), "mail to " + address + ": " + done_with(*added) + " (" + added->id + ")");
  return {};
}

Result<void> list_routes(CommandContext& context, const std::string& text) {
  const auto domain = find_domain(context, text);
  if (!domain) return domain.error();
  json::array values;
  std::vector<std::vector<std::string>> rows;
  for (const store::InboundRoute& route : domain->routes) {
    values.emplace_back(route_json(route));
    rows.push_back({route.id, route.match, done_with(route), route.is_active ? "yes" : "no"});
  }
  context.print(values, format_table({"ROUTE", "MATCH", "ACTION", "ACTIVE"}, rows));
  return {};
}

Result<void> remove_route(CommandContext& context, const std::string& text, const std::string& route) {
  const auto domain = find_domain(context, text);
  if (!domain) return domain.error();
  NoLookUp no_look_up;
  domains::DomainAdmin admin(context.directory(), no_look_up, context.clock(), context.random(), {});
  if (const auto removed = admin.remove_route(domain->id, route); !removed) return removed;
  context.confirm({{"id", route}, {"done", "removed"}}, "removed " + printable(route));
  return {};
}

// What the door would say and do, by the same look-ups; return paths are not asked.
Result<void> test_route(CommandContext& context, const std::string& address) {
  const auto mailbox = parse_mailbox(address);
  if (!mailbox) return Error(ErrorCode::InvalidArgument, "that is not an e-mail address: write local@domain");
  const auto domain = context.directory().find_domain_named(store::kVerifiedOwner, normalised_domain(mailbox->domain));
  if (!domain) return domain.error();
  json::object value{{"address", address}, {"account", nullptr}, {"reply", "550 5.7.1"}, {"routes", json::array()}};
  if (!*domain || !(*domain)->is_receiving) {
    context.print(value, "refused (550 5.7.1): no verified domain of that name receives here\n");
    return {};
  }
  const auto routes = domains::matching_routes(**domain, mailbox->local_part);
  const std::string account = context.account_name((*domain)->account);
  value["account"] = account;
  value["reply"] = routes.empty() ? "550 5.1.1" : "250 2.1.5";
  json::array values;
  std::string text = routes.empty() ? "refused (550 5.1.1): no route matches\n" : "taken in for " + account + "\n";
  for (const store::InboundRoute* route : routes) {
    values.emplace_back(route_json(*route));
    text += "  " + route->match + ": " + done_with(*route) + "\n";
  }
  value["routes"] = std::move(values);
  context.print(value, text);
  return {};
}

}  // namespace postern::app
