#include "reception/unsubscribing.h"

#include "core/log.h"
#include "core/metrics.h"
#include "core/operator_log.h"
#include "reception/synced.h"

#include <algorithm>

namespace postern::reception {
namespace {

metrics::Counter unsubscriptions("postern_unsubscriptions_total", "Recipients who unsubscribed by a message's link.");

Result<void> suppress_stream(store::Directory& directory, const domains::Unsubscription& wish, Instant now) {
  const auto known = directory.is_suppressed(wish.account, store::suppression_entry(wish.address, wish.stream), now);
  if (!known) return known.error();
  if (*known) return {};
  return directory.write([&](store::DirectoryWriter& writer) {
    return writer.put_suppression(wish.account, {.address = wish.address,
                                                 .reason = store::SuppressionReason::Unsubscribe,
                                                 .at = now,
                                                 .message = wish.message,
                                                 .stream = wish.stream});
  });
}

Result<bool> tell(store::Spool& spool, const domains::Unsubscription& wish, Instant now) {
  const auto events = spool.events_of(wish.message);
  if (!events) return events.error();
  const bool is_told =
      std::ranges::any_of(*events, [](const Event& event) { return event.type == EventType::RecipientUnsubscribed; });
  if (is_told) return false;
  Event event;
  event.at = now;
  event.type = EventType::RecipientUnsubscribed;
  event.account = wish.account;
  event.message = wish.message;
  event.environment = wish.environment;
  event.recipient = wish.address;
  event.detail = wish.stream;
  store::Settlement settlement{.id = wish.message, .changes = {}, .events = {event}, .notifications = {}};
  const Result<void> told = wait_for_sync([&](Completion done) { spool.settle(std::move(settlement), std::move(done)); });
  if (told) return true;
  if (told.error().code() == ErrorCode::NotFound) return false;
  return told.error();
}

}  // namespace

Result<bool> unsubscribe(store::Store& store, const domains::Unsubscription& wish, Instant now) {
  const auto account = store.directory().find_account(wish.account);
  if (!account) return account.error();
  if (!*account) return Error(ErrorCode::NotFound);
  if (wish.environment == Environment::Live) {
    if (const auto suppressed = suppress_stream(store.directory(), wish, now); !suppressed) return suppressed.error();
  }
  const Result<bool> told = tell(store.spool(), wish, now);
  if (!told || !*told) return told;
  unsubscriptions.add();
  log::write(log::Level::Info, "recipient_unsubscribed",
             {{"id", format_message_id(wish.message)},
              {"account", format_id(wish.account)},
              {"account_name", operator_log::account_name(wish.account)},
              {"recipient", wish.address},
              {"stream", wish.stream}});
  return told;
}

}  // namespace postern::reception
