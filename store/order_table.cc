// Orders of operators on mail that waits. Each is in the audit trail.
#include "store/audit.h"
#include "store/directory_index.h"

#include <utility>

namespace postern::store {
namespace {

// The trail of the account that it is about, where that is still there; else of none.
Result<AuditNote> note_of_order(Transaction& transaction, const OrderRecord& order, std::string_view action) {
  const AccountId account = order.scope.account.value_or(AccountId{});
  const Result<bool> is_there = has_row(transaction, DirectoryTable::Accounts, octets_of(account.octets));
  if (!is_there) return is_there.error();
  std::string name(order_action_name(order.action));
  name += " " + describe_scope(order.scope);
  if (!order.to_route.empty()) name += " to " + describe_way(order);
  return AuditNote{.account = *is_there ? account : AccountId{},
                   .action = action,
                   .target_kind = "order",
                   .target_id = format_id(order.id),
                   .target_name = std::move(name),
                   .detail = order.reason};
}

std::string author_of(const Actor& actor) { return actor.name.empty() ? actor.id : actor.name; }

}  // namespace

std::string_view order_action_name(OrderAction action) {
  switch (action) {
    case OrderAction::Hold: return "hold";
    case OrderAction::Bounce: return "bounce";
    case OrderAction::Move: return "move";
  }
  return "hold";
}

std::string describe_scope(const OrderScope& scope) {
  std::string text;
  const auto add = [&text](std::string_view what, const std::string& value) {
    if (!value.empty()) text += (text.empty() ? "" : ", ") + std::string(what) + " " + value;
  };
  add("message", scope.message ? format_message_id(*scope.message) : "");
  add("domain", scope.domain);
  add("route", scope.route);
  add("account", scope.account ? format_id(*scope.account) : "");
  add("key", scope.key ? format_id(*scope.key) : "");
  add("tag", scope.tag);
  return text;
}

std::string describe_way(const OrderRecord& order) {
  const bool is_pool = order.to_route.starts_with('@');
  return is_pool ? "pool " + order.to_route.substr(1) : "route " + order.to_route;
}

Result<std::vector<OrderRecord>> DirectoryReads::list_orders() const {
  return look([](Transaction& transaction) { return list_records<OrderRecord>(transaction); });
}

Result<std::optional<OrderRecord>> DirectoryReads::find_order(const OrderId& id) const {
  return look([&](Transaction& transaction) { return find_record<OrderRecord>(transaction, octets_of(id.octets)); });
}

Result<void> DirectoryWriter::put_order(OrderRecord order) {
  const Result<std::vector<OrderRecord>> others = list_orders();
  if (!others) return others.error();
  if (others->size() >= kMaxOrders) return Error(ErrorCode::LimitExceeded, "there are " + std::to_string(kMaxOrders) + " orders");
  order.author = author_of(actor_);
  if (Result<void> put = put_record(transaction_, octets_of(order.id.octets), order); !put) return put;
  const Result<AuditNote> note = note_of_order(transaction_, order, "order.given");
  return note ? note_change(transaction_, actor_, *note) : note.error();
}

Result<void> DirectoryWriter::remove_order(const OrderId& id) {
  const Result<std::optional<OrderRecord>> order = find_order(id);
  if (!order) return order.error();
  if (!*order) return Error(ErrorCode::NotFound, "no order " + format_id(id));
  if (Result<void> erased = erase_row(transaction_, DirectoryTable::Orders, octets_of(id.octets)); !erased) return erased;
  const Result<AuditNote> note = note_of_order(transaction_, **order, "order.ended");
  return note ? note_by_person(transaction_, actor_, *note) : note.error();
}

}  // namespace postern::store
