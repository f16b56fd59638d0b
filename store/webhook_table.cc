// Webhooks; the account index is kept in step.
#include "store/webhook_table.h"

#include "store/codec.h"
#include "store/directory.h"
#include "store/leftovers.h"
#include "store/record_table.h"

#include <algorithm>

namespace postern::store {
namespace {

KeyOctets account_row(const WebhookRecord& webhook) {
  return KeyOctets().add(webhook.account.octets).add(webhook.id.octets);
}

KeyOctets pending_row(const WebhookId& id, std::uint64_t sequence) { return KeyOctets().add(id.octets).add(sequence); }

Result<bool> has_webhook(Transaction& transaction, const WebhookId& id) {
  Result<std::optional<std::string_view>> found = Table(transaction, DirectoryTable::Webhooks).find(octets_of(id.octets));
  if (!found) return found.error();
  return found->has_value();
}

}  // namespace

Result<std::optional<WebhookRecord>> find_webhook(Transaction& transaction, const WebhookId& id) {
  return find_record(transaction, DirectoryTable::Webhooks, octets_of(id.octets), decode_webhook);
}

Result<std::vector<WebhookRecord>> list_webhooks(Transaction& transaction, const AccountId& account) {
  Result<std::vector<WebhookId>> ids = list_ids_of<WebhookId>(transaction, DirectoryTable::AccountWebhooks, account);
  if (!ids) return ids.error();
  return find_all<WebhookRecord>(transaction, *ids, find_webhook);
}

Result<std::vector<WebhookRecord>> list_all_webhooks(Transaction& transaction) {
  return list_records(transaction, DirectoryTable::Webhooks, {}, decode_webhook);
}

Result<WebhookProgress> load_webhook_progress(Transaction& transaction, const WebhookId& id) {
  Result<std::optional<WebhookProgress>> progress =
      find_record(transaction, DirectoryTable::WebhookProgress, octets_of(id.octets), decode_webhook_progress);
  if (!progress) return progress.error();
  return progress->value_or(WebhookProgress{});
}

Result<std::vector<PendingWebhookEvent>> list_pending_events(Transaction& transaction, const WebhookId& id,
                                                             std::uint64_t after, std::size_t limit) {
  std::vector<PendingWebhookEvent> events;
  if (after == ~std::uint64_t{0}) return events;
  const std::string_view prefix = octets_of(id.octets);
  Cursor cursor(Table(transaction, DirectoryTable::PendingEvents));
  bool found = cursor.seek(pending_row(id, after + 1));
  for (; found && cursor.key().starts_with(prefix) && events.size() < limit; found = cursor.next()) {
    Result<PendingWebhookEvent> event = decode_pending_webhook_event(cursor.value());
    if (!event) return event.error();
    events.push_back(*event);
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return events;
}

Result<std::uint64_t> last_seen_sequence(Transaction& transaction) {
  std::uint64_t last = 0;
  const auto walk = [&](DirectoryTable table, auto decode, auto number_of) -> Result<void> {
    Cursor cursor(Table(transaction, table));
    for (bool found = cursor.first(); found; found = cursor.next()) {
      if (const auto record = decode(cursor.value())) last = std::max(last, number_of(*record));
    }
    return cursor.status();
  };
  const auto before_first = [](const WebhookRecord& webhook) {
    return std::max<std::uint64_t>(webhook.first_sequence, 1) - 1;  // a number that was not given yet
  };
  Result<void> walked = walk(DirectoryTable::Webhooks, decode_webhook, before_first);
  if (walked) walked = walk(DirectoryTable::WebhookProgress, decode_webhook_progress, [](const auto& p) { return p.cursor; });
  if (walked) walked = walk(DirectoryTable::PendingEvents, decode_pending_webhook_event, [](const auto& p) { return p.sequence; });
  if (!walked) return walked.error();
  return last;
}

Result<void> put_webhook(WriteTransaction& transaction, const WebhookRecord& webhook) {
  Result<std::optional<WebhookRecord>> previous = find_webhook(transaction, webhook.id);
  if (!previous) return previous.error();
  WritableTable rows(transaction, DirectoryTable::AccountWebhooks);
  if (*previous) {
    if (Result<bool> erased = rows.erase(account_row(**previous)); !erased) return erased.error();
  }
  Result<std::vector<WebhookId>> others =
      list_ids_of<WebhookId>(transaction, DirectoryTable::AccountWebhooks, webhook.account);
  if (!others) return others.error();
  if (others->size() >= kMaxWebhooksPerAccount) {
    return Error(ErrorCode::LimitExceeded, "an account has at most " + std::to_string(kMaxWebhooksPerAccount) + " webhooks");
  }
  std::string record;
  encode_webhook(webhook, record);
  WritableTable webhooks(transaction, DirectoryTable::Webhooks);
  if (Result<void> put = webhooks.put(octets_of(webhook.id.octets), record); !put) return put;
  return rows.put(account_row(webhook), {});
}

Result<void> erase_webhook(WriteTransaction& transaction, const WebhookId& id) {
  Result<std::optional<WebhookRecord>> webhook = find_webhook(transaction, id);
  if (!webhook) return webhook.error();
  if (!*webhook) return Error(ErrorCode::NotFound, "no webhook " + format_id(id));
  WritableTable rows(transaction, DirectoryTable::AccountWebhooks);
  if (Result<bool> erased = rows.erase(account_row(**webhook)); !erased) return erased.error();
  for (const DirectoryTable table : {DirectoryTable::Webhooks, DirectoryTable::WebhookProgress}) {
    Result<bool> erased = WritableTable(transaction, table).erase(octets_of(id.octets));
    if (!erased) return erased.error();
  }
  return leave_rows(transaction, octets_of(id.octets));
}

Result<void> clear_webhooks(WriteTransaction& transaction, const AccountId& account) {
  Result<std::vector<WebhookId>> ids = list_ids_of<WebhookId>(transaction, DirectoryTable::AccountWebhooks, account);
  if (!ids) return ids.error();
  for (const WebhookId& id : *ids) {
    if (Result<void> erased = erase_webhook(transaction, id); !erased) return erased;
  }
  return {};
}

Result<void> put_webhook_progress(WriteTransaction& transaction, const WebhookId& id, const WebhookProgress& progress) {
  Result<bool> exists = has_webhook(transaction, id);
  if (!exists) return exists.error();
  if (!*exists) return {};
  std::string record;
  encode_webhook_progress(progress, record);
  return WritableTable(transaction, DirectoryTable::WebhookProgress).put(octets_of(id.octets), record);
}

Result<void> put_pending_event(WriteTransaction& transaction, const WebhookId& id, const PendingWebhookEvent& event) {
  Result<bool> exists = has_webhook(transaction, id);
  if (!exists) return exists.error();
  if (!*exists) return {};
  std::string record;
  encode_pending_webhook_event(event, record);
  return WritableTable(transaction, DirectoryTable::PendingEvents).put(pending_row(id, event.sequence), record);
}

Result<void> erase_pending_event(WriteTransaction& transaction, const WebhookId& id, std::uint64_t sequence) {
  Result<bool> erased = WritableTable(transaction, DirectoryTable::PendingEvents).erase(pending_row(id, sequence));
  if (!erased) return erased.error();
  return {};
}

}  // namespace postern::store
