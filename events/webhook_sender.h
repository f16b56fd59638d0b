// WebhookSender: one webhook's events, from the log to its receiver. For events/webhook_dispatcher only.
#pragma once

#include "core/recent_map.h"
#include "core/result.h"
#include "core/token_bucket.h"
#include "events/received_content.h"
#include "events/webhook_attempts.h"
#include "events/webhook_backlog.h"
#include "events/webhook_dispatcher.h"
#include "events/webhook_letter.h"

#include <boost/asio/steady_timer.hpp>

#include <map>
#include <memory>
#include <optional>
#include <set>

namespace postern::events {

class WebhookSender;

// The requests that all senders share, and the octets that an account may send a second. One thread.
class WebhookSlots {
 public:
  // False: no more at the moment; the sender is poked when there may be.
  bool take(const AccountId& account, WebhookSender& sender);
  void give_back(const AccountId& account);
  // So long the account has to wait, having sent what it may; nullopt: not at all.
  std::optional<Duration> wait_of(const AccountId& account, Instant now) { return charge(account, 0, now); }
  std::optional<Duration> charge(const AccountId& account, std::size_t octets, Instant now);
  void forget(WebhookSender& sender) { waiting_.erase(&sender); }

 private:
  bool has_room(const AccountId& account) const;

  std::size_t count_ = 0;
  std::map<AccountId, std::size_t> by_account_;
  RecentMap<AccountId, TokenBucket> octets_;
  std::set<WebhookSender*> waiting_;
};

// On the dispatcher's executor.
class WebhookSender : public std::enable_shared_from_this<WebhookSender> {
 public:
  // `parts` outlive run().
  WebhookSender(const WebhookDispatcherParts& parts, std::shared_ptr<WebhookSlots> slots, store::WebhookRecord webhook);
  ~WebhookSender() { slots_->forget(*this); }
  WebhookSender(const WebhookSender&) = delete;
  WebhookSender& operator=(const WebhookSender&) = delete;

  // Until stop(), or until the webhook is disabled by its failures; every request it began has ended then.
  net::Awaitable<void> run();
  // Look again: there are events, a slot, another row, or time has passed.
  void poke();
  // The record was read anew. True: nothing but a new sender can follow the change.
  bool update(store::WebhookRecord webhook);
  void stop();
  bool has_ended() const { return has_ended_; }
  const store::WebhookRecord& webhook() const { return webhook_; }
  const std::optional<WebhookBacklog>& backlog() const { return backlog_; }  // nullopt: not read yet

 private:
  bool load();
  void merge_rows();
  // A slice; true: there is more to read at once.
  bool read_log();
  // Of a run with a clock: events/run_webhooks is told, and offers it in the run's own time.
  bool is_of_clock(const Event& event);
  std::vector<store::PendingWebhookEvent> take_own(const std::vector<store::PendingWebhookEvent>& rows);
  void start_requests();
  static net::Awaitable<void> send(std::shared_ptr<WebhookSender> self, std::uint64_t sequence);
  // Of what came in; nullopt of anything else.
  net::Awaitable<std::optional<ReceivedContent>> read_content(const FoundEvent& found);
  void remember(WebhookAttempt attempt, const WebhookAnswer& answer);
  void ended(std::uint64_t sequence, const WebhookAnswer& answer);
  net::Awaitable<void> save();
  net::Awaitable<void> disable();
  net::Awaitable<void> rest();
  void storage_failed(std::string_view what, const Error& error);

  const WebhookDispatcherParts& parts_;
  std::shared_ptr<WebhookSlots> slots_;
  store::WebhookRecord webhook_;
  std::optional<WebhookBacklog> backlog_;
  net::asio::steady_timer timer_;
  Instant next_save_;
  Instant next_look_;        // at rows that others may have put there
  std::optional<Instant> paced_until_;  // the account sent what it may: not before
  bool is_poked_ = false;
  bool is_stopping_ = false;
  bool is_gone_ = false;     // the receiver answered 410
  bool is_storage_bad_ = false;  // the last operation failed; logged once
  bool has_ended_ = false;
};

}  // namespace postern::events
