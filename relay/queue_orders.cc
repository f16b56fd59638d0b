// What operators want done with mail that waits (relay/orders.h). Holds of whole lanes are the destinations' (kHeld): their mail is
// not read. All else is looked at message by message, when its turn comes; bounces and moves also by a walk over all that waits.
#include "relay/queue_impl.h"

#include "core/operator_log.h"

#include <algorithm>
#include <map>
#include <utility>

namespace postern::relay {
namespace {

using store::OrderAction;
using store::OrderRecord;

// RFC 3463 §3.8: X.7.0, other security status, which is what policies have.
Status given_up_status(const OrderRecord& order) {
  return Status{554, EnhancedCode{5, 7, 0}, "given up by the operator" + (order.reason.empty() ? "" : ": " + order.reason)};
}

}  // namespace

Status Queue::Impl::status_of_held() { return Status{451, EnhancedCode{4, 7, 0}, "held by the operator"}; }

// As of this poll: another process may have given or ended orders, and their time may be over.
void Queue::Impl::take_orders(Instant at) {
  const auto listed = parts_.store.directory().list_orders();
  if (!listed) return storage_failed("read the orders", listed.error(), std::nullopt);
  auto book = std::make_shared<const OrderBook>(*listed, destinations_->routes(), at);
  if (*book == *orders_) return;
  orders_ = std::move(book);
  operator_log::queue_orders(orders_->size());
  use_orders(at);
  for (const OrderRecord& order : *listed) {
    if (order.expires_at <= at) end_order(order.id);
  }
}

// One that stays is ended after the next change.
void Queue::Impl::end_order(const OrderId& id) {
  parts_.store.directory().write_later([id](store::DirectoryWriter& writer) { return writer.remove_order(id); },
                                       [](const Result<void>& removed) {
                                         if (removed || removed.error().code() == ErrorCode::NotFound) return;
                                         operator_log::maintenance_failed("orders", removed.error());
                                       });
}

// All that waits is sorted anew; deliveries under way are not touched.
void Queue::Impl::use_orders(Instant at) {
  release_all_waiting();
  ordered_ = {};
  reader_.forget_all();
  turns_.clear();
  destinations_->use_orders(orders_, at);
  for (const auto& destination : destinations_->all()) (void)close_if_full(*destination, at);
  if (orders_->holds_lanes()) reader_.close(DestinationSet::kHeld);
  if (orders_->acts_at_once()) obeying_.begin();
  poke();
}

bool Queue::Impl::obey_waiting(Instant at) {
  return go_on(obeying_, [this, at](const store::DueEntry& entry) { return obey_on(entry, at); });
}

// An entry of the walk, due or not. What is under way is looked at when it comes back.
bool Queue::Impl::obey_on(const store::DueEntry& entry, Instant at) {
  const Route* const route = destinations_->route_of(entry.lane);
  if (!orders_->may_act_on(store::parts_of_lane(entry.lane).domain, route) || leases_.contains(entry.id)) return true;
  auto found = spool().find(entry.id);
  if (!found) {
    storage_failed("read a message", found.error(), entry.id);
    return found.error().code() == ErrorCode::CorruptRecord;  // that one will not get better
  }
  if (!*found) return true;
  std::vector<std::uint32_t> waiting;
  const auto& states = (*found)->delivery.recipients;
  for (std::uint32_t i = 0; i < states.size(); ++i) {
    const bool is_here = states[i].stage == store::RecipientStage::Pending && store::lane_of(**found, i) == entry.lane;
    const OrderRecord* const order = is_here ? orders_->find(**found, i, route) : nullptr;
    if (order != nullptr && order->action != OrderAction::Hold) waiting.push_back(i);
  }
  if (waiting.empty()) return true;
  Job job{leases_.add(LeaseTable::kAnyHop, entry.key(), std::move(**found), at), std::move(waiting)};
  obey(std::move(job), at);
  return true;
}

// Recipients under orders are taken out of the job; what is left of it, if any, goes on.
std::optional<Job> Queue::Impl::obey(Job job, Instant at) {
  const store::StoredMessage& stored = job.lease->stored;
  std::map<const OrderRecord*, std::vector<std::uint32_t>> by_order;
  for (const std::uint32_t index : job.recipients) {
    by_order[orders_->find(stored, index, destinations_->route_of(store::lane_of(stored, index)))].push_back(index);
  }
  job.recipients = std::move(by_order[nullptr]);
  job.lease->open_parts += static_cast<std::uint32_t>(by_order.size() - 1);
  const std::shared_ptr<const OrderBook> kept = orders_;  // whatever a settlement leads to
  for (auto& [order, recipients] : by_order) {
    if (order != nullptr) carry_out(*order, Job{job.lease, std::move(recipients)}, at);
  }
  if (!job.recipients.empty()) return job;
  close_part(job);
  return std::nullopt;
}

void Queue::Impl::carry_out(const OrderRecord& order, Job job, Instant at) {
  switch (order.action) {
    case OrderAction::Hold: return hold_by_order(std::move(job), at);
    case OrderAction::Bounce: return give_up(order, std::move(job), at);
    case OrderAction::Move: return move_to(order.to_route, std::move(job), at);
  }
}

void Queue::Impl::hold_by_order(Job job, Instant at) {
  const store::StoredMessage& stored = job.lease->stored;
  for (const std::uint32_t index : job.recipients) ordered_.add(stored.message.id, store::lane_of(stored, index));
  Publication publication = publish_waiting(stored, {job.recipients, status_of_held(), true}, settings_.policy, at);
  log_publication(stored, publication, "-", parts_.store.tally());
  settle(std::move(job), nullptr, std::move(publication));
}

void Queue::Impl::give_up(const OrderRecord& order, Job job, Instant at) {
  const store::StoredMessage& stored = job.lease->stored;
  std::vector<RecipientReport> reports;
  for (const std::uint32_t index : job.recipients) {
    reports.push_back({index, Outcome::Bounced, given_up_status(order), {}, std::nullopt, Contact::Good, true});
  }
  Publication publication = publish_reports(stored, reports, settings_.policy, at, parts_.random);
  log_publication(stored, publication, "-", parts_.store.tally());
  settle(std::move(job), nullptr, std::move(publication));
}

// It is due at once: who moves it wants it to go.
void Queue::Impl::move_to(const std::string& route, Job job, Instant at) {
  Publication publication;
  publication.settlement.id = job.lease->stored.message.id;
  for (const std::uint32_t index : job.recipients) {
    store::RecipientState state = job.lease->stored.delivery.recipients[index];
    state.route = route;
    state.next_attempt = std::min(state.next_attempt, at);
    publication.settlement.changes.push_back({index, std::move(state)});
  }
  settle(std::move(job), nullptr, std::move(publication));
}

}  // namespace postern::relay
