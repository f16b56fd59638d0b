// postern queue … Works on the spool; a running server sees a retry or a cancellation at its next look at the due index.
#include "app/commands.h"

#include "api/record_json.h"
#include "app/config_values.h"
#include "app/message_text.h"
#include "app/queued_messages.h"
#include "core/time_format.h"
#include "relay/orders.h"
#include "relay/route.h"
#include "store/queue_summary.h"

#include <algorithm>
#include <map>
#include <set>

namespace postern::app {
namespace {

constexpr std::size_t kMaxSummed = 5'000'000;  // entries of the due index: half a minute's reading

// "<5m", "<2h", "<2d", ">=2d".
std::vector<std::string> age_names() {
  std::vector<std::string> names;
  for (const std::chrono::minutes bound : store::kAgeBounds) names.push_back("<" + format_duration(bound));
  names.push_back(">=" + format_duration(store::kAgeBounds.back()));
  return names;
}

json::object ages_value(const store::WaitingByAge& waiting) {
  json::object by_age;
  const std::vector<std::string> names = age_names();
  for (std::size_t i = 0; i < names.size(); ++i) by_age[names[i]] = waiting.by_age[i];
  return {{"destination", waiting.destination},
          {"messages", waiting.messages},
          {"by_age", std::move(by_age)},
          {"oldest_at", waiting.messages == 0 ? json::value() : api::instant_json(waiting.oldest)}};
}

std::vector<std::string> ages_row(const std::string& name, const store::WaitingByAge& waiting) {
  std::vector<std::string> row{name, std::to_string(waiting.messages)};
  for (const std::uint64_t messages : waiting.by_age) row.push_back(std::to_string(messages));
  row.push_back(waiting.messages == 0 ? "-" : format_time(waiting.oldest));
  return row;
}

struct LastAttempt {
  std::uint16_t attempts = 0;
  std::string status = "-";
};

LastAttempt last_attempt(const store::StoredMessage& stored) {
  LastAttempt last;
  for (const auto& recipient : stored.delivery.recipients) {
    if (recipient.stage != store::RecipientStage::Pending || recipient.attempts <= last.attempts) continue;
    last.attempts = recipient.attempts;
    last.status = format_status(recipient.last_status);
  }
  return last;
}

const store::DestinationPause* pause_of(const std::vector<store::DestinationPause>& pauses, const std::string& route) {
  const auto found = std::ranges::find(pauses, route, &store::DestinationPause::name);
  return found == pauses.end() ? nullptr : &*found;
}

bool waits_for_domain(const store::StoredMessage& stored, const std::string& domain) {
  const auto& recipients = stored.message.envelope.recipients;
  for (std::size_t i = 0; i < recipients.size() && i < stored.delivery.recipients.size(); ++i) {
    const bool is_pending = stored.delivery.recipients[i].stage == store::RecipientStage::Pending;
    if (is_pending && normalised_domain(recipients[i].mailbox.domain) == domain) return true;
  }
  return false;
}

// `sender`: an address or a domain; "<>" is the null reverse-path.
bool is_from(const store::StoredMessage& stored, const std::string& sender) {
  const auto& path = stored.message.envelope.reverse_path;
  if (!path) return sender == "<>";
  const auto mailbox = parse_mailbox(sender);
  if (mailbox) return normalised_mailbox(*path) == normalised_mailbox(*mailbox);
  return normalised_domain(path->domain) == normalised_domain(sender);
}

// Empty: any.
struct MailFilter {
  const std::string& account;
  const std::string& domain;
  const std::string& sender;

  bool is_given() const { return !account.empty() || !domain.empty() || !sender.empty(); }
  Result<std::vector<MessageId>> find(CommandContext& context) const {
    std::optional<AccountId> owner;
    if (!account.empty()) {
      const auto found = context.find_account(account);
      if (!found) return found.error();
      owner = found->id;
    }
    return queued_messages(context, [&](const store::StoredMessage& stored) {
      return (!owner || stored.message.account == *owner) &&
             (domain.empty() || waits_for_domain(stored, normalised_domain(domain))) && (sender.empty() || is_from(stored, sender));
    });
  }
};

// What waits for a later attempt by the route, by the key, or with the tag.
Result<std::set<MessageId>> of_scope(CommandContext& context, const QueueRetryOptions& options) {
  store::OrderScope scope;
  scope.route = options.route;
  scope.tag = options.tag;
  if (!options.key.empty()) {
    const auto key = context.find_key(options.key);
    if (!key) return key.error();
    scope.key = key->id;
  }
  const relay::RouteTable routes = make_route_table(context.settings());
  if (auto checked = relay::check_scope(scope, routes); !checked) return checked.error();
  const Instant now = context.clock().now();
  const auto found = queued_messages(context, [&](const store::StoredMessage& stored) {
    return relay::has_later_attempt(scope, stored, routes, now);
  });
  if (!found) return found.error();
  return std::set<MessageId>(found->begin(), found->end());
}

}  // namespace

Result<void> list_queue(CommandContext& context, std::size_t limit) {
  json::array values;
  std::vector<std::vector<std::string>> rows;
  const auto soonest = soonest_queued(context.spool(), limit);
  if (!soonest) return soonest.error();
  for (const auto& [due, id] : *soonest) {
    const auto stored = context.spool().find(id);
    if (!stored) return stored.error();
    if (!*stored) continue;
    const auto last = last_attempt(**stored);
    const auto& recipients = (**stored).message.envelope.recipients;
    json::object value = message_value(context, **stored);
    value["due"] = api::instant_json(due);
    values.emplace_back(std::move(value));
    rows.push_back({format_message_id(id), format_time(due), std::to_string(last.attempts),
                    context.account_name((**stored).message.account),
                    recipients.empty() ? "-" : format_mailbox(recipients.front().mailbox), last.status});
  }
  context.print(values, format_table({"ID", "NEXT ATTEMPT (UTC)", "ATTEMPTS", "ACCOUNT", "FIRST RECIPIENT", "LAST STATUS"}, rows));
  const auto usage = context.spool().usage();
  if (!usage) return usage.error();
  if (values.size() >= limit && usage->queued > values.size()) context.tell_more(usage->queued - values.size());
  return {};
}

Result<void> show_queue(CommandContext& context) {
  struct Domain {
    std::uint64_t recipients = 0;
    std::uint64_t deferred = 0;
    std::string last_status = "-";
  };
  const auto pauses = context.spool().list_pauses();
  if (!pauses) return pauses.error();
  const relay::RouteTable routes = make_route_table(context.settings());
  std::map<std::pair<std::string, std::string>, Domain> domains;  // and the route that they were moved to
  const auto visited =
      for_each_queued(context.spool(), [&](const store::StoredMessage& stored) -> Result<bool> {
        const auto& recipients = stored.message.envelope.recipients;
        for (std::size_t i = 0; i < recipients.size() && i < stored.delivery.recipients.size(); ++i) {
          const auto& state = stored.delivery.recipients[i];
          if (state.stage != store::RecipientStage::Pending) continue;
          Domain& domain = domains[{normalised_domain(recipients[i].mailbox.domain), state.route}];
          ++domain.recipients;
          if (state.attempts == 0) continue;
          ++domain.deferred;
          domain.last_status = format_status(state.last_status);
        }
        return true;
      });
  if (!visited) return visited.error();
  json::array values;
  std::vector<std::vector<std::string>> rows;
  for (const auto& [key, domain] : domains) {
    const auto& [name, moved_to] = key;
    const relay::Route* const route = routes.find_for(moved_to, name);
    const store::DestinationPause* pause = route == nullptr ? nullptr : pause_of(*pauses, route->name);
    const std::string route_name = route == nullptr ? "-" : route->name;
    values.emplace_back(json::object{{"domain", name},
                                    {"recipients", domain.recipients},
                                    {"deferred", domain.deferred},
                                    {"last_status", domain.last_status},
                                    {"route", route_name},
                                    {"paused_until", pause == nullptr ? json::value() : api::instant_json(pause->until)},
                                    {"paused_because", pause == nullptr ? json::value() : json::value(format_status(pause->why))}});
    rows.push_back({name, std::to_string(domain.recipients), std::to_string(domain.deferred), route_name,
                    pause == nullptr ? "-" : format_time(pause->until),
                    pause == nullptr ? domain.last_status : format_status(pause->why)});
  }
  context.print(values,
                format_table({"DOMAIN", "RECIPIENTS", "DEFERRED", "ROUTE", "PAUSED UNTIL (UTC)", "LAST STATUS"}, rows));
  return {};
}

Result<void> summarise_queue(CommandContext& context, std::size_t limit) {
  const auto summary = store::summarise_queue(context.spool(), context.clock().now(), kMaxSummed);
  if (!summary) return summary.error();
  std::vector<std::string> heads{"DESTINATION", "MESSAGES"};
  for (const std::string& name : age_names()) heads.push_back(name);
  heads.emplace_back("OLDEST (UTC)");
  std::vector<std::vector<std::string>> rows{ages_row("TOTAL", summary->all)};
  json::array values;
  for (const auto& waiting : summary->destinations) {
    if (values.size() == limit) break;
    values.emplace_back(ages_value(waiting));
    rows.push_back(ages_row(waiting.destination, waiting));
  }
  json::object value = ages_value(summary->all);
  value.erase("destination");
  value["is_whole"] = summary->is_whole;
  value["destinations"] = std::move(values);
  context.print(value, format_table(heads, rows));
  if (!summary->is_whole) context.err() << "there is more than was counted\n";
  if (summary->destinations.size() > limit) context.tell_more(summary->destinations.size() - limit);
  return {};
}

Result<void> retry_queue(CommandContext& context, const QueueRetryOptions& options) {
  const MailFilter filter{options.account, options.domain, options.sender};
  const bool has_scope = !options.route.empty() || !options.key.empty() || !options.tag.empty();
  if (options.message.empty() == !(filter.is_given() || has_scope || options.is_all)) {
    return Error(ErrorCode::InvalidArgument,
                 "name a message, or say which: --account, --domain, --sender, --route, --key, --tag, or --all");
  }
  std::vector<MessageId> ids;
  if (options.message.empty()) {
    auto found = filter.find(context);
    if (!found) return found.error();
    ids = std::move(*found);
    if (has_scope) {
      auto named = of_scope(context, options);
      if (!named) return named.error();
      std::erase_if(ids, [&](const MessageId& id) { return !named->contains(id); });
    }
  } else {
    const auto stored = context.find_message(options.message);
    if (!stored) return stored.error();
    ids.push_back(stored->message.id);
  }
  std::uint64_t moved = 0;
  for (const auto& id : ids) {
    const auto retried = context.spool().retry_now(id, context.clock().now());
    // Settled or removed between the listing and now: nothing is left to retry.
    const bool is_over =
        !retried && (retried.error().code() == ErrorCode::NotFound || retried.error().code() == ErrorCode::Conflict);
    if (is_over && options.message.empty()) continue;
    if (!retried) return retried.error();
    ++moved;
  }
  // A next hop that could not be reached is probed now as well, or nothing would go before its pause is over.
  if (const auto cleared = context.spool().clear_pauses(); !cleared) return cleared.error();
  context.confirm({{"messages", moved}, {"done", "due now"}},
                  std::to_string(moved) + (moved == 1 ? " message is" : " messages are") + " due now");
  return {};
}

Result<void> cancel_messages(CommandContext& context, const QueueCancelOptions& options) {
  const MailFilter filter{options.account, options.domain, options.sender};
  const bool has_filter = filter.is_given() || options.is_all;
  if (options.message.empty() != has_filter) {
    return Error(ErrorCode::InvalidArgument, "name a message, or say which: --account, --domain, --sender, or --all");
  }
  if (!has_filter) {
    const auto stored = context.find_message(options.message);
    if (!stored) return stored.error();
    if (const auto cancelled = context.spool().cancel(stored->message.id, context.clock().now()); !cancelled) {
      return cancelled.error();
    }
    const auto id = format_message_id(stored->message.id);
    context.confirm({{"id", id}, {"done", "cancelled"}}, "message " + id + ": what was still pending is cancelled");
    return {};
  }
  const auto ids = filter.find(context);
  if (!ids) return ids.error();
  const std::string what = std::to_string(ids->size()) + (ids->size() == 1 ? " message" : " messages");
  if (!options.is_sure && !ids->empty()) {
    if (const auto agreed = context.ask(what + " would be cancelled"); !agreed) return agreed.error();
  }
  std::uint64_t cancelled = 0;
  for (const MessageId& id : *ids) {
    const auto done = context.spool().cancel(id, context.clock().now());
    // Settled or removed between the listing and now: nothing is left to cancel.
    const bool is_over = !done && (done.error().code() == ErrorCode::NotFound || done.error().code() == ErrorCode::Conflict);
    if (is_over) continue;
    if (!done) return done.error();
    ++cancelled;
  }
  context.confirm({{"messages", cancelled}, {"done", "cancelled"}},
                  std::to_string(cancelled) + (cancelled == 1 ? " message" : " messages") +
                      ": what was still pending is cancelled");
  return {};
}

}  // namespace postern::app
