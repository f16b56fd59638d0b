#include "events/webhook_admin.h"

#include "core/bytes.h"
#include "events/event_json.h"
#include "events/webhook_signature.h"

#include <utility>

namespace postern::events {
namespace {

using store::DirectoryWriter;
using store::WebhookRecord;
using store::WebhookState;

constexpr std::size_t kMaxReplayed = 65'536;  // remembered: whoever is forgotten may be replayed at once

Result<void> check_events(const std::vector<std::string>& events) {
  if (events.size() > event_type_table().size()) return Error(ErrorCode::InvalidArgument, "events: names types more than once");
  for (const std::string& name : events) {
    if (parse_event_wire_name(name)) continue;
    const std::string quoted = "\"" + escape_for_log(name, 64) + "\"";
    return Error(ErrorCode::InvalidArgument, "events: there is no type " + quoted + "; docs/events.md lists them");
  }
  return {};
}

Error not_found() { return Error(ErrorCode::NotFound, "there is no such webhook"); }

}  // namespace

Result<WebhookRecord> WebhookAdmin::create(const AccountId& account, NewWebhook wanted) {
  if (const auto target = parse_webhook_url(wanted.url, policy_); !target) return target.error();
  if (const auto valid = check_events(wanted.events); !valid) return valid.error();
  const auto last = store_.spool().last_sequence();
  if (!last) return last.error();
  WebhookRecord webhook;
  webhook.id = make_webhook_id(random_);
  webhook.account = account;
  webhook.url = std::move(wanted.url);
  webhook.events = std::move(wanted.events);
  webhook.mail = wanted.mail;
  webhook.from_domains = std::move(wanted.from_domains);
  webhook.received_form = wanted.received_form;
  webhook.routes = std::move(wanted.routes);
  webhook.secret = wanted.secret.empty() ? make_webhook_secret(random_) : std::move(wanted.secret);
  webhook.created = clock_.now();
  webhook.first_sequence = *last + 1;
  const Result<void> written = store_.directory().write([&](DirectoryWriter& writer) { return writer.put_webhook(webhook); });
  if (!written) return written.error();
  changed();
  return webhook;
}

Result<WebhookRecord> WebhookAdmin::find(const AccountId& account, const WebhookId& id) const {
  const auto webhook = store_.directory().find_webhook(id);
  if (!webhook) return webhook.error();
  if (!*webhook || (*webhook)->account != account) return not_found();
  return **webhook;
}

Result<WebhookRecord> WebhookAdmin::edit(const AccountId& account, const WebhookId& id, const Edit& edit) {
  WebhookRecord webhook;
  const Result<void> written = store_.directory().write([&](DirectoryWriter& writer) -> Result<void> {
    const auto current = writer.find_webhook(id);
    if (!current) return current.error();
    if (!*current || (*current)->account != account) return not_found();
    webhook = **current;
    if (auto edited = edit(writer, webhook); !edited) return edited;
    return writer.put_webhook(webhook);
  });
  if (!written) return written.error();
  changed();
  return webhook;
}

Result<WebhookRecord> WebhookAdmin::change(const AccountId& account, const WebhookId& id, const WebhookChange& change) {
  if (change.url) {
    if (const auto target = parse_webhook_url(*change.url, policy_); !target) return target.error();
  }
  if (change.events) {
    if (const auto valid = check_events(*change.events); !valid) return valid.error();
  }
  auto progress = store_.directory().webhook_progress(id);
  if (!progress) return progress.error();
  return edit(account, id, [&](DirectoryWriter& writer, WebhookRecord& webhook) -> Result<void> {
    const bool is_revived = change.is_enabled == true && webhook.state != WebhookState::Enabled;
    const bool is_moved = change.url && *change.url != webhook.url;
    if (change.url) webhook.url = *change.url;
    if (change.events) webhook.events = *change.events;
    if (change.is_enabled) webhook.state = *change.is_enabled ? WebhookState::Enabled : WebhookState::Disabled;
    if (!is_revived && !is_moved) return {};
    // Nobody sends for a webhook that is not enabled: its progress stands still. Who sends for one that is sees the new endpoint.
    if (is_revived) progress->failing_since.reset();
    if (is_moved) progress->is_proven = false;
    return writer.put_webhook_progress(id, *progress);
  });
}

Result<void> WebhookAdmin::remove(const AccountId& account, const WebhookId& id) {
  Result<void> written = store_.directory().write([&](DirectoryWriter& writer) -> Result<void> {
    const auto current = writer.find_webhook(id);
    if (!current) return current.error();
    if (!*current || (*current)->account != account) return not_found();
    return writer.remove_webhook(id);
  });
  if (written) changed();
  return written;
}

Result<WebhookRecord> WebhookAdmin::rotate_secret(const AccountId& account, const WebhookId& id, std::string secret) {
  if (secret.empty()) secret = make_webhook_secret(random_);
  return edit(account, id, [&](DirectoryWriter&, WebhookRecord& webhook) -> Result<void> {
    webhook.previous_secret = std::exchange(webhook.secret, secret);
    webhook.previous_secret_until = clock_.now() + kSecretOverlap;
    return {};
  });
}

Result<void> WebhookAdmin::replay_event(const AccountId& account, const WebhookId& id, std::uint64_t sequence) {
  const auto event = store_.spool().find_event(sequence);
  if (!event) return event.error();
  if (!*event || (*event)->account != account) return Error(ErrorCode::NotFound, "there is no such event (any more)");
  const store::PendingWebhookEvent pending{
      .sequence = sequence, .message = (*event)->message, .first_attempt = {}, .due = clock_.now(), .attempts = 0,
      .is_requested = true};
  const auto put = [&](DirectoryWriter& writer, WebhookRecord&) { return writer.put_pending_event(id, pending); };
  const auto edited = edit(account, id, put);
  if (!edited) return edited.error();
  return {};
}

std::optional<std::chrono::seconds> WebhookAdmin::wait_for_replay(const WebhookId& id) {
  const Instant now = clock_.now();
  const std::lock_guard lock(mutex_);
  const auto [last, is_new] = replayed_.touch(id);
  const bool is_early = !is_new && now >= last && now - last < kReplayEvery;
  if (is_early) return std::chrono::ceil<std::chrono::seconds>(last + kReplayEvery - now);
  last = now;
  replayed_.shrink_to(kMaxReplayed);
  return std::nullopt;
}

Result<void> WebhookAdmin::replay_since(const AccountId& account, const WebhookId& id, std::uint64_t sequence) {
  if (sequence == 0) return Error(ErrorCode::InvalidArgument, "since: events are numbered from 1");
  const auto last = store_.spool().last_sequence();
  if (!last) return last.error();
  // Whatever happens up to then would be passed over.
  if (sequence > *last + 1) return Error(ErrorCode::InvalidArgument, "since: there is no such event yet");
  auto progress = store_.directory().webhook_progress(id);
  if (!progress) return progress.error();
  const auto edited = edit(account, id, [&](DirectoryWriter& writer, WebhookRecord& webhook) -> Result<void> {
    // Another value tells the sender, in whatever process it is, to begin anew; one event more does no harm.
    webhook.first_sequence = webhook.first_sequence == sequence ? sequence - 1 : sequence;
    progress->cursor = sequence - 1;
    progress->failing_since.reset();
    return writer.put_webhook_progress(id, *progress);
  });
  if (!edited) return edited.error();
  return {};
}

std::string_view webhook_state_name(WebhookState state) { return state == WebhookState::Enabled ? "enabled" : "disabled"; }

}  // namespace postern::events
