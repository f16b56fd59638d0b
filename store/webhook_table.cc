// Webhooks, how far each has come, and the events that it has not taken yet.
#include "store/audit.h"
#include "store/directory_index.h"
#include "store/leftovers.h"

#include <algorithm>

namespace postern::store {
namespace {

KeyOctets pending_row(const WebhookId& id, std::uint64_t sequence) { return KeyOctets().add(id.octets).add(sequence); }

// Raises `last` to the greatest number in the table; records that are damaged name none.
template <class Record, class NumberOf>
Result<void> raise_to_greatest(Transaction& transaction, std::uint64_t& last, NumberOf number_of) {
  Cursor cursor(Table(transaction, TableOf<Record>::table));
  for (bool found = cursor.first(); found; found = cursor.next()) {
    if (const Result<Record> record = decode<Record>(cursor.value())) last = std::max(last, number_of(*record));
  }
  return cursor.status();
}

std::uint64_t before_first(const WebhookRecord& webhook) {
  return std::max<std::uint64_t>(webhook.first_sequence, 1) - 1;  // a number that was not given yet
}

}  // namespace

Result<std::optional<WebhookRecord>> DirectoryReads::find_webhook(const WebhookId& id) const {
  return look([&](Transaction& transaction) { return find_record<WebhookRecord>(transaction, octets_of(id.octets)); });
}

Result<std::vector<WebhookRecord>> DirectoryReads::list_webhooks(const AccountId& account) const {
  return look([&](Transaction& transaction) {
    return list_through<WebhookRecord>(transaction, DirectoryTable::AccountWebhooks, account);
  });
}

Result<std::vector<WebhookRecord>> DirectoryReads::list_all_webhooks() const {
  return look([](Transaction& transaction) { return list_records<WebhookRecord>(transaction); });
}

Result<WebhookProgress> DirectoryReads::webhook_progress(const WebhookId& id) const {
  const auto progress = look([&](Transaction& transaction) {
    return find_record<WebhookProgress>(transaction, octets_of(id.octets));
  });
  if (!progress) return progress.error();
  return progress->value_or(WebhookProgress{});
}

Result<std::vector<PendingWebhookEvent>> DirectoryReads::list_pending_events(const WebhookId& id, std::uint64_t after,
                                                                             std::size_t limit) const {
  if (after == ~std::uint64_t{0}) return std::vector<PendingWebhookEvent>();
  return look([&](Transaction& transaction) {
    return list_records<PendingWebhookEvent>(transaction, octets_of(id.octets), pending_row(id, after + 1), limit);
  });
}

Result<std::uint64_t> DirectoryReads::last_seen_sequence() const {
  return look([](Transaction& transaction) -> Result<std::uint64_t> {
    std::uint64_t last = 0;
    Result<void> walked = raise_to_greatest<WebhookRecord>(transaction, last, before_first);
    if (walked) walked = raise_to_greatest<WebhookProgress>(transaction, last, [](const auto& p) { return p.cursor; });
    if (walked) walked = raise_to_greatest<PendingWebhookEvent>(transaction, last, [](const auto& p) { return p.sequence; });
    if (!walked) return walked.error();
    return last;
  });
}

Result<void> DirectoryWriter::put_webhook(const WebhookRecord& webhook) {
  if (Result<void> required = require_account(webhook.account); !required) return required;
  const Result<std::optional<WebhookRecord>> before = find_webhook(webhook.id);
  if (!before) return before.error();
  Result<void> ready = replace_rows(transaction_, webhook, {});
  if (ready) {
    ready = require_room(transaction_, DirectoryTable::AccountWebhooks, webhook.account, kMaxWebhooksPerAccount, "webhooks");
  }
  if (!ready) return ready;
  if (Result<void> put = put_with_rows(transaction_, webhook); !put) return put;
  return note_webhook(transaction_, actor_, *before ? &**before : nullptr, webhook);
}

Result<void> DirectoryWriter::remove_webhook(const WebhookId& id) {
  const Result<std::optional<WebhookRecord>> webhook = find_webhook(id);
  if (!webhook) return webhook.error();
  Result<void> removed = erase_with_rows<WebhookRecord>(transaction_, id, "webhook");
  if (removed) removed = erase_row(transaction_, DirectoryTable::WebhookProgress, octets_of(id.octets));
  if (removed) removed = leave_rows(transaction_, octets_of(id.octets));
  if (removed) {
    removed = note_removal(transaction_, actor_,
                           {.account = (*webhook)->account, .action = "webhook.removed", .target_kind = "webhook",
                            .target_id = format_id(id), .target_name = (*webhook)->url});
  }
  if (!removed) return removed;
  return remove_leftovers();
}

Result<void> DirectoryWriter::put_webhook_progress(const WebhookId& id, const WebhookProgress& progress) {
  const std::string_view key = octets_of(id.octets);
  return if_there(transaction_, DirectoryTable::Webhooks, key, [&] { return put_record(transaction_, key, progress); });
}

Result<void> DirectoryWriter::put_pending_event(const WebhookId& id, const PendingWebhookEvent& event) {
  return if_there(transaction_, DirectoryTable::Webhooks, octets_of(id.octets), [&] {
    return put_record(transaction_, pending_row(id, event.sequence), event);
  });
}

Result<void> DirectoryWriter::remove_pending_event(const WebhookId& id, std::uint64_t sequence) {
  return erase_row(transaction_, DirectoryTable::PendingEvents, pending_row(id, sequence));
}

}  // namespace postern::store
