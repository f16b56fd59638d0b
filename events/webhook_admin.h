// WebhookAdmin: the life of webhooks. One code path for HTTP and the command line. How events get to them is
// events/webhook_dispatcher's business, in another process or this one: what both have to know goes through the directory.
#pragma once

#include "core/clock.h"
#include "core/random.h"
#include "core/recent_map.h"
#include "core/result.h"
#include "events/webhook_target.h"
#include "store/store.h"

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace postern::events {

inline constexpr Duration kSecretOverlap = std::chrono::hours(24);  // both secrets sign that long after a rotation

struct NewWebhook {
  std::string url;
  std::vector<std::string> events{};  // wire names; empty: all
  store::WebhookMail mail = store::WebhookMail::Live;
  std::vector<std::string> from_domains{};
  store::ReceivedForm received_form = store::ReceivedForm::Postern;
  std::vector<std::string> routes{};  // of mail that came in, what these brought alone
  std::string secret{};               // shared with another webhook of the account; empty: a new one
};

// Of one webhook: a replay sends all that there is.
inline constexpr Duration kReplayEvery = std::chrono::minutes(1);

struct WebhookChange {
  std::optional<std::string> url;
  std::optional<std::vector<std::string>> events;  // wire names; empty: all
  std::optional<bool> is_enabled;                  // true also clears a failure: it has a day again
};

// Every function blocks until its change is synced. Errors carry words for people: InvalidArgument, NotFound (also: another
// account's), LimitExceeded, and the store's. Any thread.
class WebhookAdmin {
 public:
  // `on_change` is called after each change; empty: nobody in this process wants to know. All must outlive this.
  WebhookAdmin(store::Store& store, const Clock& clock, Random& random, WebhookPolicy policy, std::function<void()> on_change = {})
      : store_(store), clock_(clock), random_(random), policy_(std::move(policy)), on_change_(std::move(on_change)) {}

  // Gets the events from now on.
  Result<store::WebhookRecord> create(const AccountId& account, NewWebhook wanted);
  Result<store::WebhookRecord> find(const AccountId& account, const WebhookId& id) const;
  Result<store::WebhookRecord> change(const AccountId& account, const WebhookId& id, const WebhookChange& change);
  Result<void> remove(const AccountId& account, const WebhookId& id);
  // `secret`: the new one, shared with another webhook; empty: one of its own is made.
  Result<store::WebhookRecord> rotate_secret(const AccountId& account, const WebhookId& id, std::string secret = {});
  // Sends the one event again, also where the webhook's list of types leaves it out. NotFound: its retention has ended, or it
  // is another account's.
  Result<void> replay_event(const AccountId& account, const WebhookId& id, std::uint64_t sequence);
  // nullopt: it may be replayed now, and counts as replayed. Else how long until kReplayEvery has passed since it was last.
  std::optional<std::chrono::seconds> wait_for_replay(const WebhookId& id);
  // Sends all that it wants again from `sequence` on, those that were delivered too. Begins anew: retries are reset, its counts go
  // on. InvalidArgument: no event has that number, nor is it the next one's.
  Result<void> replay_since(const AccountId& account, const WebhookId& id, std::uint64_t sequence);

 private:
  using Edit = std::function<Result<void>(store::DirectoryWriter&, store::WebhookRecord&)>;
  // Reads, edits and writes the record in one transaction.
  Result<store::WebhookRecord> edit(const AccountId& account, const WebhookId& id, const Edit& edit);
  void changed() const {
    if (on_change_) on_change_();
  }

  store::Store& store_;
  const Clock& clock_;
  Random& random_;
  WebhookPolicy policy_;
  std::function<void()> on_change_;
  std::mutex mutex_;
  RecentMap<WebhookId, Instant> replayed_;  // under mutex_
};

// "enabled" or "disabled", as Resend has it; by failure is disabled too.
std::string_view webhook_state_name(store::WebhookState state);

}  // namespace postern::events
