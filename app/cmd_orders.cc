// postern queue suspend, hold, bounce, move and their ends: orders on mail that waits. A running server sees them within a second.
#include "app/commands.h"

#include "api/record_json.h"
#include "app/config_values.h"
#include "relay/orders.h"

#include <algorithm>

namespace postern::app {
namespace {

Result<store::OrderScope> read_scope(CommandContext& context, const ScopeOptions& options) {
  store::OrderScope scope{.domain = options.domain, .route = options.route, .tag = options.tag};
  if (!options.message.empty()) {
    const auto stored = context.find_message(options.message);
    if (!stored) return stored.error();
    scope.message = stored->message.id;
  }
  if (!options.account.empty()) {
    const auto account = context.find_account(options.account);
    if (!account) return account.error();
    scope.account = account->id;
  }
  if (!options.key.empty()) {
    const auto key = context.find_key(options.key);
    if (!key) return key.error();
    scope.key = key->id;
  }
  return scope;
}

json::object order_value(const store::OrderRecord& order) {
  return {{"id", format_id(order.id)},
          {"action", store::order_action_name(order.action)},
          {"scope", store::describe_scope(order.scope)},
          {"to_route", order.to_route.empty() ? json::value() : json::value(order.to_route)},
          {"reason", order.reason},
          {"author", order.author},
          {"created", api::instant_json(order.created)},
          {"expires", api::instant_json(order.expires_at)}};
}

Result<store::OrderRecord> make_order(CommandContext& context, store::OrderAction action, const OrderOptions& options) {
  auto scope = read_scope(context, options.scope);
  if (!scope) return scope.error();
  Duration time = relay::usual_order_time(action);
  if (!options.duration.empty()) {
    const auto given = parse_duration(options.duration);
    if (!given) return given.error();
    time = *given;
  }
  const Instant now = context.clock().now();
  store::OrderRecord order{.id = make_order_id(context.random()),
                           .action = action,
                           .scope = std::move(*scope),
                           .to_route = options.to_route,
                           .reason = options.reason,
                           .author = {},
                           .created = now,
                           .expires_at = now + time};
  const relay::RouteTable routes = make_route_table(context.settings());
  if (auto checked = relay::check_order(order, routes); !checked) return checked.error();
  return order;
}

Result<void> give(CommandContext& context, const store::OrderRecord& order, std::string_view done) {
  const auto put = context.directory().write([&](store::DirectoryWriter& writer) { return writer.put_order(order); });
  if (!put) return put;
  context.confirm(order_value(order), format_id(order.id) + ": " + store::describe_scope(order.scope) + " " + std::string(done) +
                                          " until " + format_time(order.expires_at) + " UTC");
  return {};
}

// What `postern queue resume` names.
Result<std::vector<store::OrderRecord>> named_orders(CommandContext& context, const ResumeOptions& options) {
  auto orders = context.directory().list_orders();
  if (!orders) return orders;
  auto scope = read_scope(context, options.scope);
  if (!scope) return scope.error();
  const bool has_scope = *scope != store::OrderScope{};
  if (int{!options.order.empty()} + int{has_scope} + int{options.is_all} != 1) {
    return Error(ErrorCode::InvalidArgument, "name an order, say what it is about as it was given, or say --all");
  }
  std::erase_if(*orders, [&](const store::OrderRecord& order) {
    if (!options.order.empty()) return !format_id(order.id).starts_with(options.order);
    return has_scope && (order.scope != *scope || order.action != store::OrderAction::Hold);
  });
  const std::string what = has_scope ? store::describe_scope(*scope) : options.order;
  if (orders->empty() && !options.is_all) return Error(ErrorCode::NotFound, "no order " + printable(what));
  const bool is_unclear = !options.order.empty() && orders->size() > 1;
  if (is_unclear) return Error(ErrorCode::Conflict, "several orders begin with " + printable(what));
  return orders;
}

}  // namespace

Result<void> suspend_mail(CommandContext& context, const OrderOptions& options) {
  const auto order = make_order(context, store::OrderAction::Hold, options);
  if (!order) return order.error();
  return give(context, *order, "waits");
}

Result<void> bounce_mail(CommandContext& context, const OrderOptions& options) {
  const auto order = make_order(context, store::OrderAction::Bounce, options);
  if (!order) return order.error();
  if (!options.is_sure) {
    const std::string what = "all that waits of " + store::describe_scope(order->scope);
    const auto agreed = context.ask(what + " would be given up, and its senders told");
    if (!agreed) return agreed.error();
  }
  return give(context, *order, "is given up");
}

Result<void> move_mail(CommandContext& context, const OrderOptions& options) {
  const auto order = make_order(context, store::OrderAction::Move, options);
  if (!order) return order.error();
  return give(context, *order, "goes by " + printable(store::describe_way(*order)));
}

Result<void> resume_mail(CommandContext& context, const ResumeOptions& options) {
  const auto orders = named_orders(context, options);
  if (!orders) return orders.error();
  const auto removed = context.directory().write([&](store::DirectoryWriter& writer) -> Result<void> {
    for (const store::OrderRecord& order : *orders) {
      if (auto gone = writer.remove_order(order.id); !gone) return gone;
    }
    return {};
  });
  if (!removed) return removed;
  const std::size_t count = orders->size();
  context.confirm({{"orders", count}, {"done", "ended"}},
                  std::to_string(count) + (count == 1 ? " order has" : " orders have") + " ended");
  return {};
}

Result<void> list_orders(CommandContext& context) {
  const auto orders = context.directory().list_orders();
  if (!orders) return orders.error();
  json::array values;
  std::vector<std::vector<std::string>> rows;
  for (const store::OrderRecord& order : *orders) {
    if (order.expires_at <= context.clock().now()) continue;
    values.emplace_back(order_value(order));
    const std::string to = order.to_route.empty() ? "" : " to " + order.to_route;
    rows.push_back({format_id(order.id), std::string(store::order_action_name(order.action)) + to,
                    store::describe_scope(order.scope), format_time(order.expires_at), order.author, order.reason});
  }
  context.print(values, format_table({"ID", "ACTION", "OF", "UNTIL (UTC)", "BY", "REASON"}, rows));
  return {};
}

}  // namespace postern::app
