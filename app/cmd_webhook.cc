// postern webhook … A server that runs sees every change within two seconds. A secret is shown once, where it is made.
#include "app/commands.h"

#include "api/record_json.h"
#include "app/config_values.h"
#include "events/event_ids.h"
#include "events/event_json.h"
#include "events/webhook_admin.h"
#include "events/webhook_signature.h"

namespace postern::app {
namespace {

using store::WebhookRecord;

events::WebhookAdmin make_admin(CommandContext& context) {
  return {context.store(), context.clock(), context.random(), make_webhook_policy(context.settings())};
}

std::string state_text(const WebhookRecord& webhook) {
  switch (webhook.state) {
    case store::WebhookState::Enabled: return "enabled";
    case store::WebhookState::Disabled: return "disabled";
    case store::WebhookState::Failed: return "failed";
  }
  return "unknown";
}

std::string events_text(const WebhookRecord& webhook) {
  if (webhook.events.empty()) return "all";
  std::string text;
  for (const std::string& name : webhook.events) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// By id or unique beginning.
Result<WebhookRecord> find_webhook(CommandContext& context, const std::string& text) {
  auto webhooks = context.directory().list_all_webhooks();
  if (!webhooks) return webhooks.error();
  std::erase_if(*webhooks, [&](const WebhookRecord& webhook) { return text.empty() || !format_id(webhook.id).starts_with(text); });
  if (webhooks->empty()) return Error(ErrorCode::NotFound, "there is no webhook " + printable(text));
  if (webhooks->size() > 1) {
    return Error(ErrorCode::Conflict, "several webhooks begin with " + printable(text) + ": write more of it");
  }
  return std::move(webhooks->front());
}

json::object webhook_value(CommandContext& context, const WebhookRecord& webhook) {
  json::object value = api::webhook_json(webhook);
  value["account"] = context.account_name(webhook.account);
  return value;
}

Result<void> set_enabled(CommandContext& context, const std::string& text, bool is_enabled) {
  const auto webhook = find_webhook(context, text);
  if (!webhook) return webhook.error();
  events::WebhookChange change;
  change.is_enabled = is_enabled;
  const auto changed = make_admin(context).change(webhook->account, webhook->id, change);
  if (!changed) return changed.error();
  const std::string id = format_id(webhook->id);
  context.confirm({{"webhook", id}, {"state", state_text(*changed)}}, "webhook " + id + " is " + state_text(*changed));
  return {};
}

// The one time that a secret is shown here.
void print_secret(CommandContext& context, const WebhookRecord& webhook, bool is_quiet) {
  const std::string secret(events::format_webhook_secret(webhook.secret).reveal());
  json::object value = webhook_value(context, webhook);
  value["signing_secret"] = secret;
  context.print(value, is_quiet ? secret + "\n"
                                : format_facts({{"webhook", format_id(webhook.id)},
                                                {"account", context.account_name(webhook.account)},
                                                {"endpoint", webhook.url},
                                                {"events", events_text(webhook)},
                                                {"secret", secret}}) +
                                      "\nThe secret is shown this once: its receiver needs it to check signatures.\n");
}

}  // namespace

Result<void> create_webhook(CommandContext& context, const WebhookCreateOptions& options) {
  const auto account = context.find_account(options.account);
  if (!account) return account.error();
  const auto mail = options.environment == "all"    ? store::WebhookMail::Any
                    : options.environment == "test" ? store::WebhookMail::Test
                                                    : store::WebhookMail::Live;
  const auto created = make_admin(context).create(
      account->id, {.url = options.url, .events = options.events, .mail = mail, .from_domains = options.from_domains});
  if (!created) return created.error();
  print_secret(context, *created, options.is_quiet);
  return {};
}

Result<void> rotate_webhook(CommandContext& context, const std::string& text, bool is_quiet) {
  const auto webhook = find_webhook(context, text);
  if (!webhook) return webhook.error();
  const auto rotated = make_admin(context).rotate_secret(webhook->account, webhook->id);
  if (!rotated) return rotated.error();
  print_secret(context, *rotated, is_quiet);
  return {};
}

Result<void> set_webhook(CommandContext& context, const WebhookSetOptions& options) {
  const auto webhook = find_webhook(context, options.webhook);
  if (!webhook) return webhook.error();
  events::WebhookChange change;
  if (!options.url.empty()) change.url = options.url;
  if (!options.events.empty() || options.is_all_events) change.events = options.events;
  if (!change.url && !change.events) {
    return Error(ErrorCode::InvalidArgument, "say what to change: --endpoint, --event, --all-events");
  }
  const auto changed = make_admin(context).change(webhook->account, webhook->id, change);
  if (!changed) return changed.error();
  const std::string id = format_id(changed->id);
  context.confirm(webhook_value(context, *changed),
                  "webhook " + id + " sends " + events_text(*changed) + " to " + printable(changed->url));
  return {};
}

Result<void> list_webhooks(CommandContext& context, const std::string& name) {
  std::optional<AccountId> of;
  if (!name.empty()) {
    const auto account = context.find_account(name);
    if (!account) return account.error();
    of = account->id;
  }
  const auto webhooks = context.directory().list_all_webhooks();
  if (!webhooks) return webhooks.error();
  json::array values;
  std::vector<std::vector<std::string>> rows;
  for (const WebhookRecord& webhook : *webhooks) {
    if (of && webhook.account != *of) continue;
    values.emplace_back(webhook_value(context, webhook));
    rows.push_back(
        {format_id(webhook.id), context.account_name(webhook.account), state_text(webhook), webhook.url, events_text(webhook)});
  }
  context.print(values, format_table({"ID", "ACCOUNT", "STATE", "ENDPOINT", "EVENTS"}, rows));
  return {};
}

Result<void> show_webhook(CommandContext& context, const std::string& text) {
  const auto webhook = find_webhook(context, text);
  if (!webhook) return webhook.error();
  const auto progress = context.directory().webhook_progress(webhook->id);
  if (!progress) return progress.error();
  json::object value = webhook_value(context, *webhook);
  value["delivered"] = progress->delivered;
  value["given_up"] = progress->given_up;
  value["failing_since"] = api::instant_json(progress->failing_since);
  value["position"] = events::format_event_id(progress->cursor);
  context.print(value, format_facts({{"id", format_id(webhook->id)},
                                     {"account", context.account_name(webhook->account)},
                                     {"endpoint", webhook->url},
                                     {"state", state_text(*webhook)},
                                     {"environment", std::string(api::webhook_mail_name(webhook->mail))},
                                     {"events", events_text(*webhook)},
                                     {"created", format_time(webhook->created)},
                                     {"delivered", std::to_string(progress->delivered)},
                                     {"given up", std::to_string(progress->given_up)},
                                     {"failing since", format_time(progress->failing_since)},
                                     {"position", events::format_event_id(progress->cursor)}}));
  return {};
}

Result<void> enable_webhook(CommandContext& context, const std::string& webhook) { return set_enabled(context, webhook, true); }

Result<void> disable_webhook(CommandContext& context, const std::string& webhook) { return set_enabled(context, webhook, false); }

Result<void> delete_webhook(CommandContext& context, const std::string& text) {
  const auto webhook = find_webhook(context, text);
  if (!webhook) return webhook.error();
  if (const auto removed = make_admin(context).remove(webhook->account, webhook->id); !removed) return removed.error();
  const std::string id = format_id(webhook->id);
  context.confirm({{"webhook", id}, {"done", "deleted"}}, "webhook " + id + " is deleted");
  return {};
}

Result<void> replay_webhook(CommandContext& context, const WebhookReplayOptions& options) {
  const auto webhook = find_webhook(context, options.webhook);
  if (!webhook) return webhook.error();
  const bool is_single = !options.event.empty();
  const std::string& text = is_single ? options.event : options.since;
  const auto key = context.store().spool().event_id_key(context.random());
  if (!key) return key.error();
  auto sequence = events::EventIds(*key).parse(webhook->account, text);
  if (!sequence) sequence = events::parse_event_id(text);  // its number in the log
  if (!sequence) {
    return Error(ErrorCode::InvalidArgument, "name an event with --event or --since: its id, or its number in the log");
  }
  events::WebhookAdmin admin = make_admin(context);
  const auto replayed = is_single ? admin.replay_event(webhook->account, webhook->id, *sequence)
                                  : admin.replay_since(webhook->account, webhook->id, *sequence);
  if (!replayed) return replayed.error();
  const std::string id = format_id(webhook->id);
  const std::string event = events::format_event_id(*sequence);
  context.confirm({{"webhook", id}, {is_single ? "event" : "since", event}},
                  "webhook " + id + (is_single ? " gets " + event + " again" : " gets all from " + event + " on again"));
  return {};
}

}  // namespace postern::app
